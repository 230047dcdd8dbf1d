//! The page: heading, key figures, charts, tables, digests, sources.

use super::text::{self, Glance, escape};
use super::{
    AuctionReport, CallAward, DayReport, Deal, payments_svg, supply_and_demand_svg, who_got_what_svg,
};

const STYLE: &str = include_str!("page.css");

/// Widths of charts in pixels: across the page, half of it, and on a phone.
pub(super) const WIDE: u16 = 1_030;
pub(super) const HALF: u16 = 499;
pub(super) const PHONE: u16 = 362;

/// The whole page, which needs no other file and no script.
pub fn html(day: &DayReport) -> String {
    let title = escape(&day.title);
    let body = [
        header(day),
        auctions(day),
        round(day),
        settlement(day),
        limit(day),
        awards(day),
        refusals(day),
        digests(day),
    ];
    document(&title, &body.concat(), &footer(day))
}

/// A page that needs no other file and no script; texts are escaped, and `body` opens `main`.
pub(super) fn document(title: &str, body: &str, footer: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n{body}</main>\n{footer}</body>\n</html>\n",
    )
}

fn header(day: &DayReport) -> String {
    let price_unit = day.price_unit();
    let total = day.payments();
    let glance = Glance::up_to(total, day.currency);
    let free = day.programme.free;
    let free_glance = Glance::up_to(free.millionths.into(), free.currency);
    let support = clearing_tile(&day.support, "Support auction: strike", &price_unit);
    let call = clearing_tile(&day.call, "Call auction: price", &price_unit);
    let payments = tile(
        "Difference payments",
        &glance.amount(total),
        &glance.unit(),
        &format!("{} {} exactly", text::amount_of(total, day.currency), day.currency),
    );
    let below = tile(
        "Months below the strike",
        &day.months_below_strike().to_string(),
        &format!("of {}", day.settlement.len()),
        &match (day.settlement.first(), day.settlement.last()) {
            (Some(first), Some(last)) => format!("{} to {}", first.month, last.month),
            _ => "no month was settled".to_owned(),
        },
    );
    let left = tile(
        "Left in the programme",
        &free_glance.amount(free.millionths.into()),
        &free_glance.unit(),
        &format!(
            "of {} {} that it was given",
            text::amount(day.programme.funded),
            day.programme.funded.currency
        ),
    );
    format!(
        "<header>\n<p class=\"kicker\">Golv · rehearsal with seed {seed}</p>\n<h1>{title}</h1>\n\
         <p>{introduction}</p>\n<p class=\"soft\">Market: {market}. Prices in {price_unit}.</p>\n\
         <dl class=\"tiles\">\n{support}{call}{payments}{below}{left}</dl>\n</header>\n<main>\n",
        seed = day.seed,
        title = escape(&day.title),
        introduction = escape(&day.introduction),
        market = escape(&day.market),
        price_unit = escape(&price_unit),
    )
}

fn clearing_tile(auction: &AuctionReport, name: &str, price_unit: &str) -> String {
    let volume = format!("for {} {}", text::quantity(auction.volume), auction.unit);
    match auction.price {
        Some(price) => tile(name, &text::price(price), price_unit, &volume),
        None => tile(name, "–", "", "nothing traded"),
    }
}

pub(super) fn tile(name: &str, figure: &str, unit: &str, more: &str) -> String {
    format!(
        "<div><dt>{}</dt><dd class=\"figure\">{} <small>{}</small></dd><dd class=\"more\">{}</dd></div>\n",
        escape(name),
        escape(figure),
        escape(unit),
        escape(more)
    )
}

fn auctions(day: &DayReport) -> String {
    let figure = |auction: &AuctionReport| {
        let chart = |width| supply_and_demand_svg(auction, &day.price_unit(), width);
        figure(&chart(HALF), &chart(PHONE), &how_it_cleared(auction))
    };
    format!(
        "<section>\n<h2>The auctions</h2>\n<p class=\"soft\">Sealed until they close; all bids of an auction \
         clear at one price.</p>\n<div class=\"pair\">\n{}{}</div>\n</section>\n",
        figure(&day.support),
        figure(&day.call)
    )
}

/// A chart for a screen and for a phone, of which the page shows one.
pub(super) fn figure(wide: &str, phone: &str, caption: &str) -> String {
    let caption =
        if caption.is_empty() { String::new() } else { format!("<figcaption>{caption}</figcaption>\n") };
    format!(
        "<figure>\n<div class=\"wide\">\n{wide}</div>\n<div class=\"phone\">\n{phone}</div>\n{caption}</figure>\n"
    )
}

fn how_it_cleared(auction: &AuctionReport) -> String {
    let unit = escape(&auction.unit);
    let (offers, bids) = (auction.supply.len(), auction.demand.len());
    let books = format!("Offers: {offers}. Bids: {bids}.");
    if auction.price.is_none() {
        return format!("{books} No price at which anything could trade.");
    }
    let decided = match &auction.decided_by {
        Some(step) => format!(" The price was decided by: {}.", escape(step)),
        None => String::new(),
    };
    format!(
        "{books} At the price {} {unit} were offered and {} {unit} wanted.{decided}",
        text::quantity(auction.offered),
        text::quantity(auction.wanted)
    )
}

fn settlement(day: &DayReport) -> String {
    let chart = |width| {
        payments_svg(&day.settlement, day.support.price, day.currency, &day.unit, &day.price_source, width)
    };
    let rows: String = day
        .settlement
        .iter()
        .map(|month| {
            format!(
                "<tr><th scope=\"row\">{}</th><td class=\"number\">{}</td><td class=\"number\">{}</td></tr>\n",
                month.month,
                text::price(month.reference_price),
                text::amount(month.payment)
            )
        })
        .collect();
    let table = table(
        "Month by month",
        &[
            ("Month", false),
            (&format!("Reference price, {}", day.price_unit()), true),
            (&format!("Payment, {}", day.currency), true),
        ],
        &rows,
        &format!(
            "<tfoot><tr><th scope=\"row\">All months</th><td></td><td class=\"number\">{}</td></tr></tfoot>\n",
            text::amount_of(day.payments(), day.currency)
        ),
    );
    format!(
        "<section>\n<h2>Settlement on real prices</h2>\n<p class=\"soft\">In a month whose reference price is \
         below the strike, holders of an entitlement are paid the difference on their volume of the month. Above it \
         nothing is owed either way.</p>\n{}{}<details>\n<summary>All {} months</summary>\n{table}</details>\n\
         </section>\n",
        figure(&chart(WIDE), &chart(PHONE), ""),
        programme(day),
        day.settlement.len(),
    )
}

fn programme(day: &DayReport) -> String {
    let money = day.programme;
    let rows: String = [
        ("Given to it", money.funded),
        ("Paid out", money.paid),
        ("Reserved for months to come", money.reserved),
        ("Left", money.free),
    ]
    .iter()
    .map(|(name, amount)| {
        format!(
            "<tr><th scope=\"row\">{name}</th><td class=\"number\">{} {}</td></tr>\n",
            text::amount(*amount),
            amount.currency
        )
    })
    .collect();
    let columns = [("Money", false), ("Amount", true)];
    let table = table("The programme's money after the last month", &columns, &rows, "");
    format!("<div class=\"short\">\n{table}</div>\n")
}

/// The round of bilateral matching; nothing where none was held.
fn round(day: &DayReport) -> String {
    let Some(round) = &day.round else { return String::new() };
    let number = |text: &str| format!("<td class=\"number\">{text}</td>");
    let rows: String = round
        .requests
        .iter()
        .map(|row| {
            let [quantity, price] =
                row.proposed.map_or(["–".to_owned(), "–".to_owned()], |(quantity, price)| {
                    [text::quantity(quantity), text::price(price)]
                });
            format!(
                "<tr><th scope=\"row\">{}</th>{}{}{}{}<td>{}</td></tr>\n",
                escape(&row.buyer),
                number(&text::quantity(row.wanted)),
                number(&text::price(row.limit)),
                number(&quantity),
                number(&price),
                escape(&row.outcome)
            )
        })
        .collect();
    let (unit, price_unit) = (&round.unit, format!("{}/{}", day.currency, round.unit));
    let columns = [
        ("Request of", false),
        (&*format!("Wanted, {unit}"), true),
        (&*format!("At most, {price_unit}"), true),
        (&*format!("Proposed, {unit}"), true),
        (&*format!("At, {price_unit}"), true),
        ("What came of it", false),
    ];
    let table = table("Requests, and what the round proposed to each", &columns, &rows, "");
    format!(
        "<section>\n<h2>{}</h2>\n<p>{}</p>\n{table}<p class=\"source\">Reference price: {}.</p>\n</section>\n",
        escape(&round.name),
        escape(&round.summary),
        escape(&round.reference_price)
    )
}

/// The programme at its limit; nothing where there is none.
fn limit(day: &DayReport) -> String {
    if day.limit.is_empty() {
        return String::new();
    }
    let rows: String = day
        .limit
        .iter()
        .map(|row| {
            let amounts: String = [row.due, row.paid, row.waits]
                .iter()
                .map(|money| format!("<td class=\"number\">{}</td>", text::amount(*money)))
                .collect();
            format!("<tr><th scope=\"row\">{}</th>{amounts}<td>{}</td></tr>\n", row.month, escape(&row.what))
        })
        .collect();
    let columns = [("Month", false), ("Due", true), ("Paid", true), ("Waits", true), ("", false)];
    let table = table("Due, paid and waiting, month by month", &columns, &rows, "");
    format!(
        "<section>\n<h2>A capped programme at its limit</h2>\n<p>A small programme reserved too little. It pays what it has, the oldest \
         claims first, and carries the rest until money comes. Amounts are in {}.</p>\n{table}</section>\n",
        day.currency
    )
}

fn awards(day: &DayReport) -> String {
    let chart = |width| who_got_what_svg(&day.awards, day.currency, &day.unit, width);
    let number = |text: &str| format!("<td class=\"number\">{text}</td>");
    let rows: String = day
        .awards
        .iter()
        .map(|row| {
            let [per_period, strike] = row.support.map_or(["–".to_owned(), "–".to_owned()], |award| {
                [text::quantity(award.per_period), text::price(award.strike)]
            });
            let [call, price] = row.call.map_or(["–".to_owned(), "–".to_owned()], |award| {
                [traded(&award), text::price(award.price)]
            });
            format!(
                "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td>{}{}{}{}{}</tr>\n",
                escape(&row.participant),
                escape(&row.role),
                escape(&row.country),
                number(&per_period),
                number(&strike),
                number(&call),
                number(&price),
                number(&text::amount(row.difference_payments))
            )
        })
        .collect();
    let table = table(
        "Awards and payments of each participant",
        &[
            ("Participant", false),
            ("Role", false),
            ("Country", false),
            (&format!("Support, {}/month", day.unit), true),
            (&format!("Strike, {}", day.price_unit()), true),
            (&format!("Call auction,\u{a0}{}", day.unit), true),
            (&format!("Price, {}", day.price_unit()), true),
            (&format!("Difference payments,\u{a0}{}", day.currency), true),
        ],
        &rows,
        "",
    );
    let table = if day.awards.is_empty() { String::new() } else { table };
    format!(
        "<section>\n<h2>Participants</h2>\n{}{table}</section>\n",
        figure(&chart(WIDE), &chart(PHONE), "")
    )
}

fn traded(award: &CallAward) -> String {
    let deal = match award.deal {
        Deal::Sold => "sold",
        Deal::Bought => "bought",
    };
    format!("{deal} {}", text::quantity(award.quantity))
}

fn refusals(day: &DayReport) -> String {
    let rows: String = day
        .refusals
        .iter()
        .map(|row| {
            format!(
                "<tr><th scope=\"row\">{}</th><td class=\"words\">{}</td><td class=\"words\">{}</td><td><code>{}</code></td></tr>\n",
                escape(&row.participant),
                escape(&row.tried),
                escape(&row.reason),
                escape(&row.code)
            )
        })
        .collect();
    let columns = [("Participant", false), ("Tried", false), ("Refused because", false), ("Code", false)];
    let content = if day.refusals.is_empty() {
        "<p>Nothing was refused.</p>\n".to_owned()
    } else {
        table("What was tried and refused", &columns, &rows, "")
    };
    format!(
        "<section>\n<h2>Refusals</h2>\n<p class=\"soft\">A refusal is an answer with a code, and is kept like \
         an acceptance.</p>\n{content}</section>\n"
    )
}

/// A table with a row of heads; `true` where a column's entries are numbers.
pub(super) fn table(caption: &str, columns: &[(&str, bool)], rows: &str, foot: &str) -> String {
    let heads: String = columns
        .iter()
        .map(|&(name, is_number)| {
            let class = if is_number { " class=\"number\"" } else { "" };
            format!("<th scope=\"col\"{class}>{}</th>", escape(name))
        })
        .collect();
    format!(
        "<div class=\"scroll\" role=\"region\" aria-label=\"{caption}\" tabindex=\"0\">\n<table>\n\
         <caption>{caption}</caption>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}</tbody>\n\
         {foot}</table>\n</div>\n"
    )
}

fn digests(day: &DayReport) -> String {
    format!(
        "<section>\n<h2>The same day again</h2>\n<p class=\"soft\">Played with seed {} again, the exchange ends \
         in the same state and its journal in the same records. These digests prove it.</p>\n\
         <dl class=\"digests\">\n<dt>State</dt><dd><code>{}</code></dd>\n<dt>Journal chain</dt>\
         <dd><code>{}</code></dd>\n</dl>\n</section>\n",
        day.seed,
        escape(&day.state_digest),
        escape(&day.chain_digest)
    )
}

fn footer(day: &DayReport) -> String {
    format!(
        "<footer>\n<p>Rehearsal: traders and costs are invented from seed {}; prices are real.</p>\n\
         <p>Source of prices: {}.</p>\n</footer>\n",
        day.seed,
        escape(day.price_source.trim_end_matches('.'))
    )
}
