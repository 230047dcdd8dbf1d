//! Events, commands and actions as JSON objects.

use golv_engine::auction::{
    AuctionKind, AuctionRule, AuctionTerms, ClosedBid, Draw, Fill, SolutionResult, Unfilled, WinningLimit,
};
use golv_engine::cfd::{Delivery, Entitlement, Observation, PayoffRule, SettlementLine};
use golv_engine::clearing::{Certificate, Criterion};
use golv_engine::command::{Action, Command};
use golv_engine::event::Event;
use golv_engine::market::{FloorTerms, Market};
use golv_engine::num::{Currency, Money, Price};
use golv_engine::text::{Country, Name};
use golv_engine::time::Period;
use golv_protocol::message::Numbered;
use serde_json::{Value, json};

use super::{boards, money, stack};
use crate::clear::result::certificate_text;
use crate::command_line::words;
use crate::print::sum;

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
        Command::Tick | Command::WithdrawAll => json!({}),
        Command::LineLost { identity } => json!({ "identity": identity.0 }),
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
        Command::Halt { participant } => json!({ "participant": participant.0 }),
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
        Command::PublishReferencePrice { index, day, observation } => {
            let mut object = observation_json(observation);
            object["index"] = index.0.into();
            object["day"] = day.to_string().into();
            object
        }
        Command::ReportDelivery { entitlement, day, delivery } => {
            let mut object = delivery_json(delivery);
            object["entitlement"] = entitlement.0.into();
            object["day"] = day.to_string().into();
            object
        }
        Command::PostEntry { .. }
        | Command::ReplaceEntry { .. }
        | Command::WithdrawEntry { .. }
        | Command::JoinGroup { .. }
        | Command::LeaveGroup { .. }
        | Command::CallRound { .. }
        | Command::ProposeDeals { .. }
        | Command::Negotiate { .. }
        | Command::CounterTerms { .. }
        | Command::AcceptTerms { .. }
        | Command::EndNegotiation { .. } => boards::command_json(command),
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
        Command::WithdrawAll => "withdraw_all",
        Command::Halt { .. } => "halt",
        Command::LineLost { .. } => "line_lost",
        Command::ClearAuction { .. } => "clear_auction",
        Command::ProposeSolution { .. } => "propose_solution",
        Command::AcceptAward { .. } => "accept_award",
        Command::DeclineAward { .. } => "decline_award",
        Command::PublishReferencePrice { .. } => "publish_reference_price",
        Command::ReportDelivery { .. } => "report_delivery",
        Command::PostEntry { .. } => "post_entry",
        Command::ReplaceEntry { .. } => "replace_entry",
        Command::WithdrawEntry { .. } => "withdraw_entry",
        Command::JoinGroup { .. } => "join_group",
        Command::LeaveGroup { .. } => "leave_group",
        Command::CallRound { .. } => "call_round",
        Command::ProposeDeals { .. } => "propose_deals",
        Command::Negotiate { .. } => "negotiate",
        Command::CounterTerms { .. } => "counter_terms",
        Command::AcceptTerms { .. } => "accept_terms",
        Command::EndNegotiation { .. } => "end_negotiation",
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
        Event::LineLost { identity, participant } => {
            ("line_lost", json!({ "identity": identity.0, "participant": participant.0 }))
        }
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
                "draw": result.draw.map(draw_json),
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
        Event::EntitlementGranted { entitlement, terms } => {
            let mut object = entitlement_json(terms);
            object["entitlement"] = entitlement.0.into();
            ("entitlement_granted", object)
        }
        Event::EntitlementNovated { entitlement, from, to } => {
            ("entitlement_novated", json!({ "entitlement": entitlement.0, "from": from.0, "to": to.0 }))
        }
        Event::EntitlementTerminated { entitlement, holder, last, released } => (
            "entitlement_terminated",
            json!({
                "entitlement": entitlement.0,
                "holder": holder.0,
                "last": last.to_string(),
                "released": money_json(*released),
            }),
        ),
        Event::UpsideShared { entitlement, holder, from } => (
            "upside_shared",
            json!({ "entitlement": entitlement.0, "holder": holder.0, "from": from.to_string() }),
        ),
        Event::ReferencePricePublished { index, day, revision, version, observation } => {
            let mut object = observation_json(observation);
            object["index"] = index.0.into();
            object["day"] = day.to_string().into();
            object["revision"] = (*revision).into();
            object["version"] = version.0.into();
            ("reference_price_published", object)
        }
        Event::ReferencePriceHeld { index, day, publisher, observation, before } => {
            let mut object = observation_json(observation);
            object["index"] = index.0.into();
            object["day"] = day.to_string().into();
            object["publisher"] = publisher.0.into();
            object["before"] = before.to_string().into();
            ("reference_price_held", object)
        }
        Event::DeliveryReported { entitlement, holder, day, revision, version, delivery } => {
            let mut object = delivery_json(delivery);
            object["entitlement"] = entitlement.0.into();
            object["holder"] = holder.0.into();
            object["day"] = day.to_string().into();
            object["revision"] = (*revision).into();
            object["version"] = version.0.into();
            ("delivery_reported", object)
        }
        Event::SettlementRunCompleted { run } => (
            "settlement_run_completed",
            json!({
                "floor": run.floor.0,
                "period": period_json(run.period),
                "run": run.number,
                "version": run.version.0,
                "day": run.day.to_string(),
                "index": run.index.0,
                "reference_price": limit_json(run.reference_price),
                "lines": run.lines.iter().map(line_json).collect::<Vec<_>>(),
                "posted": money_json(run.posted),
                "free": money_json(run.free),
                "reserved": money_json(run.reserved),
            }),
        ),
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
        | Event::Posted { .. } => money::named_event(event),
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
        | Event::DealShared { .. } => boards::named_event(event),
    }
}

fn entitlement_json(terms: &Entitlement) -> Value {
    json!({
        "floor": terms.floor.0,
        "holder": terms.holder.0,
        "strike": terms.strike.to_string(),
        "per_period": terms.per_period.to_string(),
        "first": terms.first.to_string(),
        "last": terms.last.to_string(),
        "upside_from": terms.upside_from.map(|from| from.to_string()),
        "deal": terms.deal.map(|deal| deal.to_string()),
        "reserved": money_json(terms.reserved),
    })
}

fn observation_json(observation: &Observation) -> Value {
    json!({
        "price": observation.price.to_string(),
        "volume": observation.volume.map(|volume| volume.to_string()),
        "source": observation.source.as_ref().map(Name::as_str),
    })
}

fn delivery_json(delivery: &Delivery) -> Value {
    json!({
        "sold": delivery.sold.to_string(),
        "from_stock": delivery.from_stock.to_string(),
        "stockpiled": delivery.stockpiled.to_string(),
        "destination": delivery.destination.map(|country| country.to_string()),
        "evidence": delivery.evidence.map(|digest| digest.to_string()),
    })
}

pub(crate) fn period_json(period: Period) -> Value {
    json!({ "first": period.first.to_string(), "last": period.last.to_string() })
}

/// Which part of the payoff a settlement line is.
const fn payoff_rule(rule: PayoffRule) -> &'static str {
    match rule {
        PayoffRule::Support => "support",
        PayoffRule::Upside => "upside",
        PayoffRule::UpsideCapped => "upside-capped",
        PayoffRule::Both => "both",
        PayoffRule::Between => "between",
        PayoffRule::Suspended => "suspended",
        PayoffRule::NoVolume => "no-volume",
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

pub(super) fn winning_limit_json(limit: WinningLimit) -> Value {
    match limit {
        WinningLimit::At(limit) => limit.to_string(),
        WinningLimit::Nowhere => "nowhere".to_owned(),
        WinningLimit::NotLookedFor => "not-looked-for".to_owned(),
    }
    .into()
}

fn draw_json(draw: Draw) -> Value {
    json!({
        "secret": draw.secret.to_string(),
        "bids": draw.bids.to_string(),
        "seed": draw.seed().to_string(),
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

pub(crate) fn line_json(line: &SettlementLine) -> Value {
    json!({
        "entitlement": line.entitlement.0,
        "holder": line.holder.0,
        "strike": line.strike.to_string(),
        "reference_price": limit_json(line.reference_price),
        "delivered": line.delivered.to_string(),
        "quantity": line.quantity.to_string(),
        "rule": payoff_rule(line.rule),
        "amount": money_json(line.amount),
        "remainder": money_json(line.remainder),
        "delta": money_json(line.delta),
        "interest": money_json(line.interest),
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
                "currency": terms.currency.map(Currency::code),
                "publisher": terms.publisher.0,
                "guard": terms.guard.map(|guard| guard.to_string()),
            }),
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
        | Action::SetStressPrice { .. } => money::named_action(action),
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
        Action::GrantEntitlement { floor, holder, per_period } => (
            "grant_entitlement",
            json!({ "floor": floor.0, "holder": holder.0, "per_period": per_period.to_string() }),
        ),
        Action::NovateEntitlement { entitlement, to } => {
            ("novate_entitlement", json!({ "entitlement": entitlement.0, "to": to.0 }))
        }
        Action::TerminateEntitlement { entitlement, last } => {
            ("terminate_entitlement", json!({ "entitlement": entitlement.0, "last": last.to_string() }))
        }
        Action::ShareUpside { entitlement, from } => {
            ("share_upside", json!({ "entitlement": entitlement.0, "from": from.to_string() }))
        }
        Action::ReleaseReferencePrice { index, day, observation } => {
            let mut object = observation_json(observation);
            object["index"] = index.0.into();
            object["day"] = day.to_string().into();
            ("release_reference_price", object)
        }
        Action::Settle { floor, period, version } => {
            ("settle", json!({ "floor": floor.0, "period": period.to_string(), "version": version.0 }))
        }
        Action::ChangeRules { version } => ("change_rules", json!({ "version": version })),
        Action::OpenBoard { .. }
        | Action::PostStockEntry { .. }
        | Action::WithdrawStockEntry { .. }
        | Action::GrantOnDeal { .. } => boards::named_action(action),
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
        "contract": serde_json::to_value(&terms.contract).expect("terms have names and texts alone"),
    })
}

fn auction_json(terms: &AuctionTerms) -> Value {
    let mut object = match terms.kind {
        AuctionKind::Call { market, stock } => json!({
            "kind": "call",
            "market": market.0,
            "stock": stock.map(|order| money::order_json(&order)),
        }),
        AuctionKind::Purchase { market, programme, quantity, worst_sale } => json!({
            "kind": "purchase",
            "market": market.0,
            "programme": programme.0,
            "quantity": quantity.to_string(),
            "worst_sale": worst_sale.to_string(),
        }),
        AuctionKind::Sale { purchase } => json!({ "kind": "sale", "purchase": purchase.0 }),
        AuctionKind::Support { floor, per_period } => {
            json!({ "kind": "support", "floor": floor.0, "per_period": per_period.to_string() })
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
    object["draw_commitment"] = terms.draw_commitment.map(|commitment| commitment.to_string()).into();
    object
}

pub(crate) fn money_json(amount: Money) -> Value {
    sum_json(amount.millionths.into(), amount.currency)
}

/// An amount, or a sum of amounts that may be more than one can be, with all decimals of its currency's minor unit.
pub(crate) fn sum_json(millionths: i128, currency: Currency) -> Value {
    json!({ "amount": sum(millionths, currency), "currency": currency.code() })
}
