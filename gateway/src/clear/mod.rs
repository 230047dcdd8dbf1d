//! `golv clear` and `golv check`: an auction's book from a file is cleared by any rule, and a result is proved against its
//! book.
//!
//! The arithmetic is the engine's ([`golv_engine::clearing`], [`golv_engine::indivisible`] for orders with a minimum, and
//! [`golv_engine::support`] for support auctions);
//! here a book is read, a rule is chosen, and a result is printed and read back.

pub(crate) mod book;
mod optimum;
pub(crate) mod result;
pub(crate) mod rules;
mod support;

use std::error::Error;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use golv_engine::clearing::check::{
    Fault, check as prove, check_certificate, check_standings, check_winning_limits,
};
use golv_engine::clearing::{
    Allocation, ClearingError, Order, Outcome, Rule, certificate, clear as cleared, winning_limits,
};
use golv_engine::indivisible::{IndivisibleError, check as indivisible, optimum as best};
use golv_engine::num::Price;
use golv_engine::support::SupportRule;

use crate::print::{self, Format, Printed};
use book::Row;
use result::{Claimed, Private};
use rules::{Changes, PRESETS, RuleChoice, SupportChoice};

/// A book, and the rule that clears it.
#[derive(Args, Debug)]
pub struct Clear {
    /// The book, as CSV; - reads standard input. An empty price is a market order
    #[arg(long, value_name = "FILE", required_unless_present = "print_rule")]
    book: Option<PathBuf>,
    #[command(flatten)]
    rule: RuleChoice,
    #[command(flatten)]
    support: SupportChoice,
    /// With --declined: the result of a support auction, as golv clear --json prints it, whose reserve list is called
    #[arg(long, value_name = "FILE", requires = "declined", conflicts_with_all = ["rule", "rule_file", "support", "support_file", "rules", "indivisible"])]
    call_reserve: Option<PathBuf>,
    /// The offers whose owners decline their awards, separated by commas
    #[arg(long, value_name = "ID", value_delimiter = ',', requires = "call_reserve")]
    declined: Vec<String>,
    #[command(flatten)]
    changes: Changes,
    /// all: what each rule would do with the same book
    #[arg(long, value_enum, conflicts_with_all = ["rule", "rule_file", "print_rule"])]
    rules: Option<All>,
    /// How orders with a minimum are cleared, which are refused without
    #[arg(long, value_enum, conflicts_with_all = ["rules", "allocation"])]
    indivisible: Option<Indivisible>,
    /// With --indivisible optimum: how many partial choices are looked at before the best so far is taken [default: 1000000]
    #[arg(long, value_name = "N", requires = "indivisible")]
    node_limit: Option<u64>,
    /// What a seeded draw is made with: the bytes of this text stand before each id
    #[arg(long)]
    seed: Option<String>,
    #[command(flatten)]
    printed: Printed,
    /// With --json, also what each order is told of itself alone: what it was given, why, and with which limit it would have
    /// been given something
    #[arg(long, conflicts_with_all = ["rules", "print_rule"])]
    private: bool,
    /// Print the rule with the flags over it, as a rule file, and clear nothing
    #[arg(long)]
    print_rule: bool,
}

/// A result, and the book that it is of.
#[derive(Args, Debug)]
pub struct Check {
    /// The book, as CSV; - reads standard input
    #[arg(long, value_name = "FILE")]
    book: PathBuf,
    /// The result, as golv clear --json prints it; - reads standard input
    #[arg(long, value_name = "FILE")]
    result: PathBuf,
}

/// All rules.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum All {
    All,
}

const NO_BOOK: &str = "a book is needed: --book FILE";

/// Some seconds for a book of a thousand orders with a minimum that is hard; most take some thousands.
pub(crate) const NODE_LIMIT: u64 = 1_000_000;

/// How orders with a minimum are cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Indivisible {
    /// At the rule's price, pro rata, without those whose share would be less than their minimum: --allocation minimum-fill.
    Ferc,
    /// For the greatest welfare at one price, whatever the rule's allocation.
    Optimum,
}

/// A book that a rule does not take.
#[derive(Debug, thiserror::Error)]
#[error("{}{reason}", place.as_ref().map_or_else(String::new, |(id, line)| format!("line {line}, order {id}: ")))]
struct NotCleared {
    /// The order's id and line, if it is about one.
    place: Option<(String, u64)>,
    reason: IndivisibleError,
}

/// A result that is not what the rule gives.
#[derive(Debug, thiserror::Error)]
#[error("the result is wrong: {}", self.of_order())]
struct NotProved<F: Error> {
    /// The order's id and line, if it is about one.
    place: Option<(String, u64)>,
    fault: F,
}

impl<F: Error> NotProved<F> {
    /// What is wrong, of an order by its id and line: a fault counts rows from 0, and names the one that it is about first.
    fn of_order(&self) -> String {
        let said = self.fault.to_string();
        let rest = said.strip_prefix("row ").and_then(|said| said.split_once(' '));
        match (&self.place, rest) {
            (Some((id, line)), Some((_, rest))) => format!("order {id}, line {line}, {rest}"),
            _ => said,
        }
    }
}

/// Clears a book and prints the result.
///
/// # Errors
/// If the book or the rule cannot be read, or the rule does not take the book. Nothing is printed then.
pub fn clear(options: &Clear) -> Result<(), Box<dyn Error>> {
    if options.rules.is_some() {
        return all_rules(options);
    }
    if options.private && options.printed.format() != Format::Json {
        return Err("what each order is told is printed as JSON: --json --private".into());
    }
    if let Some(result) = &options.call_reserve {
        let mut text = String::new();
        open(result)?.read_to_string(&mut text)?;
        let book = options.book.as_deref().ok_or(NO_BOOK)?;
        return support::call(open(book)?, &text, &options.declined, options.printed.format());
    }
    if let Some(rule) = options.support.rule()? {
        return clear_support(options, &rule);
    }
    let mut rule = options.rule.rule(rules::CALL, &options.changes)?;
    match options.indivisible {
        Some(Indivisible::Ferc) if options.node_limit.is_some() => {
            return Err("--node-limit is for --indivisible optimum; ferc does not search".into());
        }
        Some(Indivisible::Ferc) => rule.allocation = Allocation::MinimumFill,
        Some(Indivisible::Optimum) if options.private => {
            return Err("--private is for a clearing by price; an optimum has no winning limits".into());
        }
        Some(Indivisible::Optimum) | None => {}
    }
    if options.print_rule {
        print::line(rules::text(&rule).trim_end());
        return Ok(());
    }
    let rows = read_book(options.book.as_deref())?;
    let orders = book::orders(&rows);
    if options.indivisible == Some(Indivisible::Optimum) {
        let found = best(&orders, &rule, options.node_limit.unwrap_or(NODE_LIMIT));
        let found = found.map_err(|error| not_cleared(&rows, error))?;
        match options.printed.format() {
            Format::Table => optimum::print_table(&rows, &rule, &found),
            Format::Csv => optimum::print_csv(&rows, &rule, &found),
            Format::Json => print::line(optimum::json(&rows, &rule, &found)),
        }
        return Ok(());
    }
    let seed = options.seed.as_ref().map(String::as_bytes);
    let outcome = clear_by(&orders, &rows, &rule, seed)?;
    match options.printed.format() {
        Format::Table => result::print_table(&rows, &outcome),
        Format::Csv => result::print_csv(&rows, &outcome),
        Format::Json => {
            let refused = |error: ClearingError| not_cleared(&rows, error.into());
            let (certificate, standings) = certificate(&orders, &rule, seed, &outcome).map_err(refused)?;
            let mut private = None;
            if options.private {
                let winning_limits = winning_limits(&orders, &rule, seed, &outcome).map_err(refused)?;
                private = Some(Private { standings, winning_limits });
            }
            let seed = options.seed.as_deref();
            print::line(result::json(&rows, &outcome, &rule, seed, &certificate, private.as_ref()));
        }
    }
    Ok(())
}

/// Awards support to the offers of a book.
fn clear_support(options: &Clear, rule: &SupportRule) -> Result<(), Box<dyn Error>> {
    if options.indivisible.is_some() || options.rules.is_some() {
        return Err(
            "--support awards offers from the best on; --indivisible and --rules are for books of orders"
                .into(),
        );
    }
    let tick = options.changes.tick_alone();
    let tick =
        tick.ok_or("of the flags that change a rule a support rule takes --tick alone; change its file")?;
    let tick = tick.unwrap_or(Price::from_millionths(1));
    if tick <= Price::ZERO {
        return Err("the tick must be above zero".into());
    }
    if options.print_rule {
        print::line(rules::text(rule).trim_end());
        return Ok(());
    }
    let asked = support::Asked {
        rule,
        seed: options.seed.as_deref(),
        format: options.printed.format(),
        private: options.private.then_some(tick),
    };
    support::clear(open(options.book.as_deref().ok_or(NO_BOOK)?)?, &asked)
}

/// What each rule would do with a book. One that does not take it says why.
fn all_rules(options: &Clear) -> Result<(), Box<dyn Error>> {
    let rows = read_book(options.book.as_deref())?;
    let orders = book::orders(&rows);
    let seed = options.seed.as_ref().map(String::as_bytes);
    let mut outcomes = Vec::new();
    for (name, _) in PRESETS {
        let rule = rules::named(name, &options.changes)?;
        outcomes.push((name, clear_by(&orders, &rows, &rule, seed).map_err(|error| error.to_string())));
    }
    match options.printed.format() {
        Format::Table => result::print_comparison(&outcomes),
        Format::Json => print::line(result::comparison_json(&rows, &outcomes)),
        Format::Csv => return Err("--rules all is printed as a table or as JSON".into()),
    }
    Ok(())
}

/// Proves a result against its book, with a second reading of the rules that shares nothing with the clearing; and its certificate and
/// what each order is told, where they are there.
///
/// # Errors
/// If either cannot be read, or the result is not what its rule gives: whom it wrongs is named.
pub fn check(options: &Check) -> Result<(), Box<dyn Error>> {
    if [&options.book, &options.result].iter().all(|path| path.as_os_str() == "-") {
        return Err("only one of book and result can be standard input".into());
    }
    let mut text = String::new();
    open(&options.result)?.read_to_string(&mut text)?;
    if support::is_one(&text) {
        return support::check(&options.book, &text);
    }
    let rows = read_book(Some(&options.book))?;
    let orders = book::orders(&rows);
    if optimum::is_one(&text) {
        return check_optimum(&text, &rows, &orders);
    }
    let Claimed { rule, seed, outcome, certificate, private } = result::read(&text, &rows)?;
    let seed = seed.as_deref().map(str::as_bytes);
    // A book that the rule does not take has no result.
    clear_by(&orders, &rows, &rule, seed)?;
    let wrong =
        |fault: Fault| NotProved { place: fault.order().and_then(|order| place(&rows, order)), fault };
    prove(&orders, &rule, seed, &outcome).map_err(wrong)?;
    if let Some(certificate) = &certificate {
        check_certificate(&orders, &rule, &outcome, certificate).map_err(wrong)?;
    }
    if let Some(Private { standings, winning_limits }) = &private {
        check_standings(&orders, &outcome, standings).map_err(wrong)?;
        check_winning_limits(&orders, &rule, seed, &outcome, winning_limits).map_err(wrong)?;
    }
    print::line(format_args!(
        "the result is what its rule gives: {} orders, {} of them filled",
        print::grouped(&rows.len().to_string()),
        print::grouped(&outcome.fills.len().to_string())
    ));
    if certificate.is_some() {
        print::line("its certificate is right");
    }
    if private.is_some() {
        print::line("what each order is told is right");
    }
    Ok(())
}

/// Checks whether an optimum is possible and what it is worth; that it is the best, as far as its price proves it.
fn check_optimum(text: &str, rows: &[Row], orders: &[Order<'_>]) -> Result<(), Box<dyn Error>> {
    let (rule, found) = optimum::read(text, rows)?;
    // A book that no clearing takes has no result.
    clear_by(orders, rows, &Rule { allocation: Allocation::MinimumFill, ..rule.clone() }, None)?;
    let value = indivisible::check(orders, &rule, &found)
        .map_err(|fault| NotProved { place: fault.order().and_then(|order| place(rows, order)), fault })?;
    optimum::print_checked(rows, &found, &value);
    Ok(())
}

fn clear_by(
    orders: &[Order<'_>],
    rows: &[Row],
    rule: &Rule,
    seed: Option<&[u8]>,
) -> Result<Outcome, NotCleared> {
    cleared(orders, rule, seed).map_err(|error| not_cleared(rows, error.into()))
}

fn not_cleared(rows: &[Row], reason: IndivisibleError) -> NotCleared {
    NotCleared { place: reason.order().and_then(|order| place(rows, order)), reason }
}

/// The id and line of an order.
fn place(rows: &[Row], order: u32) -> Option<(String, u64)> {
    let row = rows.get(usize::try_from(order).ok()?)?;
    Some((row.id.clone(), row.line))
}

fn read_book(path: Option<&Path>) -> Result<Vec<Row>, Box<dyn Error>> {
    let path = path.ok_or(NO_BOOK)?;
    Ok(book::read(open(path)?)?)
}

fn open(path: &Path) -> Result<Box<dyn Read>, String> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(io::stdin().lock()));
    }
    let file = File::open(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    Ok(Box::new(file))
}
