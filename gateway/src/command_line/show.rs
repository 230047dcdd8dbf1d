//! Events and answers: a line of text for people, a JSON object for programs.
//!
//! In JSON, prices, quantities and amounts are exact and therefore decimal texts; ids and counts are numbers; bids
//! and proposals are named as in arguments, `identity.command`. Keys are in snake case and in the order of the
//! alphabet. Lines set thousands apart, and name no unit or currency where the event itself carries none.

mod boards;
mod json;
mod money;
mod stack;
#[cfg(test)]
mod tests;

use golv_engine::Answer;
use golv_engine::auction::{AuctionKind, AuctionResult, AuctionRule, SolutionResult, WinningLimit};
use golv_engine::cfd::{ContractTerms, Measure, SettlementRun};
use golv_engine::clearing::{Decision, Payment, Rule};
use golv_engine::command::{Action, Command};
use golv_engine::event::Event;
use golv_engine::id::{CommandId, IdentityId};
use golv_engine::num::{Money, Price};
use golv_engine::text::Country;
use golv_engine::time::Instant;
use golv_protocol::message::{Numbered, Position};
use serde_json::{Value, json};

use super::words;
use crate::print::{self, price, quantity};
pub(crate) use boards::{deal_json, listing_json, own_side, party_json, terms_json};
pub use json::event_json;
pub(crate) use json::{
    command_json, command_name, event_name, happened_json, line_json, money_json, period_json, sum_json,
};

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
        Event::LineLost { identity, .. } => {
            format!("the line of identity {identity} was lost, and its bids are withdrawn")
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
        Event::EntitlementGranted { entitlement, terms } => format!(
            "entitlement {entitlement} under floor {}{} granted to participant {}: {} a period from {} to {}, \
             strike {}, {} reserved",
            terms.floor,
            terms.deal.map(|deal| format!(" on deal {deal}")).unwrap_or_default(),
            terms.holder,
            quantity(terms.per_period),
            terms.first,
            terms.last,
            price(terms.strike),
            money(terms.reserved)
        ),
        Event::EntitlementNovated { entitlement, from, to } => {
            format!("entitlement {entitlement} novated from participant {from} to participant {to}")
        }
        Event::EntitlementTerminated { entitlement, holder, last, released } => format!(
            "entitlement {entitlement} of participant {holder} ends with {last}, {} released",
            money(*released)
        ),
        Event::UpsideShared { entitlement, holder, from } => {
            format!("entitlement {entitlement}: participant {holder} shares high prices from {from} on")
        }
        Event::ReferencePricePublished { index, day, revision, version, observation } => {
            let source = observation.source.as_ref().map(|source| format!(", from {source}"));
            format!(
                "index {index}: {} published for {day}, revision {revision}{}; data version {version}",
                price(observation.price),
                source.unwrap_or_default()
            )
        }
        Event::ReferencePriceHeld { index, day, publisher, observation, before } => format!(
            "index {index}: {} for {day} by participant {publisher} is held, it was {} before",
            price(observation.price),
            price(*before)
        ),
        Event::DeliveryReported { entitlement, holder, day, revision, version, delivery } => format!(
            "entitlement {entitlement}: participant {holder} delivered on {day}: {} sold, {} of it from stock, {} \
             stockpiled, revision {revision}; data version {version}",
            quantity(delivery.sold),
            quantity(delivery.from_stock),
            quantity(delivery.stockpiled)
        ),
        Event::SettlementRunCompleted { run } => run_text(run),
        Event::ClaimsPaid { .. }
        | Event::ProgrammeLevel { .. }
        | Event::InvoiceIssued { .. }
        | Event::InvoicePaid { .. }
        | Event::InvoiceLate { .. }
        | Event::SellersPaid { .. }
        | Event::NoticeServed { .. }
        | Event::NoticeFollowed { .. }
        | Event::Defaulted { .. }
        | Event::DefaultMadeGood { .. }
        | Event::ParticipantHalted { .. }
        | Event::StockTraded { .. }
        | Event::Posted { .. } => money::event_text(event),
        Event::EntryPosted { .. }
        | Event::EntryReplaced { .. }
        | Event::EntryQuantity { .. }
        | Event::EntryClosed { .. }
        | Event::GroupJoined { .. }
        | Event::GroupLeft { .. }
        | Event::RoundCalled { .. }
        | Event::RoundBook { .. }
        | Event::DealsProposed { .. }
        | Event::RoundHeld { .. }
        | Event::NegotiationOpened { .. }
        | Event::TermsCountered { .. }
        | Event::TermsAccepted { .. }
        | Event::NegotiationEnded { .. }
        | Event::DealMade { .. }
        | Event::DealShared { .. } => boards::event_text(event),
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
        "floor {} settled for {}, run {}, on {} (data version {}): {} posted, programme reserves {}, has {} free{}",
        run.floor,
        run.period,
        run.number,
        run.reference_price.map_or_else(|| "prices of each line".to_owned(), price),
        run.version,
        money(run.posted),
        money(run.reserved),
        money(run.free),
        listed(&run.lines, |line| format!(
            "entitlement {} of participant {}, {} at strike {}, is worth {}, {} posted{}",
            line.entitlement,
            line.holder,
            quantity(line.quantity),
            price(line.strike),
            money(line.amount),
            money(line.delta),
            if line.interest.is_zero() {
                String::new()
            } else {
                format!(" with {} interest", money(line.interest))
            }
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
            "define index {index}, {}, {}, published by participant {}{}",
            terms.name,
            terms.currency.map_or_else(|| "a number".to_owned(), |currency| format!("in {currency}")),
            terms.publisher,
            terms.guard.map_or_else(String::new, |guard| format!(", held if it moves by more than {guard}"))
        ),
        Action::OpenProgramme { .. }
        | Action::FundProgramme { .. }
        | Action::DepositCollateral { .. }
        | Action::ReturnCollateral { .. }
        | Action::ContributeToDefaultFund { .. }
        | Action::ReturnContribution { .. }
        | Action::SetOwnResourcesAside { .. }
        | Action::SetClearingTerms { .. }
        | Action::TakePayment { .. }
        | Action::AttributePayment { .. }
        | Action::PayOut { .. }
        | Action::SetStockRule { .. }
        | Action::SetStressPrice { .. } => money::action_text(action),
        Action::SetFloor { floor, terms } => format!(
            "set floor {floor} on market {}: {} down to {} against index {}, paid by programme {}, {} to {}, for {}; {}",
            terms.market,
            price(terms.price),
            price(terms.stress_price),
            terms.index,
            terms.programme,
            terms.first,
            terms.last,
            terms.origins.iter().map(Country::to_string).collect::<Vec<_>>().join(", "),
            contract_text(&terms.contract)
        ),
        Action::AnnounceAuction { auction, terms } => {
            let kind = match terms.kind {
                AuctionKind::Call { market, stock } => format!(
                    "call auction {auction} on market {market}{}",
                    stock.map(|order| money::order_text(&order)).unwrap_or_default()
                ),
                AuctionKind::Purchase { market, programme, quantity: size, worst_sale } => format!(
                    "purchase {auction} of {} on market {market} by programme {programme}, sold again at {} or more",
                    quantity(size),
                    price(worst_sale)
                ),
                AuctionKind::Sale { purchase } => {
                    format!("sale {auction} of what purchase {purchase} bought")
                }
                AuctionKind::Support { floor, per_period } => {
                    format!(
                        "support auction {auction} for {} a period under floor {floor}",
                        quantity(per_period)
                    )
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
        Action::GrantEntitlement { floor, holder, per_period } => {
            format!("grant participant {holder} {} a period under floor {floor}", quantity(*per_period))
        }
        Action::NovateEntitlement { entitlement, to } => {
            format!("novate entitlement {entitlement} to participant {to}")
        }
        Action::TerminateEntitlement { entitlement, last } => {
            format!("end entitlement {entitlement} with {last}")
        }
        Action::ShareUpside { entitlement, from } => {
            format!("share high prices under entitlement {entitlement} from {from} on")
        }
        Action::ReleaseReferencePrice { index, day, observation } => {
            format!("release {} of index {index} for {day}", price(observation.price))
        }
        Action::Settle { floor, period, version } => {
            format!("settle floor {floor} for the period of {period} on version {version} of the data")
        }
        Action::ChangeRules { version } => format!("change the rules to version {version}"),
        Action::OpenBoard { .. }
        | Action::PostStockEntry { .. }
        | Action::WithdrawStockEntry { .. }
        | Action::GrantOnDeal { .. } => boards::action_text(action),
    }
}

/// How contracts under a floor are settled: what differs from a price floor on fixed volume.
fn contract_text(contract: &ContractTerms) -> String {
    let mut text = format!("settled {}", contract.calendar);
    if contract.volume.measure == Measure::Metered {
        text += " on metered volume";
    }
    if let Some(upside) = &contract.payoff.upside {
        let above = upside.above.map_or_else(|| "the strike".to_owned(), price);
        text += &format!(", {} of what exceeds {above} shared", upside.share);
    }
    if contract.indexation.is_some() {
        text += ", strikes indexed";
    }
    text
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
            format!(
                "{sequence}  command {id} proposed; another operator confirms it by: {}",
                confirmation(sender, id)
            )
        }
        Command::PlaceBid { .. } => format!("{done}; the bid is {sender}.{id}"),
        Command::PostEntry { board, .. } => {
            format!("{done}; its number is told by: golv trade board show {board}")
        }
        Command::Negotiate { .. } => {
            format!("{done}; it is named, and whose turn it is told, by: golv trade board negotiations")
        }
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
