//! `golv match`: a board of offers and requests from a file is matched, and the deals are printed.
//!
//! The matching is the engine's ([`golv_engine::bilateral`]); here a board is read, requests of a group are pooled and split, and the
//! result is printed.

mod board;

use std::error::Error;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::{Args, ValueEnum};
use golv_engine::bilateral::{Preference, PriceRule, Proof, RoundRule, Worth, hold_round};
use golv_engine::num::{Price, Share};
use serde_json::json;

use crate::print::{self, Format, Printed, grouped, millionths, price, table};
use board::Offered;

/// A board, and the rule that it is matched by.
#[derive(Args, Debug)]
pub struct Match {
    /// The board, as CSV; - reads standard input
    #[arg(long, value_name = "FILE")]
    board: PathBuf,
    /// Which matching of most quantity is best
    #[arg(long, value_enum, default_value_t = By::Surplus)]
    preference: By,
    /// With --preference priority: sectors in their order, separated by commas; others come last
    #[arg(long, value_name = "SECTOR", value_delimiter = ',', required_if_eq("preference", "priority"))]
    sectors: Vec<String>,
    /// What a deal's price is: uniform (one for each supplier), midpoint, ask, or k= and a share of the way from the offer's limit to
    /// the request's
    #[arg(long, default_value = "uniform")]
    price: Pricing,
    /// No deal is made below this price
    #[arg(long, value_name = "PRICE", allow_negative_numbers = true)]
    floor: Option<Price>,
    /// The most of what is matched that comes from one country
    #[arg(long, value_name = "SHARE")]
    origin_cap: Option<Share>,
    /// Where deals have a least quantity: how many partial choices are looked at before the best so far is taken
    #[arg(long, value_name = "N", default_value_t = NODE_LIMIT)]
    node_limit: u64,
    #[command(flatten)]
    printed: Printed,
}

/// Some seconds for a board of a thousand entries a side; a hundred take a tenth of a second.
pub(crate) const NODE_LIMIT: u64 = 1_000;

/// Which matching is best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum By {
    /// The greatest surplus.
    Surplus,
    /// The most for the first sector, then for the next.
    Priority,
    /// Shares as equal as can be.
    ProRata,
}

impl By {
    pub(crate) const fn preference(self) -> Preference {
        match self {
            Self::Surplus => Preference::Surplus,
            Self::Priority => Preference::Priority,
            Self::ProRata => Preference::ProRata,
        }
    }
}

/// What a deal's price is, as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pricing(pub(crate) PriceRule);

impl FromStr for Pricing {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let rule = match text {
            "uniform" => PriceRule::Uniform,
            "midpoint" => PriceRule::midpoint(),
            "ask" => PriceRule::Ask,
            _ => {
                let share =
                    text.strip_prefix("k=").ok_or("it is uniform, midpoint, ask, or k= and a share")?;
                PriceRule::Between(share.parse().map_err(|error| format!("{error}"))?)
            }
        };
        Ok(Self(rule))
    }
}

/// Matches a board and prints the deals.
///
/// # Errors
/// If the board cannot be read, or its entries make no sense. Nothing is printed then.
pub fn run(options: &Match) -> Result<(), Box<dyn Error>> {
    let offered = board::read(source(&options.board)?, &options.sectors)?;
    let rule = RoundRule {
        preference: options.preference.preference(),
        price: options.price.0,
        floor: options.floor,
        origin_cap: options.origin_cap,
        owner_cap: None,
    };
    let round = hold_round(&offered.board(), &rule, options.node_limit)?;
    let deals = offered.split(&round.deals);
    let bound = match &round.proof {
        Proof::Optimal => &round.worth,
        Proof::Bound(bound) => bound,
    };
    print_result(&offered, &deals, &round.worth, bound, options.printed.format());
    Ok(())
}

/// A deal of two rows of the file.
struct Dealt {
    offer: String,
    request: String,
    quantity: i64,
    price: Price,
}

fn print_result(offered: &Offered, deals: &[Dealt], worth: &Worth, bound: &Worth, format: Format) {
    let is_optimal = bound == worth;
    let unmatched: Vec<&str> = offered.without_deal(deals).collect();
    let rows = || {
        deals.iter().map(|deal| {
            let price = deal.price.to_string();
            vec![deal.offer.clone(), deal.request.clone(), deal.quantity.to_string(), price]
        })
    };
    match format {
        Format::Json => {
            let deals = deals.iter().map(|deal| {
                json!({
                    "offer": deal.offer,
                    "request": deal.request,
                    "quantity": deal.quantity,
                    "price": deal.price.to_string(),
                })
            });
            print::line(json!({
                "matched_quantity": worth.quantity,
                "surplus": millionths(worth.surplus),
                "deals": deals.collect::<Vec<_>>(),
                "unmatched": unmatched,
                "optimal": is_optimal,
                "bound": { "matched_quantity": bound.quantity, "surplus": millionths(bound.surplus) },
            }));
        }
        Format::Csv => print::line(print::csv(&["offer", "request", "quantity", "price"], rows()).trim_end()),
        Format::Table => {
            let shown = deals.iter().map(|deal| {
                let quantity = grouped(&deal.quantity.to_string());
                vec![deal.offer.clone(), deal.request.clone(), quantity, price(deal.price)]
            });
            print::line(table(&["offer", "request", ">quantity", ">price"], shown));
            print::line(format_args!(
                "matched {}, surplus {}; {}",
                grouped(&worth.quantity.to_string()),
                grouped(&millionths(worth.surplus)),
                if is_optimal {
                    "nothing is better".to_owned()
                } else {
                    format!(
                        "the search was stopped: nothing is better than {} with a surplus of {}",
                        grouped(&bound.quantity.to_string()),
                        grouped(&millionths(bound.surplus))
                    )
                }
            ));
            if !unmatched.is_empty() {
                print::line(format_args!("without a deal: {}", unmatched.join(", ")));
            }
        }
    }
}

fn source(file: &Path) -> Result<Box<dyn Read>, Box<dyn Error>> {
    if file == Path::new("-") {
        return Ok(Box::new(io::stdin()));
    }
    match File::open(file) {
        Ok(file) => Ok(Box::new(file)),
        Err(error) => Err(format!("{} cannot be read: {error}", file.display()).into()),
    }
}
