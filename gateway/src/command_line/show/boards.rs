//! Boards, negotiations and deals, as text and as JSON objects.
//!
//! Negotiations and deals are named as in arguments: `7-12.1`, or `7-p3.1` with a participant.

use golv_engine::bilateral::{
    BoardTerms, Deal, DealTerms, DualPrices, Goods, Listing, Party, PriceRule, RoundEntry, RoundProof, Sides,
};
use golv_engine::book::Side;
use golv_engine::command::{Action, Command};
use golv_engine::event::Event;
use golv_engine::id::{Counterparty, ParticipantId};
use golv_engine::num::{Price, Quantity, Share};
use golv_engine::text::Name;
use serde_json::{Value, json};

use super::listed;
use crate::command_line::words;
use crate::print::{self, grouped, price, quantity};

/// The text of one of these events; nothing for others.
pub(super) fn event_text(event: &Event) -> String {
    match event {
        Event::EntryPosted { entry, board, owner, listing, limit, is_group } => format!(
            "board {board}: entry {entry}{}{} {}{}",
            of_party(owner.map(|owner| owner.party)),
            if *is_group { ", open to a purchasing group," } else { "" },
            listing_text(listing),
            own_limit_text(listing.side, *limit)
        ),
        Event::EntryReplaced { entry, board, party, listing, limit } => format!(
            "board {board}: entry {entry}{} now {}{}",
            of_party(*party),
            listing_text(listing),
            own_limit_text(listing.side, *limit)
        ),
        Event::EntryQuantity { entry, board, quantity: left } => {
            format!("board {board}: of entry {entry} there is {}", quantity(*left))
        }
        Event::EntryClosed { entry, board, end } => {
            format!("board {board}: entry {entry} is gone: {}", words::entry_end(*end).replace('-', " "))
        }
        Event::GroupJoined { entry, member, quantity: wanted, limit, .. } => format!(
            "group {entry}: participant {member} joined for {} at {} or less",
            quantity(*wanted),
            price(*limit)
        ),
        Event::GroupLeft { entry, member, .. } => format!("group {entry}: participant {member} left"),
        Event::RoundCalled { board, until } => {
            format!("board {board}: a round is on, deals are proposed until {until}")
        }
        Event::RoundBook { board, entries, .. } => {
            let offers = entries.iter().filter(|entry| entry.side == Side::Sell).count();
            let requests = entries.len().saturating_sub(offers);
            format!("board {board}: {offers} offers and {requests} requests take part in the round")
        }
        Event::DealsProposed { board, by, lots, surplus, proof, is_best } => format!(
            "board {board}: identity {by} proposed deals for {} lots with a surplus of {}, {}, {}",
            grouped(&lots.to_string()),
            grouped(&print::millionths(*surplus)),
            proof_text(*proof),
            if *is_best { "the best so far" } else { "not the best" }
        ),
        Event::RoundHeld { board, lots, proposals, proof } => format!(
            "board {board}: the round is over with {proposals} proposals for {} lots, {}",
            grouped(&lots.to_string()),
            proof_text(*proof)
        ),
        Event::NegotiationOpened { negotiation, board, sides, by, terms, until } => {
            let by = match by {
                Some(by) if own_side(sides) == Some(*by) => "you propose",
                Some(Side::Sell) => "the seller proposes",
                Some(Side::Buy) => "the buyer proposes",
                None => "the round proposes",
            };
            format!(
                "negotiation {negotiation} on board {board}{}: {by} {}, to be answered by {until}",
                sides_text(sides),
                terms_text(terms)
            )
        }
        Event::TermsCountered { negotiation, sides, by, turn, terms, until } => {
            let by = if own_side(sides) == Some(*by) { "you counter" } else { "the other side counters" };
            format!(
                "negotiation {negotiation}: {by} with {}, turn {turn}, to be answered by {until}",
                terms_text(terms)
            )
        }
        Event::TermsAccepted { negotiation, sides, by } => {
            let by = if own_side(sides) == Some(*by) { "you accepted" } else { "the other side accepted" };
            format!("negotiation {negotiation}: {by}, the answer of the other is awaited")
        }
        Event::NegotiationEnded { negotiation, end, .. } => format!(
            "negotiation {negotiation} ended without a deal: {}",
            words::negotiation_end(*end).replace('-', " ")
        ),
        Event::DealMade { negotiation, deal } => format!(
            "deal {negotiation} on board {}: {} sells {} {} at {}, delivered from {} to {}{}{}",
            deal.board,
            words::party(deal.seller),
            words::party(deal.buyer),
            quantity(deal.quantity),
            price(deal.price),
            deal.first,
            deal.last,
            goods_text(&deal.goods),
            listed(&deal.shares, |(member, share)| format!(
                "participant {member} takes {}",
                quantity(*share)
            ))
        ),
        Event::DealShared { negotiation, member, seller, price: at, quantity: share, first, last } => {
            format!(
                "deal {negotiation}: participant {member} takes {} of {} at {}, delivered from {first} to {last}",
                quantity(*share),
                words::party(*seller),
                price(*at)
            )
        }
        _ => String::new(),
    }
}

/// An event's name and what it carries; nothing for others.
pub(super) fn named_event(event: &Event) -> (&'static str, Value) {
    match event {
        Event::EntryPosted { entry, board, owner, listing, limit, is_group } => {
            let mut object = listing_json(listing);
            object["entry"] = entry.0.into();
            object["board"] = board.0.into();
            object["owner"] = party_json(owner.map(|owner| owner.party));
            let posted = owner.and_then(|owner| owner.posted);
            object["posted"] = posted.map(|(identity, command)| format!("{identity}.{command}")).into();
            object["limit"] = price_json(*limit);
            object["is_group"] = (*is_group).into();
            ("entry_posted", object)
        }
        Event::EntryReplaced { entry, board, party, listing, limit } => {
            let mut object = listing_json(listing);
            object["entry"] = entry.0.into();
            object["board"] = board.0.into();
            object["owner"] = party_json(*party);
            object["limit"] = price_json(*limit);
            ("entry_replaced", object)
        }
        Event::EntryQuantity { entry, board, quantity } => (
            "entry_quantity",
            json!({ "entry": entry.0, "board": board.0, "quantity": quantity.to_string() }),
        ),
        Event::EntryClosed { entry, board, end } => {
            ("entry_closed", json!({ "entry": entry.0, "board": board.0, "end": words::entry_end(*end) }))
        }
        Event::GroupJoined { entry, lead, member, quantity, limit } => (
            "group_joined",
            json!({
                "entry": entry.0,
                "lead": lead.map(|lead| lead.0),
                "member": member.0,
                "quantity": quantity.to_string(),
                "limit": limit.to_string(),
            }),
        ),
        Event::GroupLeft { entry, lead, member } => {
            ("group_left", json!({ "entry": entry.0, "lead": lead.map(|lead| lead.0), "member": member.0 }))
        }
        Event::RoundCalled { board, until } => {
            ("round_called", json!({ "board": board.0, "until": until.to_string() }))
        }
        Event::RoundBook { board, digest, entries } => (
            "round_book",
            json!({
                "board": board.0,
                "digest": digest.to_string(),
                "entries": entries.iter().map(round_entry_json).collect::<Vec<_>>(),
            }),
        ),
        Event::DealsProposed { board, by, lots, surplus, proof, is_best } => (
            "deals_proposed",
            json!({
                "board": board.0,
                "by": by.0,
                "lots": lots,
                "surplus": print::millionths(*surplus),
                "proof": proof_json(*proof),
                "is_best": is_best,
            }),
        ),
        Event::RoundHeld { board, lots, proposals, proof } => (
            "round_held",
            json!({ "board": board.0, "lots": lots, "proposals": proposals, "proof": proof_json(*proof) }),
        ),
        Event::NegotiationOpened { negotiation, board, sides, by, terms, until } => (
            "negotiation_opened",
            json!({
                "negotiation": negotiation.to_string(),
                "board": board.0,
                "seller": party_json(sides.seller),
                "buyer": party_json(sides.buyer),
                "by": by.map(words::side),
                "terms": terms_json(terms),
                "until": until.to_string(),
            }),
        ),
        Event::TermsCountered { negotiation, sides, by, turn, terms, until } => (
            "terms_countered",
            json!({
                "negotiation": negotiation.to_string(),
                "seller": party_json(sides.seller),
                "buyer": party_json(sides.buyer),
                "by": words::side(*by),
                "turn": turn,
                "terms": terms_json(terms),
                "until": until.to_string(),
            }),
        ),
        Event::TermsAccepted { negotiation, sides, by } => (
            "terms_accepted",
            json!({
                "negotiation": negotiation.to_string(),
                "seller": party_json(sides.seller),
                "buyer": party_json(sides.buyer),
                "by": words::side(*by),
            }),
        ),
        Event::NegotiationEnded { negotiation, sides, end } => (
            "negotiation_ended",
            json!({
                "negotiation": negotiation.to_string(),
                "seller": party_json(sides.seller),
                "buyer": party_json(sides.buyer),
                "end": words::negotiation_end(*end),
            }),
        ),
        Event::DealMade { negotiation, deal } => {
            let mut object = deal_json(deal);
            object["deal"] = negotiation.to_string().into();
            ("deal_made", object)
        }
        Event::DealShared { negotiation, member, seller, price, quantity, first, last } => (
            "deal_shared",
            json!({
                "deal": negotiation.to_string(),
                "member": member.0,
                "seller": party_json(Some(*seller)),
                "price": price.to_string(),
                "quantity": quantity.to_string(),
                "first": first.to_string(),
                "last": last.to_string(),
            }),
        ),
        _ => ("", Value::Null),
    }
}

/// The text of one of these actions; nothing for others.
pub(super) fn action_text(action: &Action) -> String {
    match action {
        Action::OpenBoard { board, terms } => board_text(&board.to_string(), terms),
        Action::PostStockEntry { board, programme, listing, limit } => format!(
            "put on board {board} that the stock of programme {programme} {}{}",
            listing_text(listing),
            own_limit_text(listing.side, Some(*limit))
        ),
        Action::WithdrawStockEntry { entry } => format!("withdraw entry {entry} of a stock"),
        Action::GrantOnDeal { deal, floor, per_period } => {
            format!("grant the seller of deal {deal} {} a period under floor {floor}", quantity(*per_period))
        }
        _ => String::new(),
    }
}

/// An action's name and what it carries; nothing for others.
pub(super) fn named_action(action: &Action) -> (&'static str, Value) {
    match action {
        Action::OpenBoard { board, terms } => {
            let mut object = board_json(terms);
            object["board"] = board.0.into();
            ("open_board", object)
        }
        Action::PostStockEntry { board, programme, listing, limit } => {
            let mut object = listing_json(listing);
            object["board"] = board.0.into();
            object["programme"] = programme.0.into();
            object["limit"] = limit.to_string().into();
            ("post_stock_entry", object)
        }
        Action::WithdrawStockEntry { entry } => ("withdraw_stock_entry", json!({ "entry": entry.0 })),
        Action::GrantOnDeal { deal, floor, per_period } => (
            "grant_on_deal",
            json!({ "deal": deal.to_string(), "floor": floor.0, "per_period": per_period.to_string() }),
        ),
        _ => ("", Value::Null),
    }
}

/// What one of these commands carries; nothing for others.
pub(super) fn command_json(command: &Command) -> Value {
    match command {
        Command::PostEntry { board, listing, limit, is_group } => {
            let mut object = listing_json(listing);
            object["board"] = board.0.into();
            object["limit"] = limit.to_string().into();
            object["is_group"] = (*is_group).into();
            object
        }
        Command::ReplaceEntry { entry, listing, limit } => {
            let mut object = listing_json(listing);
            object["entry"] = entry.0.into();
            object["limit"] = limit.to_string().into();
            object
        }
        Command::WithdrawEntry { entry } => json!({ "entry": entry.0 }),
        Command::JoinGroup { entry, quantity, limit } => {
            json!({ "entry": entry.0, "quantity": quantity.to_string(), "limit": limit.to_string() })
        }
        Command::LeaveGroup { entry, member } => json!({ "entry": entry.0, "member": member.0 }),
        Command::CallRound { board } => json!({ "board": board.0 }),
        Command::ProposeDeals { board, solution } => json!({
            "board": board.0,
            "entries": solution.entries.to_string(),
            "deals": solution.deals.iter().map(|(offer, request, lots)| {
                json!({ "offer": offer.0, "request": request.0, "lots": lots })
            }).collect::<Vec<_>>(),
            "duals": solution.duals.as_ref().map(duals_json),
            "bound": solution.bound,
        }),
        Command::Negotiate { entry, with, terms } => json!({
            "entry": entry.0,
            "with": counterparty_json(*with),
            "terms": terms_json(terms),
        }),
        Command::CounterTerms { negotiation, turn, terms } => json!({
            "negotiation": negotiation.to_string(),
            "turn": turn,
            "terms": terms_json(terms),
        }),
        Command::AcceptTerms { negotiation, turn } => {
            json!({ "negotiation": negotiation.to_string(), "turn": turn })
        }
        Command::EndNegotiation { negotiation } => json!({ "negotiation": negotiation.to_string() }),
        _ => Value::Null,
    }
}

fn board_text(board: &str, terms: &BoardTerms) -> String {
    let BoardTerms { name, market, rule, sectors, solution_seconds, answer_seconds, counters_most } = terms;
    let mut text = format!(
        "open board {board}, {name}, on market {market}: the most quantity, then by {}, prices {}",
        words::preference(rule.preference).replace('-', " "),
        pricing_text(rule.price)
    );
    text += &rule.floor.map(|floor| format!(", floor {}", price(floor))).unwrap_or_default();
    let cap = |of: &str, cap: Option<Share>| cap.map(|cap| format!(", no {of} above {cap} of all"));
    text += &cap("origin", rule.origin_cap).unwrap_or_default();
    text += &cap("owner", rule.owner_cap).unwrap_or_default();
    if !sectors.is_empty() {
        let sectors: Vec<&str> = sectors.iter().map(Name::as_str).collect();
        text += &format!(", sectors {}", sectors.join(", then "));
    }
    let seconds = |seconds: u32| grouped(&seconds.to_string());
    text + &format!(
        "; {} s to solve a round, {} s to answer, {counters_most} counters at most",
        seconds(solution_seconds.get()),
        seconds(answer_seconds.get())
    )
}

fn board_json(terms: &BoardTerms) -> Value {
    let rule = &terms.rule;
    json!({
        "name": terms.name.as_str(),
        "market": terms.market.0,
        "preference": words::preference(rule.preference),
        "price": pricing_text(rule.price),
        "floor": price_json(rule.floor),
        "origin_cap": rule.origin_cap.map(|cap| cap.to_string()),
        "owner_cap": rule.owner_cap.map(|cap| cap.to_string()),
        "sectors": terms.sectors.iter().map(Name::as_str).collect::<Vec<_>>(),
        "solution_seconds": terms.solution_seconds.get(),
        "answer_seconds": terms.answer_seconds.get(),
        "counters_most": terms.counters_most,
    })
}

/// What a deal's price is, as it is entered.
fn pricing_text(rule: PriceRule) -> String {
    match rule {
        PriceRule::Uniform => "uniform".to_owned(),
        PriceRule::Ask => "ask".to_owned(),
        rule if rule == PriceRule::midpoint() => "midpoint".to_owned(),
        PriceRule::Between(share) => format!("k={share}"),
    }
}

fn listing_text(listing: &Listing) -> String {
    let verb = match listing.side {
        Side::Sell => "offers",
        Side::Buy => "requests",
    };
    let mut text = format!("{verb} {}", quantity(listing.quantity));
    if listing.minimum != Quantity::ZERO {
        text += &format!(", at least {} a deal", quantity(listing.minimum));
    }
    text += &goods_text(&listing.goods);
    text += &listing.sector.as_ref().map(|sector| format!(", for {sector}")).unwrap_or_default();
    text + &format!(", delivered from {} to {}, until {}", listing.first, listing.last, listing.valid_until)
}

/// What a listing says, as the members of an object.
pub(crate) fn listing_json(listing: &Listing) -> Value {
    let mut object = goods_json(&listing.goods);
    object["side"] = words::side(listing.side).into();
    object["minimum"] = listing.minimum.to_string().into();
    object["quantity"] = listing.quantity.to_string().into();
    object["first"] = listing.first.to_string().into();
    object["last"] = listing.last.to_string().into();
    object["sector"] = listing.sector.as_ref().map(Name::as_str).into();
    object["valid_until"] = listing.valid_until.to_string().into();
    object
}

/// What exactly is offered or requested, each after a comma.
fn goods_text(goods: &Goods) -> String {
    let Goods { grade, purity, place, origin } = goods;
    let mut text = grade.as_ref().map(|grade| format!(", grade {grade}")).unwrap_or_default();
    text += &purity.map(|purity| format!(", purity {purity}")).unwrap_or_default();
    text += &place.as_ref().map(|place| format!(", at {place}")).unwrap_or_default();
    text + &origin.map(|origin| format!(", from {origin}")).unwrap_or_default()
}

fn goods_json(goods: &Goods) -> Value {
    json!({
        "grade": goods.grade.as_ref().map(Name::as_str),
        "purity": goods.purity.map(|purity| purity.to_string()),
        "place": goods.place.as_ref().map(Name::as_str),
        "origin": goods.origin.map(|origin| origin.to_string()),
    })
}

fn round_entry_json(entry: &RoundEntry) -> Value {
    let mut object = goods_json(&entry.goods);
    object["entry"] = entry.entry.0.into();
    object["side"] = words::side(entry.side).into();
    object["party"] = entry.party.into();
    object["owner"] = entry.owner.into();
    object["first"] = entry.first.to_string().into();
    object["last"] = entry.last.to_string().into();
    object["minimum"] = entry.minimum.into();
    object["quantity"] = entry.quantity.into();
    object["limit"] = entry.limit.to_string().into();
    object["sector"] = entry.sector.into();
    object
}

fn duals_json(duals: &DualPrices) -> Value {
    let side = |prices: &[(i64, i128)]| {
        let price =
            |(lots, surplus): &(i64, i128)| json!({ "lots": lots, "surplus": print::millionths(*surplus) });
        prices.iter().map(price).collect::<Vec<_>>()
    };
    json!({ "offers": side(&duals.offers), "requests": side(&duals.requests) })
}

fn proof_text(proof: RoundProof) -> String {
    match proof {
        RoundProof::Proved => "and nothing is better".to_owned(),
        RoundProof::Claimed(lots) => {
            format!("and no more than {} by the solver's word", grouped(&lots.to_string()))
        }
        RoundProof::Unknown => "with no bound".to_owned(),
    }
}

fn proof_json(proof: RoundProof) -> Value {
    match proof {
        RoundProof::Proved => json!({ "kind": "proved" }),
        RoundProof::Claimed(lots) => json!({ "kind": "claimed", "lots": lots }),
        RoundProof::Unknown => json!({ "kind": "unknown" }),
    }
}

fn terms_text(terms: &DealTerms) -> String {
    let at = terms.price.map_or_else(|| "and asks for a price".to_owned(), |at| format!("at {}", price(at)));
    format!("{} {at}, delivered from {} to {}", quantity(terms.quantity), terms.first, terms.last)
}

/// Terms that are negotiated, as an object.
pub(crate) fn terms_json(terms: &DealTerms) -> Value {
    json!({
        "price": price_json(terms.price),
        "quantity": terms.quantity.to_string(),
        "first": terms.first.to_string(),
        "last": terms.last.to_string(),
    })
}

fn counterparty_json(with: Counterparty) -> Value {
    match with {
        Counterparty::Entry(entry) => json!({ "entry": entry.0 }),
        Counterparty::Participant(participant) => json!({ "participant": participant.0 }),
    }
}

/// A deal, without its name.
pub(crate) fn deal_json(deal: &Deal) -> Value {
    let share = |(member, quantity): &(ParticipantId, Quantity)| json!({ "member": member.0, "quantity": quantity.to_string() });
    let mut object = goods_json(&deal.goods);
    object["board"] = deal.board.0.into();
    object["seller"] = party_json(Some(deal.seller));
    object["buyer"] = party_json(Some(deal.buyer));
    object["seller_consent"] = words::consent(deal.seller_consent).into();
    object["buyer_consent"] = words::consent(deal.buyer_consent).into();
    object["price"] = deal.price.to_string().into();
    object["quantity"] = deal.quantity.to_string().into();
    object["first"] = deal.first.to_string().into();
    object["last"] = deal.last.to_string().into();
    object["shares"] = deal.shares.iter().map(share).collect::<Vec<_>>().into();
    object
}

/// A participant by its number, a programme's stock by the programme's; nothing where whoever reads it is not told.
pub(crate) fn party_json(party: Option<Party>) -> Value {
    match party {
        Some(Party::Participant(participant)) => json!({ "participant": participant.0 }),
        Some(Party::Stock(programme)) => json!({ "stock": programme.0 }),
        None => Value::Null,
    }
}

fn price_json(price: Option<Price>) -> Value {
    price.map(|price| price.to_string()).into()
}

/// Behind what names an entry: whose it is, if that is told.
fn of_party(party: Option<Party>) -> String {
    party.map(|party| format!(" of {}", words::party(party))).unwrap_or_default()
}

fn own_limit_text(side: Side, limit: Option<Price>) -> String {
    let bound = match side {
        Side::Sell => "more",
        Side::Buy => "less",
    };
    limit.map(|limit| format!(", at {} or {bound}", price(limit))).unwrap_or_default()
}

/// The side of whoever is told: its own alone.
pub(crate) const fn own_side(sides: &Sides) -> Option<Side> {
    match (sides.seller, sides.buyer) {
        (Some(_), None) => Some(Side::Sell),
        (None, Some(_)) => Some(Side::Buy),
        _ => None,
    }
}

fn sides_text(sides: &Sides) -> &'static str {
    match own_side(sides) {
        Some(Side::Sell) => ", in which you sell",
        Some(Side::Buy) => ", in which you buy",
        None => "",
    }
}
