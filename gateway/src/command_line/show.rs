//! Events and answers: a line of text for people, a JSON object for programs.
//!
//! In JSON, prices, quantities and amounts are exact and therefore decimal texts; ids and counts are numbers; bids
//! and proposals are named as in arguments, `identity.command`. Keys are in snake case and in the order of the
//! alphabet. Lines set thousands apart, and name no unit or currency where the event itself carries none.

mod stack;

use golv_engine::Answer;
use golv_engine::auction::{
    AuctionKind, AuctionResult, AuctionRule, AuctionTerms, ClosedBid, Fill, Lot, SolutionResult, Unfilled,
    WinningLimit,
};
use golv_engine::cfd::{SettlementLine, SettlementRun};
use golv_engine::clearing::{Certificate, Criterion, Decision, Payment, Rule};
use golv_engine::command::{Action, Command};
use golv_engine::event::Event;
use golv_engine::id::{CommandId, IdentityId};
use golv_engine::market::{FloorTerms, Market};
use golv_engine::num::{Money, Price};
use golv_engine::text::Country;
use golv_engine::time::Instant;
use golv_protocol::message::{Numbered, Position};
use serde_json::{Value, json};

use super::words;
use crate::clear::result::certificate_text;
use crate::print::{self, price, quantity};

/// How many fills or settlement lines a line of text lists; an operator is shown those of everybody.
const LISTED_MAX: usize = 5;

/// What happened, on one line that begins with its place in the order of the world.
pub fn event_line(numbered: &Numbered) -> String {
    format!("{}  {}", numbered.sequence, event_text(&numbered.event))
}

fn event_text(event: &Event) -> String {
    match event {
        Event::Founded { participant } => {
            format!("the exchange was founded; its centre is participant {participant}")
        }
        Event::ClockSet { to } => format!("the rehearsal's clock was set to {to}"),
        Event::ActionProposed { proposal, action } => format!("proposal {proposal}: {}", action_text(action)),
        Event::ActionConfirmed { proposal, by, action } => {
            format!("proposal {proposal} confirmed by identity {by}: {}", action_text(action))
        }
        Event::ProposalWithdrawn { proposal } => format!("proposal {proposal} withdrawn"),
        Event::AuctionOpened { auction } => format!("auction {auction} opened"),
        Event::AuctionClosed { auction } => format!("auction {auction} closed"),
        Event::BookClosed { auction, bids, .. } => {
            let bids = print::grouped(&bids.len().to_string());
            format!("auction {auction} waits for solutions: {bids} bids stood at its close")
        }
        Event::SolutionProposed { auction, by, welfare, volume, is_best } => {
            let best = if *is_best { "the best so far" } else { "not the best" };
            format!(
                "auction {auction}: identity {by} proposed a solution worth {} for {}, {best}",
                print::grouped(&welfare.to_string()),
                quantity(*volume)
            )
        }
        Event::BidAccepted { auction, bid, participant, price: limit, quantity: size } => format!(
            "auction {auction}: bid {bid} of participant {participant} accepted, {} at {}",
            quantity(*size),
            limit_text(*limit)
        ),
        Event::BidReplaced { auction, bid, participant, price: limit, quantity: size, kept_priority } => {
            let place = if *kept_priority { "its place in time kept" } else { "its place in time now last" };
            format!(
                "auction {auction}: bid {bid} of participant {participant} replaced, {} at {}, {place}",
                quantity(*size),
                limit_text(*limit)
            )
        }
        Event::BidWithdrawn { auction, bid, participant } => {
            format!("auction {auction}: bid {bid} of participant {participant} withdrawn")
        }
        Event::AuctionCleared { auction, final_at, result } => {
            format!("auction {auction} cleared: {}", result_text(result, *final_at))
        }
        Event::AwardsOffered { auction, until, awards } => {
            let awards = listed(awards, stack::award_text);
            format!("auction {auction}: awards can be accepted until {until}{awards}")
        }
        Event::AwardAccepted { auction, bid, participant } => {
            format!("auction {auction}: participant {participant} accepted the award to bid {bid}")
        }
        Event::AwardDeclined { auction, bid, participant, forfeited } => {
            let forfeited = forfeited.map(|bond| format!(", {} forfeited", money(bond)));
            format!(
                "auction {auction}: participant {participant} did not accept the award to bid {bid}{}",
                forfeited.unwrap_or_default()
            )
        }
        Event::AuctionFinalised { auction } => format!("auction {auction} final"),
        Event::SaleSettled { auction, purchase, sold, gap, lines } => format!(
            "sale {auction} of purchase {purchase}: {} sold, the programme pays {}{}",
            quantity(*sold),
            money(*gap),
            listed(lines, |line| format!(
                "participant {} is paid for {} at {}",
                line.participant,
                quantity(line.quantity),
                price(line.price)
            ))
        ),
        Event::EntitlementGranted { entitlement, floor, holder, strike, monthly, first, reserved } => {
            format!(
                "entitlement {entitlement} under floor {floor} granted to participant {holder}: {} a month from \
                 {first}, strike {}, {} reserved",
                quantity(*monthly),
                price(*strike),
                money(*reserved)
            )
        }
        Event::ReferencePricePublished { index, month, revision, price: published } => {
            format!("index {index}: {} published for {month}, revision {revision}", price(*published))
        }
        Event::SettlementRunCompleted { run } => run_text(run),
    }
}

fn result_text(result: &AuctionResult, final_at: Instant) -> String {
    if let Some(stack) = &result.stack {
        let reserved = result.reserved.map(|reserved| format!(", {} to be reserved", money(reserved)));
        let awards = listed(&result.fills, |fill| {
            let (size, strike) = (quantity(fill.quantity), price(fill.price));
            format!("bid {} of participant {} wins {size} at {strike}", fill.bid, fill.participant)
        });
        let reserved = reserved.unwrap_or_default();
        return format!("{}{reserved}, challenged until {final_at}{awards}", stack::result_text(stack));
    }
    if let Some(solution) = &result.solution {
        return solution_text(result, solution, final_at);
    }
    let found = match result.certificate.decision {
        Decision::Price { price: found, .. } => {
            format!("{} for {}", price(found), quantity(result.volume()))
        }
        Decision::NothingTrades => "nothing crossed".to_owned(),
        Decision::Undecided { .. } => "the rule found no price".to_owned(),
    };
    let step = result.step().map(|step| format!(", decided by {}", step.name().replace('-', " ")));
    let reserved = result.reserved.map(|reserved| format!(", {} to be reserved", money(reserved)));
    format!(
        "{found}, wanted {}, offered {}{}{}, final at {final_at}{}",
        quantity(result.demand()),
        quantity(result.supply()),
        step.unwrap_or_default(),
        reserved.unwrap_or_default(),
        listed(&result.fills, |fill| {
            let verb = words::side(fill.side);
            format!(
                "bid {} of participant {} {verb}s {}",
                fill.bid,
                fill.participant,
                quantity(fill.quantity)
            )
        }) + &listed(&result.unfilled, |unfilled| {
            let reason = unfilled.reason.name().replace('-', " ");
            let limit = match unfilled.winning_limit {
                WinningLimit::At(limit) => format!(", {} would have won", price(limit)),
                WinningLimit::Nowhere => ", no other limit would have won".to_owned(),
                WinningLimit::NotLookedFor => String::new(),
            };
            format!(
                "bid {} of participant {} gets nothing: {reason}{}",
                unfilled.bid, unfilled.participant, limit
            )
        })
    )
}

/// A result by a solution.
fn solution_text(result: &AuctionResult, solution: &SolutionResult, final_at: Instant) -> String {
    let found = match solution.price {
        Some(found) => format!("{} for {}", price(found), quantity(solution.volume)),
        None => "nothing trades".to_owned(),
    };
    let known = match (solution.is_optimal(), solution.proved_bound, solution.claimed_bound) {
        (true, ..) => "which is optimal".to_owned(),
        (false, Some(proved), None) => format!("at most {} is possible", print::grouped(&proved.to_string())),
        (false, _, Some(claimed)) => {
            format!("at most {} by the solver's word", print::grouped(&claimed.to_string()))
        }
        (false, None, None) => "with no bound".to_owned(),
    };
    format!(
        "{found}, worth {}, {known}, {} rejected in the money, final at {final_at}{}",
        print::grouped(&solution.welfare.to_string()),
        solution.paradoxically_rejected,
        listed(&result.fills, |fill| {
            let verb = words::side(fill.side);
            format!(
                "bid {} of participant {} {verb}s {}",
                fill.bid,
                fill.participant,
                quantity(fill.quantity)
            )
        })
    )
}

/// A bid's limit.
fn limit_text(limit: Option<Price>) -> String {
    limit.map_or_else(|| "any price".to_owned(), price)
}

fn run_text(run: &SettlementRun) -> String {
    format!(
        "floor {} settled for {}, run {}, on {} (revision {}): {} paid, programme reserves {}, has {} free{}",
        run.floor,
        run.month,
        run.number,
        price(run.reference_price),
        run.revision,
        money(run.paid),
        money(run.reserved),
        money(run.free),
        listed(&run.lines, |line| format!(
            "entitlement {} of participant {}, {} at strike {}, is worth {}, {} posted",
            line.entitlement,
            line.holder,
            quantity(line.quantity),
            price(line.strike),
            money(line.amount),
            money(line.delta)
        ))
    )
}

/// The first of a list, each after a semicolon, and how many more there are.
fn listed<T>(items: &[T], text: impl Fn(&T) -> String) -> String {
    let mut all: String = items.iter().take(LISTED_MAX).map(|item| format!("; {}", text(item))).collect();
    if items.len() > LISTED_MAX {
        all += &format!("; and {} more", items.len() - LISTED_MAX);
    }
    all
}

fn action_text(action: &Action) -> String {
    match action {
        Action::RegisterParticipant { participant, name, owner_group, roles } => {
            let roles: Vec<_> = roles.iter().map(|&role| words::role(role)).collect();
            format!(
                "register participant {participant}, {name}, owner group {owner_group}, as {}",
                roles.join(" and ")
            )
        }
        Action::AddIdentity { identity, participant } => {
            format!("let identity {identity} act for participant {participant}")
        }
        Action::BindKey { identity, key, others_end_at } => {
            let others = others_end_at.map(|end| format!("; its other keys end at {end}"));
            format!("bind key {key} to identity {identity}{}", others.unwrap_or_default())
        }
        Action::RevokeIdentity { identity } => format!("revoke identity {identity}"),
        Action::SetStanding { participant, standing } => {
            format!("set participant {participant} {}", words::standing(*standing))
        }
        Action::DefineMarket { market, terms } => format!(
            "define market {market}, {}: prices {} to {} {}/{} by {}, quantities up to {} {} by {}",
            terms.name,
            price(terms.lowest),
            price(terms.highest),
            terms.currency,
            terms.unit.symbol(),
            price(terms.tick),
            quantity(terms.largest),
            terms.unit.symbol(),
            quantity(terms.lot)
        ),
        Action::DefineIndex { index, terms } => format!(
            "define index {index}, {}, in {}, published by participant {}",
            terms.name, terms.currency, terms.publisher
        ),
        Action::OpenProgramme { programme, name, currency } => {
            format!("open programme {programme}, {name}, in {currency}")
        }
        Action::FundProgramme { programme, amount } => {
            format!("pay {} into programme {programme}", money(*amount))
        }
        Action::DepositCollateral { participant, amount } => {
            format!("take in {} of participant {participant}'s as collateral", money(*amount))
        }
        Action::ReturnCollateral { participant, amount } => {
            format!("give {} of participant {participant}'s collateral back", money(*amount))
        }
        Action::SetFloor { floor, terms } => format!(
            "set floor {floor} on market {}: {} down to {} against index {}, paid by programme {}, {} to {}, for {}",
            terms.market,
            price(terms.price),
            price(terms.stress_price),
            terms.index,
            terms.programme,
            terms.first,
            terms.last,
            terms.origins.iter().map(Country::to_string).collect::<Vec<_>>().join(", ")
        ),
        Action::AnnounceAuction { auction, terms } => {
            let kind = match terms.kind {
                AuctionKind::Call { market } => format!("call auction {auction} on market {market}"),
                AuctionKind::Purchase { market, programme, quantity: size, worst_sale } => format!(
                    "purchase {auction} of {} on market {market} by programme {programme}, sold again at {} or more",
                    quantity(size),
                    price(worst_sale)
                ),
                AuctionKind::Sale { purchase } => {
                    format!("sale {auction} of what purchase {purchase} bought")
                }
                AuctionKind::Support { floor, monthly } => {
                    format!("support auction {auction} for {} a month under floor {floor}", quantity(monthly))
                }
            };
            format!(
                "announce {kind}: opens {}, closes {}, {} s to challenge, {}",
                terms.opens_at,
                terms.closes_at,
                print::grouped(&terms.challenge_seconds.to_string()),
                match &terms.rule {
                    AuctionRule::Price(rule) => rule_text(rule),
                    AuctionRule::Stack(terms) => stack::terms_text(terms),
                    AuctionRule::Solution(terms) => format!(
                        "{}, by the best solution within {} s of the close",
                        rule_text(&terms.rule),
                        print::grouped(&terms.solution_seconds.to_string())
                    ),
                }
            )
        }
        Action::CancelAuction { auction } => format!("cancel auction {auction}"),
        Action::GrantEntitlement { floor, holder, monthly } => {
            format!("grant participant {holder} {} a month under floor {floor}", quantity(*monthly))
        }
        Action::Settle { floor, month, revision } => {
            format!("settle floor {floor} for {month} on revision {revision} of its price")
        }
        Action::ChangeRules { version } => format!("change the rules to version {version}"),
    }
}

/// How an auction is cleared: what differs from one price for all, and what is stated.
fn rule_text(rule: &Rule) -> String {
    let cascade: Vec<_> = rule.cascade.iter().map(|criterion| criterion.name().replace('-', " ")).collect();
    let mut text = format!(
        "price among {} by {}, {} at the margin",
        rule.candidates,
        cascade.join(", "),
        rule.allocation.name().replace('-', " ")
    );
    if rule.payment == Payment::OwnPrice {
        text += ", each at its own price";
    }
    for (name, stated) in
        [("reference price", rule.reference_price), ("floor", rule.floor), ("ceiling", rule.ceiling)]
    {
        text += &stated.map(|stated| format!(", {name} {}", price(stated))).unwrap_or_default();
    }
    text + &rule.quote.map(|quote| format!(", quote {quote}")).unwrap_or_default()
}

fn money(amount: Money) -> String {
    format!("{} {}", print::money(amount), amount.currency)
}

/// What happened, as an object: `number`, `sequence`, `event`, and what that event carries.
pub fn event_json(numbered: &Numbered) -> Value {
    let (name, mut object) = named_event(&numbered.event);
    object["number"] = numbered.number.into();
    object["sequence"] = numbered.sequence.0.into();
    object["event"] = name.into();
    object
}

/// What happened, as an object: `event`, and what that event carries.
pub(crate) fn happened_json(event: &Event) -> Value {
    let (name, mut object) = named_event(event);
    object["event"] = name.into();
    object
}

/// A command, as an object: `command`, its name in snake case, and what it carries.
pub(crate) fn command_json(command: &Command) -> Value {
    let mut object = match command {
        Command::Found { participant, name, operators } => json!({
            "participant": participant.0,
            "name": name.as_str(),
            "operators": operators.iter().map(|operator| json!({
                "identity": operator.identity.0,
                "key": operator.key.map(|key| key.to_string()),
            })).collect::<Vec<_>>(),
        }),
        Command::Tick => json!({}),
        Command::SetClock { to } => json!({ "to": to.to_string() }),
        Command::Propose { action } => {
            let (name, details) = named_action(action);
            json!({ "action": name, "details": details })
        }
        Command::Confirm { proposal } | Command::WithdrawProposal { proposal } => {
            json!({ "proposal": proposal.to_string() })
        }
        Command::PlaceBid { auction, bid } => json!({
            "auction": auction.0,
            "side": words::side(bid.side),
            "price": limit_json(bid.price),
            "quantity": bid.quantity.to_string(),
            "origin": bid.origin.map(|origin| origin.to_string()),
            "details": bid.details.map(stack::details_json),
        }),
        Command::ReplaceBid { auction, bid, price, quantity } => json!({
            "auction": auction.0,
            "bid": bid.to_string(),
            "price": limit_json(*price),
            "quantity": quantity.to_string(),
        }),
        Command::WithdrawBid { auction, bid }
        | Command::AcceptAward { auction, bid }
        | Command::DeclineAward { auction, bid } => json!({ "auction": auction.0, "bid": bid.to_string() }),
        Command::ClearAuction { auction, secret } => {
            json!({ "auction": auction.0, "secret": secret.map(|secret| secret.to_string()) })
        }
        Command::ProposeSolution { auction, solution } => json!({
            "auction": auction.0,
            "bids": solution.bids.to_string(),
            "bound": solution.bound.map(|bound| bound.to_string()),
            "given": solution.given.iter().map(|(bid, quantity)| {
                json!({ "bid": bid.to_string(), "quantity": quantity.to_string() })
            }).collect::<Vec<_>>(),
        }),
        Command::PublishReferencePrice { index, month, price } => json!({
            "index": index.0,
            "month": month.to_string(),
            "price": price.to_string(),
        }),
    };
    object["command"] = command_name(command).into();
    object
}

/// The name of a command in JSON.
pub(crate) const fn command_name(command: &Command) -> &'static str {
    match command {
        Command::Found { .. } => "found",
        Command::Tick => "tick",
        Command::SetClock { .. } => "set_clock",
        Command::Propose { .. } => "propose",
        Command::Confirm { .. } => "confirm",
        Command::WithdrawProposal { .. } => "withdraw_proposal",
        Command::PlaceBid { .. } => "place_bid",
        Command::ReplaceBid { .. } => "replace_bid",
        Command::WithdrawBid { .. } => "withdraw_bid",
        Command::ClearAuction { .. } => "clear_auction",
        Command::ProposeSolution { .. } => "propose_solution",
        Command::AcceptAward { .. } => "accept_award",
        Command::DeclineAward { .. } => "decline_award",
        Command::PublishReferencePrice { .. } => "publish_reference_price",
    }
}

/// The name of an event in JSON.
pub(crate) fn event_name(event: &Event) -> &'static str {
    named_event(event).0
}

fn named_event(event: &Event) -> (&'static str, Value) {
    match event {
        Event::Founded { participant } => ("founded", json!({ "participant": participant.0 })),
        Event::ClockSet { to } => ("clock_set", json!({ "to": to.to_string() })),
        Event::ActionProposed { proposal, action } => {
            let (name, details) = named_action(action);
            let object = json!({ "proposal": proposal.to_string(), "action": name, "details": details });
            ("action_proposed", object)
        }
        Event::ActionConfirmed { proposal, by, action } => {
            let (name, details) = named_action(action);
            let object = json!({
                "proposal": proposal.to_string(),
                "by": by.0,
                "action": name,
                "details": details,
            });
            ("action_confirmed", object)
        }
        Event::ProposalWithdrawn { proposal } => {
            ("proposal_withdrawn", json!({ "proposal": proposal.to_string() }))
        }
        Event::AuctionOpened { auction } => ("auction_opened", json!({ "auction": auction.0 })),
        Event::AuctionClosed { auction } => ("auction_closed", json!({ "auction": auction.0 })),
        Event::BookClosed { auction, digest, bids } => (
            "book_closed",
            json!({
                "auction": auction.0,
                "digest": digest.to_string(),
                "bids": bids.iter().map(closed_bid_json).collect::<Vec<_>>(),
            }),
        ),
        Event::SolutionProposed { auction, by, welfare, volume, is_best } => (
            "solution_proposed",
            json!({
                "auction": auction.0,
                "by": by.0,
                "welfare": welfare.to_string(),
                "volume": volume.to_string(),
                "is_best": is_best,
            }),
        ),
        Event::BidAccepted { auction, bid, participant, price, quantity } => (
            "bid_accepted",
            json!({
                "auction": auction.0,
                "bid": bid.to_string(),
                "participant": participant.0,
                "price": limit_json(*price),
                "quantity": quantity.to_string(),
            }),
        ),
        Event::BidReplaced { auction, bid, participant, price, quantity, kept_priority } => (
            "bid_replaced",
            json!({
                "auction": auction.0,
                "bid": bid.to_string(),
                "participant": participant.0,
                "price": limit_json(*price),
                "quantity": quantity.to_string(),
                "kept_priority": kept_priority,
            }),
        ),
        Event::BidWithdrawn { auction, bid, participant } => (
            "bid_withdrawn",
            json!({ "auction": auction.0, "bid": bid.to_string(), "participant": participant.0 }),
        ),
        Event::AuctionCleared { auction, final_at, result } => (
            "auction_cleared",
            json!({
                "auction": auction.0,
                "final_at": final_at.to_string(),
                "price": limit_json(result.price()),
                "volume": result.volume().to_string(),
                "demand": result.demand().to_string(),
                "supply": result.supply().to_string(),
                "decided_by": result.step().map(Criterion::name),
                "certificate": certificate_json(&result.certificate),
                "fills": result.fills.iter().map(fill_json).collect::<Vec<_>>(),
                "unfilled": result.unfilled.iter().map(unfilled_json).collect::<Vec<_>>(),
                "reserved": result.reserved.map(money_json),
                "lot": result.lot.map(lot_json),
                "stack": result.stack.as_ref().map(|stack| stack::result_json(stack)),
                "solution": result.solution.as_ref().map(|solution| solution_json(solution)),
            }),
        ),
        Event::AwardsOffered { auction, until, awards } => (
            "awards_offered",
            json!({
                "auction": auction.0,
                "until": until.to_string(),
                "awards": awards.iter().map(stack::award_json).collect::<Vec<_>>(),
            }),
        ),
        Event::AwardAccepted { auction, bid, participant } => (
            "award_accepted",
            json!({ "auction": auction.0, "bid": bid.to_string(), "participant": participant.0 }),
        ),
        Event::AwardDeclined { auction, bid, participant, forfeited } => (
            "award_declined",
            json!({
                "auction": auction.0,
                "bid": bid.to_string(),
                "participant": participant.0,
                "forfeited": forfeited.map(money_json),
            }),
        ),
        Event::AuctionFinalised { auction } => ("auction_finalised", json!({ "auction": auction.0 })),
        Event::SaleSettled { auction, purchase, sold, gap, lines } => (
            "sale_settled",
            json!({
                "auction": auction.0,
                "purchase": purchase.0,
                "sold": sold.to_string(),
                "gap": money_json(*gap),
                "lines": lines.iter().map(|line| json!({
                    "bid": line.bid.to_string(),
                    "participant": line.participant.0,
                    "quantity": line.quantity.to_string(),
                    "price": line.price.to_string(),
                })).collect::<Vec<_>>(),
            }),
        ),
        Event::EntitlementGranted { entitlement, floor, holder, strike, monthly, first, reserved } => (
            "entitlement_granted",
            json!({
                "entitlement": entitlement.0,
                "floor": floor.0,
                "holder": holder.0,
                "strike": strike.to_string(),
                "monthly": monthly.to_string(),
                "first": first.to_string(),
                "reserved": money_json(*reserved),
            }),
        ),
        Event::ReferencePricePublished { index, month, revision, price } => (
            "reference_price_published",
            json!({
                "index": index.0,
                "month": month.to_string(),
                "revision": revision,
                "price": price.to_string(),
            }),
        ),
        Event::SettlementRunCompleted { run } => (
            "settlement_run_completed",
            json!({
                "floor": run.floor.0,
                "month": run.month.to_string(),
                "run": run.number,
                "reference_price": run.reference_price.to_string(),
                "revision": run.revision,
                "lines": run.lines.iter().map(line_json).collect::<Vec<_>>(),
                "paid": money_json(run.paid),
                "free": money_json(run.free),
                "reserved": money_json(run.reserved),
            }),
        ),
    }
}

fn closed_bid_json(bid: &ClosedBid) -> Value {
    json!({
        "bid": bid.bid.to_string(),
        "side": words::side(bid.side),
        "price": limit_json(bid.price),
        "quantity": bid.quantity.to_string(),
        "minimum": bid.minimum.to_string(),
    })
}

fn solution_json(solution: &SolutionResult) -> Value {
    json!({
        "by": solution.by.0,
        "welfare": solution.welfare.to_string(),
        "optimal": solution.is_optimal(),
        "proved_bound": solution.proved_bound.map(|bound| bound.to_string()),
        "claimed_bound": solution.claimed_bound.map(|bound| bound.to_string()),
        "paradoxically_rejected": solution.paradoxically_rejected,
    })
}

fn fill_json(fill: &Fill) -> Value {
    json!({
        "bid": fill.bid.to_string(),
        "participant": fill.participant.0,
        "side": words::side(fill.side),
        "quantity": fill.quantity.to_string(),
        "price": fill.price.to_string(),
        "reason": fill.reason.name(),
    })
}

fn unfilled_json(unfilled: &Unfilled) -> Value {
    json!({
        "bid": unfilled.bid.to_string(),
        "participant": unfilled.participant.0,
        "reason": unfilled.reason.name(),
        "winning_limit": winning_limit_json(unfilled.winning_limit),
    })
}

fn winning_limit_json(limit: WinningLimit) -> Value {
    match limit {
        WinningLimit::At(limit) => limit.to_string(),
        WinningLimit::Nowhere => "nowhere".to_owned(),
        WinningLimit::NotLookedFor => "not-looked-for".to_owned(),
    }
    .into()
}

fn lot_json(lot: Lot) -> Value {
    json!({
        "secret": lot.secret.to_string(),
        "bids": lot.bids.to_string(),
        "seed": lot.seed().to_string(),
    })
}

/// A price, if there is one: a market order has no limit, and an auction in which nothing trades no price.
fn limit_json(price: Option<Price>) -> Option<String> {
    price.map(|price| price.to_string())
}

/// The public part of a result's proof.
fn certificate_json(certificate: &Certificate) -> Value {
    let mut value = serde_json::to_value(certificate_text(certificate)).expect("decimal texts alone");
    value["equilibrium"] = json!({
        "low": limit_json(certificate.equilibrium.low),
        "high": limit_json(certificate.equilibrium.high),
    });
    value
}

fn line_json(line: &SettlementLine) -> Value {
    json!({
        "entitlement": line.entitlement.0,
        "holder": line.holder.0,
        "strike": line.strike.to_string(),
        "quantity": line.quantity.to_string(),
        "amount": money_json(line.amount),
        "remainder": money_json(line.remainder),
        "delta": money_json(line.delta),
    })
}

fn named_action(action: &Action) -> (&'static str, Value) {
    match action {
        Action::RegisterParticipant { participant, name, owner_group, roles } => (
            "register_participant",
            json!({
                "participant": participant.0,
                "name": name.as_str(),
                "owner_group": owner_group.0,
                "roles": roles.iter().map(|&role| words::role(role)).collect::<Vec<_>>(),
            }),
        ),
        Action::AddIdentity { identity, participant } => {
            ("add_identity", json!({ "identity": identity.0, "participant": participant.0 }))
        }
        Action::BindKey { identity, key, others_end_at } => (
            "bind_key",
            json!({
                "identity": identity.0,
                "key": key.to_string(),
                "others_end_at": others_end_at.map(|end| end.to_string()),
            }),
        ),
        Action::RevokeIdentity { identity } => ("revoke_identity", json!({ "identity": identity.0 })),
        Action::SetStanding { participant, standing } => {
            ("set_standing", json!({ "participant": participant.0, "standing": words::standing(*standing) }))
        }
        Action::DefineMarket { market, terms } => {
            let mut object = market_json(terms);
            object["market"] = market.0.into();
            ("define_market", object)
        }
        Action::DefineIndex { index, terms } => (
            "define_index",
            json!({
                "index": index.0,
                "name": terms.name.as_str(),
                "currency": terms.currency.code(),
                "publisher": terms.publisher.0,
            }),
        ),
        Action::OpenProgramme { programme, name, currency } => (
            "open_programme",
            json!({ "programme": programme.0, "name": name.as_str(), "currency": currency.code() }),
        ),
        Action::FundProgramme { programme, amount } => {
            ("fund_programme", json!({ "programme": programme.0, "amount": money_json(*amount) }))
        }
        Action::DepositCollateral { participant, amount } => {
            ("deposit_collateral", json!({ "participant": participant.0, "amount": money_json(*amount) }))
        }
        Action::ReturnCollateral { participant, amount } => {
            ("return_collateral", json!({ "participant": participant.0, "amount": money_json(*amount) }))
        }
        Action::SetFloor { floor, terms } => {
            let mut object = floor_json(terms);
            object["floor"] = floor.0.into();
            ("set_floor", object)
        }
        Action::AnnounceAuction { auction, terms } => {
            let mut object = auction_json(terms);
            object["auction"] = auction.0.into();
            ("announce_auction", object)
        }
        Action::CancelAuction { auction } => ("cancel_auction", json!({ "auction": auction.0 })),
        Action::GrantEntitlement { floor, holder, monthly } => (
            "grant_entitlement",
            json!({ "floor": floor.0, "holder": holder.0, "monthly": monthly.to_string() }),
        ),
        Action::Settle { floor, month, revision } => {
            ("settle", json!({ "floor": floor.0, "month": month.to_string(), "revision": revision }))
        }
        Action::ChangeRules { version } => ("change_rules", json!({ "version": version })),
    }
}

fn market_json(terms: &Market) -> Value {
    json!({
        "name": terms.name.as_str(),
        "unit": terms.unit.symbol(),
        "currency": terms.currency.code(),
        "lot": terms.lot.to_string(),
        "tick": terms.tick.to_string(),
        "lowest": terms.lowest.to_string(),
        "highest": terms.highest.to_string(),
        "largest": terms.largest.to_string(),
    })
}

fn floor_json(terms: &FloorTerms) -> Value {
    json!({
        "market": terms.market.0,
        "programme": terms.programme.0,
        "index": terms.index.0,
        "price": terms.price.to_string(),
        "stress_price": terms.stress_price.to_string(),
        "first": terms.first.to_string(),
        "last": terms.last.to_string(),
        "origins": terms.origins.iter().map(Country::to_string).collect::<Vec<_>>(),
    })
}

fn auction_json(terms: &AuctionTerms) -> Value {
    let mut object = match terms.kind {
        AuctionKind::Call { market } => json!({ "kind": "call", "market": market.0 }),
        AuctionKind::Purchase { market, programme, quantity, worst_sale } => json!({
            "kind": "purchase",
            "market": market.0,
            "programme": programme.0,
            "quantity": quantity.to_string(),
            "worst_sale": worst_sale.to_string(),
        }),
        AuctionKind::Sale { purchase } => json!({ "kind": "sale", "purchase": purchase.0 }),
        AuctionKind::Support { floor, monthly } => {
            json!({ "kind": "support", "floor": floor.0, "monthly": monthly.to_string() })
        }
    };
    object["opens_at"] = terms.opens_at.to_string().into();
    object["closes_at"] = terms.closes_at.to_string().into();
    object["challenge_seconds"] = terms.challenge_seconds.get().into();
    match &terms.rule {
        AuctionRule::Price(rule) => {
            object["rule"] = serde_json::to_value(rule).expect("a rule has names and texts alone");
        }
        AuctionRule::Stack(terms) => object["stack"] = stack::terms_json(terms),
        AuctionRule::Solution(terms) => {
            object["rule"] = serde_json::to_value(&terms.rule).expect("a rule has names and texts alone");
            object["solution_seconds"] = terms.solution_seconds.get().into();
        }
    }
    object["lot_commitment"] = terms.lot_commitment.map(|commitment| commitment.to_string()).into();
    object
}

pub(super) fn money_json(amount: Money) -> Value {
    let decimal = Price::from_millionths(amount.millionths).to_string();
    json!({ "amount": decimal, "currency": amount.currency.code() })
}

/// What a command was answered, on one line.
///
/// It goes on to what the sender needs next: how another operator confirms a proposal, or how a bid is named. Another line
/// is [`acknowledged_line`].
pub fn answer_line(sender: IdentityId, id: CommandId, command: &Command, answer: &Answer) -> String {
    let sequence = answer.sequence;
    if let Err(reason) = answer.outcome {
        return format!("{sequence}  command {id} refused: {} {}: {reason}", reason.code(), reason.name());
    }
    let done = format!("{sequence}  command {id} done");
    match command {
        Command::Propose { .. } => {
            format!("{done}; another operator confirms it by: {}", confirmation(sender, id))
        }
        Command::PlaceBid { .. } => format!("{done}; the bid is {sender}.{id}"),
        _ => done,
    }
}

/// How far the exchange had come with an answer: what `--acknowledged` takes at a later call.
pub fn acknowledged_line(position: Position) -> String {
    format!("acknowledged {position}")
}

/// What a command was answered, as an object: `command`, `sequence`, `done`, `acknowledged`; then `code`, `name` and
/// `reason` of a refusal, or `proposal` and `confirm` of a proposal, or `bid` of a bid.
pub fn answer_json(
    sender: IdentityId,
    id: CommandId,
    command: &Command,
    answer: &Answer,
    position: Position,
) -> Value {
    let mut object = json!({
        "command": id.0,
        "sequence": answer.sequence.0,
        "done": answer.outcome.is_ok(),
        "acknowledged": position.to_string(),
    });
    match (answer.outcome, command) {
        (Err(reason), _) => {
            object["code"] = reason.code().into();
            object["name"] = reason.name().into();
            object["reason"] = reason.to_string().into();
        }
        (Ok(()), Command::Propose { .. }) => {
            object["proposal"] = format!("{sender}.{id}").into();
            object["confirm"] = confirmation(sender, id).into();
        }
        (Ok(()), Command::PlaceBid { .. }) => object["bid"] = format!("{sender}.{id}").into(),
        (Ok(()), _) => {}
    }
    object
}

/// What another operator enters to confirm a proposal.
fn confirmation(sender: IdentityId, id: CommandId) -> String {
    format!("golv admin proposals confirm {sender}.{id}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU32;

    use golv_engine::auction::LotSecret;
    use golv_engine::book::Side;
    use golv_engine::cfd::IndexTerms;
    use golv_engine::clearing::{Allocation, Candidates, CurvePoint, Equilibrium, Reason};
    use golv_engine::command::{NewBid, Operator};
    use golv_engine::digest::Digest;
    use golv_engine::id::{
        AuctionId, BidId, EntitlementId, FloorId, IndexId, MarketId, OwnerGroup, ParticipantId, ProgrammeId,
        ProposalId, Sequence,
    };
    use golv_engine::key::KeyFingerprint;
    use golv_engine::market::MassUnit;
    use golv_engine::num::{Currency, Quantity};
    use golv_engine::participant::{Role, Standing};
    use golv_engine::reject::Reject;
    use golv_engine::time::Month;

    const ME: ParticipantId = ParticipantId(21);
    const PROPOSAL: ProposalId = ProposalId { identity: IdentityId(1), command: CommandId(7) };
    const BID: BidId = BidId { identity: IdentityId(21), command: CommandId(5) };
    const NOON: Instant = Instant(1_543_838_400_000_000_000);

    fn units(units: i64) -> Price {
        Price::from_units(units).expect("fits")
    }

    fn tonnes(units: u32) -> Quantity {
        Quantity::from_units(units).expect("fits")
    }

    fn dollars(units: i64) -> Money {
        Money { currency: Currency::Usd, millionths: units * 1_000_000 }
    }

    fn january() -> Month {
        Month::new(2019, 1).expect("a month")
    }

    fn proposed(action: Action) -> Event {
        Event::ActionProposed { proposal: PROPOSAL, action }
    }

    fn actions() -> Vec<(Action, &'static str, &'static str, Value)> {
        let name = |text: &str| text.parse().expect("a name");
        let auction = |kind| AuctionTerms {
            kind,
            opens_at: NOON,
            closes_at: NOON.plus_seconds(60).expect("fits"),
            challenge_seconds: NonZeroU32::new(86_400).expect("positive"),
            rule: Rule {
                reference_price: Some(units(95_000)),
                payment: Payment::OwnPrice,
                quote: "90000:96000".parse().ok(),
                ..Rule::new(
                    Candidates::Limits,
                    vec![Criterion::MostVolume, Criterion::LastAcceptedOffer],
                    Allocation::SeededLot,
                )
            }
            .into(),
            lot_commitment: Some(Digest([0xcd; 32])),
        };
        let auction_details = |kind: Value| {
            let mut object = kind;
            object["auction"] = 2.into();
            object["opens_at"] = "2018-12-03T12:00:00Z".into();
            object["closes_at"] = "2018-12-03T12:01:00Z".into();
            object["challenge_seconds"] = 86_400.into();
            object["rule"] = json!({
                "candidates": "limits", "cascade": ["most-volume", "last-accepted-offer"],
                "allocation": "seeded-lot", "payment": "own-price", "reference-price": "95000", "tick": null,
                "rounding": "half-up", "lot": null, "minimum": null, "band": null, "floor": null,
                "ceiling": null, "quote": "90000:96000",
            });
            object["lot_commitment"] = "cd".repeat(32).into();
            object
        };
        let key = "ab".repeat(32);
        let key_line = "bind key abababababababababababababababababababababababababababababababab to identity 3; its \
                        other keys end at 2018-12-03T12:00:00Z";
        vec![
            (
                Action::RegisterParticipant {
                    participant: ME,
                    name: name("Keliber Oy"),
                    owner_group: OwnerGroup(7),
                    roles: [Role::Supplier, Role::Buyer].into(),
                },
                "register participant 21, Keliber Oy, owner group 7, as supplier and buyer",
                "register_participant",
                json!({"participant": 21, "name": "Keliber Oy", "owner_group": 7, "roles": ["supplier", "buyer"]}),
            ),
            (
                Action::AddIdentity { identity: IdentityId(3), participant: ME },
                "let identity 3 act for participant 21",
                "add_identity",
                json!({"identity": 3, "participant": 21}),
            ),
            (
                Action::BindKey {
                    identity: IdentityId(3),
                    key: KeyFingerprint([0xab; 32]),
                    others_end_at: Some(NOON),
                },
                key_line,
                "bind_key",
                json!({"identity": 3, "key": key, "others_end_at": "2018-12-03T12:00:00Z"}),
            ),
            (
                Action::RevokeIdentity { identity: IdentityId(3) },
                "revoke identity 3",
                "revoke_identity",
                json!({"identity": 3}),
            ),
            (
                Action::SetStanding { participant: ME, standing: Standing::Suspended },
                "set participant 21 suspended",
                "set_standing",
                json!({"participant": 21, "standing": "suspended"}),
            ),
            (
                Action::DefineMarket {
                    market: MarketId(1),
                    terms: Market {
                        name: name("Lithium metal"),
                        unit: MassUnit::Tonne,
                        currency: Currency::Usd,
                        lot: tonnes(1),
                        tick: units(10),
                        lowest: units(20_000),
                        highest: units(600_000),
                        largest: tonnes(1_000),
                    },
                },
                "define market 1, Lithium metal: prices 20,000 to 600,000 USD/t by 10, quantities up to 1,000 t by 1",
                "define_market",
                json!({
                    "market": 1, "name": "Lithium metal", "unit": "t", "currency": "USD", "lot": "1",
                    "tick": "10", "lowest": "20000", "highest": "600000", "largest": "1000",
                }),
            ),
            (
                Action::DefineIndex {
                    index: IndexId(3),
                    terms: IndexTerms { name: name("IMF"), currency: Currency::Usd, publisher: ME },
                },
                "define index 3, IMF, in USD, published by participant 21",
                "define_index",
                json!({"index": 3, "name": "IMF", "currency": "USD", "publisher": 21}),
            ),
            (
                Action::OpenProgramme {
                    programme: ProgrammeId(2),
                    name: name("Floors"),
                    currency: Currency::Usd,
                },
                "open programme 2, Floors, in USD",
                "open_programme",
                json!({"programme": 2, "name": "Floors", "currency": "USD"}),
            ),
            (
                Action::FundProgramme { programme: ProgrammeId(2), amount: dollars(1_000) },
                "pay 1,000.00 USD into programme 2",
                "fund_programme",
                json!({"programme": 2, "amount": {"amount": "1000", "currency": "USD"}}),
            ),
            (
                Action::SetFloor {
                    floor: FloorId(1),
                    terms: FloorTerms {
                        market: MarketId(1),
                        programme: ProgrammeId(2),
                        index: IndexId(3),
                        price: units(105_000),
                        stress_price: units(60_000),
                        first: january(),
                        last: january(),
                        origins: ["FI", "SE"].map(|code| code.parse().expect("a country")).into(),
                    },
                },
                "set floor 1 on market 1: 105,000 down to 60,000 against index 3, paid by programme 2, \
                 2019-01 to 2019-01, for FI, SE",
                "set_floor",
                json!({
                    "floor": 1, "market": 1, "programme": 2, "index": 3, "price": "105000",
                    "stress_price": "60000", "first": "2019-01", "last": "2019-01", "origins": ["FI", "SE"],
                }),
            ),
            (
                Action::AnnounceAuction {
                    auction: AuctionId(2),
                    terms: auction(AuctionKind::Call { market: MarketId(1) }),
                },
                "announce call auction 2 on market 1: opens 2018-12-03T12:00:00Z, closes 2018-12-03T12:01:00Z, \
                 86,400 s to challenge, price among limits by most volume, last accepted offer, seeded lot at the \
                 margin, each at its own price, reference price 95,000, quote 90000:96000",
                "announce_auction",
                auction_details(json!({"kind": "call", "market": 1})),
            ),
            (
                Action::AnnounceAuction {
                    auction: AuctionId(2),
                    terms: auction(AuctionKind::Support { floor: FloorId(1), monthly: tonnes(120) }),
                },
                "announce support auction 2 for 120 a month under floor 1: opens 2018-12-03T12:00:00Z, closes \
                 2018-12-03T12:01:00Z, 86,400 s to challenge, price among limits by most volume, last accepted offer, seeded lot at the \
                 margin, each at its own price, reference price 95,000, quote 90000:96000",
                "announce_auction",
                auction_details(json!({"kind": "support", "floor": 1, "monthly": "120"})),
            ),
            (
                Action::CancelAuction { auction: AuctionId(2) },
                "cancel auction 2",
                "cancel_auction",
                json!({"auction": 2}),
            ),
            (
                Action::GrantEntitlement { floor: FloorId(1), holder: ME, monthly: tonnes(20) },
                "grant participant 21 20 a month under floor 1",
                "grant_entitlement",
                json!({"floor": 1, "holder": 21, "monthly": "20"}),
            ),
            (
                Action::Settle { floor: FloorId(1), month: january(), revision: 1 },
                "settle floor 1 for 2019-01 on revision 1 of its price",
                "settle",
                json!({"floor": 1, "month": "2019-01", "revision": 1}),
            ),
            (
                Action::ChangeRules { version: 2 },
                "change the rules to version 2",
                "change_rules",
                json!({"version": 2}),
            ),
        ]
    }

    fn check(event: Event, line: &str, name: &str, details: Value) {
        let numbered = Numbered { number: 4, sequence: Sequence(17), event };
        assert_eq!(event_line(&numbered), format!("17  {line}"));
        let mut object = details;
        object["number"] = 4.into();
        object["sequence"] = 17.into();
        object["event"] = name.into();
        assert_eq!(event_json(&numbered), object);
    }

    #[test]
    fn each_action_is_shown() {
        for (action, line, name, details) in actions() {
            check(
                proposed(action.clone()),
                &format!("proposal 1.7: {line}"),
                "action_proposed",
                json!({"proposal": "1.7", "action": name, "details": details}),
            );
            check(
                Event::ActionConfirmed { proposal: PROPOSAL, by: IdentityId(2), action },
                &format!("proposal 1.7 confirmed by identity 2: {line}"),
                "action_confirmed",
                json!({"proposal": "1.7", "by": 2, "action": name, "details": details}),
            );
        }
    }

    #[test]
    fn each_event_about_an_auction_is_shown() {
        let auction = AuctionId(2);
        let (limit, size) = (Some(units(95_000)), tonnes(20));
        check(Event::AuctionOpened { auction }, "auction 2 opened", "auction_opened", json!({"auction": 2}));
        check(Event::AuctionClosed { auction }, "auction 2 closed", "auction_closed", json!({"auction": 2}));
        check(
            Event::BidAccepted { auction, bid: BID, participant: ME, price: limit, quantity: size },
            "auction 2: bid 21.5 of participant 21 accepted, 20 at 95,000",
            "bid_accepted",
            json!({"auction": 2, "bid": "21.5", "participant": 21, "price": "95000", "quantity": "20"}),
        );
        check(
            Event::BidAccepted { auction, bid: BID, participant: ME, price: None, quantity: size },
            "auction 2: bid 21.5 of participant 21 accepted, 20 at any price",
            "bid_accepted",
            json!({"auction": 2, "bid": "21.5", "participant": 21, "price": null, "quantity": "20"}),
        );
        for (kept_priority, place) in [(true, "kept"), (false, "now last")] {
            let (price, quantity) = (limit, size);
            check(
                Event::BidReplaced { auction, bid: BID, participant: ME, price, quantity, kept_priority },
                &format!(
                    "auction 2: bid 21.5 of participant 21 replaced, 20 at 95,000, its place in time {place}"
                ),
                "bid_replaced",
                json!({
                    "auction": 2, "bid": "21.5", "participant": 21, "price": "95000", "quantity": "20",
                    "kept_priority": kept_priority,
                }),
            );
        }
        check(
            Event::BidWithdrawn { auction, bid: BID, participant: ME },
            "auction 2: bid 21.5 of participant 21 withdrawn",
            "bid_withdrawn",
            json!({"auction": 2, "bid": "21.5", "participant": 21}),
        );
        check(
            Event::AuctionFinalised { auction },
            "auction 2 final",
            "auction_finalised",
            json!({"auction": 2}),
        );
    }

    fn result(fills: usize) -> AuctionResult {
        let (side, quantity, price) = (Side::Sell, tonnes(20), units(95_000));
        let fill = Fill { bid: BID, participant: ME, side, quantity, price, reason: Reason::Rationed };
        AuctionResult {
            certificate: Box::new(Certificate {
                decision: Decision::Price { price, step: Criterion::LeastSurplus },
                equilibrium: Equilibrium { low: Some(price), high: None },
                total_demand: tonnes(200),
                total_supply: tonnes(210),
                bought: tonnes(120),
                sold: tonnes(120),
                curve: vec![CurvePoint { price, demand: tonnes(130), supply: tonnes(140) }],
            }),
            fills: vec![fill; fills],
            ..AuctionResult::default()
        }
    }

    #[test]
    fn a_result_is_shown_with_what_each_bid_was_given() {
        let (auction, final_at) = (AuctionId(2), NOON);
        check(
            Event::AuctionCleared { auction, final_at, result: result(1) },
            "auction 2 cleared: 95,000 for 120, wanted 130, offered 140, decided by least surplus, final at \
             2018-12-03T12:00:00Z; bid 21.5 of participant 21 sells 20",
            "auction_cleared",
            json!({
                "auction": 2, "final_at": "2018-12-03T12:00:00Z", "price": "95000", "volume": "120",
                "demand": "130", "supply": "140", "decided_by": "least-surplus", "reserved": null,
                "certificate": {
                    "equilibrium": {"low": "95000", "high": null}, "total_demand": "200", "total_supply": "210",
                    "bought": "120", "sold": "120",
                    "curve": [{"price": "95000", "demand": "130", "supply": "140"}],
                },
                "fills": [{
                    "bid": "21.5", "participant": 21, "side": "sell", "quantity": "20", "price": "95000",
                    "reason": "rationed",
                }],
                "unfilled": [], "lot": null, "stack": null, "solution": null,
            }),
        );
        let lot = Lot { secret: LotSecret([0xef; 32]), bids: Digest([0xab; 32]) };
        let unfilled = Unfilled {
            bid: BID,
            participant: ME,
            reason: Reason::NothingTraded,
            winning_limit: WinningLimit::At(units(96_000)),
        };
        let nothing = AuctionResult {
            unfilled: vec![unfilled],
            reserved: Some(dollars(0)),
            lot: Some(lot),
            ..AuctionResult::default()
        };
        check(
            Event::AuctionCleared { auction, final_at, result: nothing },
            "auction 2 cleared: nothing crossed, wanted 0, offered 0, 0.00 USD to be reserved, final at \
             2018-12-03T12:00:00Z; bid 21.5 of participant 21 gets nothing: nothing traded, 96,000 would have won",
            "auction_cleared",
            json!({
                "auction": 2, "final_at": "2018-12-03T12:00:00Z", "price": null, "volume": "0",
                "demand": "0", "supply": "0", "decided_by": null, "fills": [],
                "certificate": {
                    "equilibrium": {"low": null, "high": null}, "total_demand": "0", "total_supply": "0",
                    "bought": "0", "sold": "0", "curve": [],
                },
                "unfilled": [{"bid": "21.5", "participant": 21, "reason": "nothing-traded", "winning_limit": "96000"}],
                "reserved": {"amount": "0", "currency": "USD"},
                "lot": {"secret": "ef".repeat(32), "bids": "ab".repeat(32), "seed": lot.seed().to_string()}, "stack": null, "solution": null,
            }),
        );
        let many = Event::AuctionCleared { auction, final_at, result: result(LISTED_MAX + 2) };
        let line = event_line(&Numbered { number: 1, sequence: Sequence(1), event: many });
        assert_eq!(line.matches("bid 21.5").count(), LISTED_MAX);
        assert!(line.ends_with("; and 2 more"), "{line}");
    }

    #[test]
    fn every_other_event_is_shown() {
        check(
            Event::Founded { participant: ParticipantId(1) },
            "the exchange was founded; its centre is participant 1",
            "founded",
            json!({"participant": 1}),
        );
        check(
            Event::ClockSet { to: NOON },
            "the rehearsal's clock was set to 2018-12-03T12:00:00Z",
            "clock_set",
            json!({"to": "2018-12-03T12:00:00Z"}),
        );
        check(
            Event::ProposalWithdrawn { proposal: PROPOSAL },
            "proposal 1.7 withdrawn",
            "proposal_withdrawn",
            json!({"proposal": "1.7"}),
        );
        check(
            Event::EntitlementGranted {
                entitlement: EntitlementId(4),
                floor: FloorId(1),
                holder: ME,
                strike: units(95_000),
                monthly: tonnes(20),
                first: january(),
                reserved: dollars(700_000),
            },
            "entitlement 4 under floor 1 granted to participant 21: 20 a month from 2019-01, strike 95,000, \
             700,000.00 USD reserved",
            "entitlement_granted",
            json!({
                "entitlement": 4, "floor": 1, "holder": 21, "strike": "95000", "monthly": "20",
                "first": "2019-01", "reserved": {"amount": "700000", "currency": "USD"},
            }),
        );
        check(
            Event::ReferencePricePublished {
                index: IndexId(3),
                month: january(),
                revision: 2,
                price: Price::from_millionths(92_000_500_000),
            },
            "index 3: 92,000.50 published for 2019-01, revision 2",
            "reference_price_published",
            json!({"index": 3, "month": "2019-01", "revision": 2, "price": "92000.5"}),
        );
        let line = SettlementLine {
            entitlement: EntitlementId(4),
            holder: ME,
            strike: units(95_000),
            quantity: tonnes(20),
            amount: dollars(60_000),
            remainder: dollars(0),
            delta: dollars(-1_000),
        };
        check(
            Event::SettlementRunCompleted {
                run: SettlementRun {
                    floor: FloorId(1),
                    month: january(),
                    number: 2,
                    reference_price: units(92_000),
                    revision: 3,
                    lines: vec![line],
                    paid: dollars(-6_000),
                    free: dollars(100),
                    reserved: dollars(200),
                },
            },
            "floor 1 settled for 2019-01, run 2, on 92,000 (revision 3): -6,000.00 USD paid, programme reserves \
             200.00 USD, has 100.00 USD free; entitlement 4 of participant 21, 20 at strike 95,000, is worth \
             60,000.00 USD, -1,000.00 USD posted",
            "settlement_run_completed",
            json!({
                "floor": 1, "month": "2019-01", "run": 2, "reference_price": "92000", "revision": 3,
                "paid": {"amount": "-6000", "currency": "USD"},
                "free": {"amount": "100", "currency": "USD"},
                "reserved": {"amount": "200", "currency": "USD"},
                "lines": [{
                    "entitlement": 4, "holder": 21, "strike": "95000", "quantity": "20",
                    "amount": {"amount": "60000", "currency": "USD"},
                    "remainder": {"amount": "0", "currency": "USD"},
                    "delta": {"amount": "-1000", "currency": "USD"},
                }],
            }),
        );
    }

    #[test]
    fn each_command_is_shown() {
        let auction = AuctionId(2);
        let key = KeyFingerprint([0xab; 32]);
        let founders = [
            Operator { identity: IdentityId(1), key: Some(key) },
            Operator { identity: IdentityId(2), key: None },
        ];
        let origin = Some("FI".parse().expect("a country"));
        for (command, object) in [
            (
                Command::Found {
                    participant: ParticipantId(1),
                    name: "The centre".parse().expect("a name"),
                    operators: founders,
                },
                json!({
                    "command": "found", "participant": 1, "name": "The centre",
                    "operators": [{"identity": 1, "key": "ab".repeat(32)}, {"identity": 2, "key": null}],
                }),
            ),
            (Command::Tick, json!({"command": "tick"})),
            (Command::SetClock { to: NOON }, json!({"command": "set_clock", "to": "2018-12-03T12:00:00Z"})),
            (
                Command::Propose { action: Action::CancelAuction { auction } },
                json!({"command": "propose", "action": "cancel_auction", "details": {"auction": 2}}),
            ),
            (Command::Confirm { proposal: PROPOSAL }, json!({"command": "confirm", "proposal": "1.7"})),
            (
                Command::WithdrawProposal { proposal: PROPOSAL },
                json!({"command": "withdraw_proposal", "proposal": "1.7"}),
            ),
            (
                Command::PlaceBid {
                    auction,
                    bid: NewBid {
                        side: Side::Sell,
                        price: Some(units(95_000)),
                        quantity: tonnes(20),
                        origin,
                        details: None,
                    },
                },
                json!({
                    "command": "place_bid", "auction": 2, "side": "sell", "price": "95000", "quantity": "20",
                    "origin": "FI", "details": null,
                }),
            ),
            (
                Command::ReplaceBid { auction, bid: BID, price: Some(units(95_000)), quantity: tonnes(20) },
                json!({
                    "command": "replace_bid", "auction": 2, "bid": "21.5", "price": "95000", "quantity": "20",
                }),
            ),
            (
                Command::WithdrawBid { auction, bid: BID },
                json!({"command": "withdraw_bid", "auction": 2, "bid": "21.5"}),
            ),
            (
                Command::ClearAuction { auction, secret: None },
                json!({"command": "clear_auction", "auction": 2, "secret": null}),
            ),
            (
                Command::ClearAuction { auction, secret: Some(LotSecret([0xef; 32])) },
                json!({"command": "clear_auction", "auction": 2, "secret": "ef".repeat(32)}),
            ),
            (
                Command::PublishReferencePrice { index: IndexId(3), month: january(), price: units(92_000) },
                json!({
                    "command": "publish_reference_price", "index": 3, "month": "2019-01", "price": "92000",
                }),
            ),
        ] {
            assert_eq!(command_json(&command), object);
            assert_eq!(command_name(&command), object["command"]);
        }
    }

    #[test]
    fn an_answer_says_what_comes_next() {
        let done = Answer { sequence: Sequence(17), outcome: Ok(()) };
        let refused = Answer { outcome: Err(Reject::PriceOffTick { tick: units(10) }), ..done };
        let position = Position { sequence: Sequence(18), chain: Digest([0x5a; 32]) };
        assert_eq!(acknowledged_line(position), format!("acknowledged 18:{}", "5a".repeat(32)));
        let propose = Command::Propose { action: Action::CancelAuction { auction: AuctionId(2) } };
        let bid = NewBid {
            side: Side::Buy,
            price: Some(units(1)),
            quantity: tonnes(1),
            origin: None,
            details: None,
        };
        let place = Command::PlaceBid { auction: AuctionId(2), bid };
        let refusal = "the price must be a whole multiple of the tick 10";
        for (command, answer, line, object) in [
            (
                &propose,
                done,
                "17  command 7 done; another operator confirms it by: golv admin proposals confirm 1.7",
                json!({
                    "command": 7, "sequence": 17, "done": true, "proposal": "1.7",
                    "confirm": "golv admin proposals confirm 1.7",
                }),
            ),
            (
                &place,
                done,
                "17  command 7 done; the bid is 1.7",
                json!({"command": 7, "sequence": 17, "done": true, "bid": "1.7"}),
            ),
            (
                &place,
                refused,
                "17  command 7 refused: 511 PriceOffTick: the price must be a whole multiple of the tick 10",
                json!({
                    "command": 7, "sequence": 17, "done": false, "code": 511, "name": "PriceOffTick",
                    "reason": refusal,
                }),
            ),
            (
                &Command::ClearAuction { auction: AuctionId(2), secret: None },
                done,
                "17  command 7 done",
                json!({"command": 7, "sequence": 17, "done": true}),
            ),
        ] {
            assert_eq!(answer_line(IdentityId(1), CommandId(7), command, &answer), line);
            let mut object: Value = object;
            object["acknowledged"] = position.to_string().into();
            assert_eq!(answer_json(IdentityId(1), CommandId(7), command, &answer, position), object);
        }
    }
}
