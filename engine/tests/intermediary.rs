//! Double auctions with a public intermediary: a programme buys, sells again, and pays the gap.

use crate::common::*;
use golv_engine::auction::{AuctionKind, AuctionResult, AuctionTerms, StackTerms, exposure};
use golv_engine::book::Side;
use golv_engine::clearing::{Payment, Rule};
use golv_engine::command::{Action, Command};
use golv_engine::event::Event;
use golv_engine::id::{AuctionId, IdentityId, ParticipantId};
use golv_engine::ledger::Account;
use golv_engine::num::{Currency, Money};
use golv_engine::reject::Reject;
use golv_engine::support::{Misfit, SupportRule};
use proptest::prelude::*;

const PURCHASE: AuctionId = AuctionId(11);
const SALE: AuctionId = AuctionId(12);

fn purchase(lots: u32) -> AuctionKind {
    AuctionKind::Purchase {
        market: MARKET,
        programme: PROGRAMME,
        quantity: quantity(lots),
        worst_sale: price(300),
    }
}

/// Each at its own price; what does not fit is skipped.
fn by_stack(budget: Option<&str>) -> StackTerms {
    let rule = SupportRule {
        payment: Payment::OwnPrice,
        misfit: Misfit::Skip,
        technologies: Vec::new(),
        limits: Vec::new(),
        ..stack().rule
    };
    let budget = budget.map(|budget| budget.parse().expect("an amount"));
    StackTerms { rule, budget, bond: None, acceptance_seconds: None }
}

fn announce(
    world: &mut World,
    auction: AuctionId,
    kind: AuctionKind,
    stack: Option<StackTerms>,
) -> Result<(), Reject> {
    let (opens_at, closes_at) = (world.now.plus_seconds(10), world.now.plus_seconds(hours(1)));
    let own_price = Rule { payment: Payment::OwnPrice, ..rule() };
    let terms = AuctionTerms {
        rule: stack.map_or(own_price.into(), Into::into),
        ..terms(kind, opens_at.expect("fits"), closes_at.expect("fits"))
    };
    world.try_agree(Action::AnnounceAuction { auction, terms })?;
    world.wait(10);
    Ok(())
}

fn finish(world: &mut World, auction: AuctionId) -> AuctionResult {
    world.wait(hours(1));
    world.send(OPERATORS[0], Command::ClearAuction { auction, secret: None }).expect("cleared");
    world.wait(hours(24));
    assert!(world.exchange.is_conserved());
    let result = world.events.iter().find_map(|event| match event {
        Event::AuctionCleared { auction: cleared, result, .. } if *cleared == auction => Some(result.clone()),
        _ => None,
    });
    result.expect("it was cleared")
}

fn money(world: &World, account: Account) -> i128 {
    world.exchange.ledger().balance(Currency::Usd, account) / 1_000_000
}

/// The published cap of H2Global's first lot: 397,000 t at EUR 1,000 cannot lose more than EUR 397 million.
/// Rules: R-AUC-092.
#[test]
fn exposure_is_price_less_the_worst_sale() {
    let lot = exposure(price(1_000), price(0), quantity(397_000), Currency::Eur).expect("fits");
    assert_eq!(lot.to_string(), "397000000 EUR");
    assert!(exposure(price(300), price(400), quantity(10), Currency::Eur).expect("fits").is_zero());
}

/// Rules: R-AUC-007, R-AUC-014, R-AUC-092, R-AUC-093, R-AUC-094, R-AUC-095.
#[test]
fn a_programme_buys_and_sells_and_pays_the_gap() {
    let mut world = World::furnished(100_000);
    // (1,000 − 300) × 60 at the worst.
    announce(&mut world, PURCHASE, purchase(60), Some(by_stack(None))).expect("announced");
    assert_eq!(money(&world, Account::ProgrammeReserved(PROGRAMME)), 42_000);
    assert_eq!(world.bid(BUYERS[0], PURCHASE, buy(400, 10)), Err(Reject::WrongSide));
    world.bid(SUPPLIERS[0], PURCHASE, sell(400, 40)).expect("accepted");
    world.bid(SUPPLIERS[1], PURCHASE, sell(420, 30)).expect("accepted");
    let bought = finish(&mut world, PURCHASE);
    // (400 − 300) × 40 + (420 − 300) × 20.
    assert_eq!(bought.reserved, Some(dollars(6_400)));
    assert_eq!(money(&world, Account::ProgrammeReserved(PROGRAMME)), 6_400);

    announce(&mut world, SALE, AuctionKind::Sale { purchase: PURCHASE }, None).expect("announced");
    let again = announce(&mut world, AuctionId(13), AuctionKind::Sale { purchase: PURCHASE }, None);
    assert_eq!(again, Err(Reject::SalePending));
    assert_eq!(world.bid(SUPPLIERS[2], SALE, sell(310, 10)), Err(Reject::WrongSide));
    world.bid(BUYERS[0], SALE, buy(380, 30)).expect("accepted");
    world.bid(BUYERS[1], SALE, buy(350, 20)).expect("accepted");
    world.bid(BUYERS[2], SALE, buy(290, 50)).expect("accepted");
    let sold = finish(&mut world, SALE);
    assert_eq!(sold.volume(), quantity(50));
    assert!(sold.fills.iter().all(|fill| fill.side == Side::Buy && fill.price >= price(300)));
    // Buyers pay 30 × 380 + 20 × 350, suppliers get 40 × 400 + 10 × 420.
    let settled = world.events.iter().find_map(|event| match event {
        Event::SaleSettled { gap, lines, .. } => Some((*gap, lines.len())),
        _ => None,
    });
    assert_eq!(settled, Some((dollars(1_800), 2)));
    assert_eq!(world.cents(SUPPLIERS[0]), 1_600_000);
    assert_eq!(world.cents(SUPPLIERS[1]), 420_000);
    assert_eq!(world.cents(BUYERS[0]), -1_140_000);
    // (420 − 300) × 10 are exposed yet.
    assert_eq!(money(&world, Account::ProgrammeReserved(PROGRAMME)), 1_200);
    assert_eq!(money(&world, Account::ProgrammeFree(PROGRAMME)), 100_000 - 1_800 - 1_200);

    // The rest is sold above cost, which no funder paid for.
    let rest = AuctionId(14);
    announce(&mut world, rest, AuctionKind::Sale { purchase: PURCHASE }, None).expect("announced");
    world.bid(BUYERS[2], rest, buy(450, 50)).expect("accepted");
    finish(&mut world, rest);
    assert_eq!(money(&world, Account::ProgrammeReserved(PROGRAMME)), 0);
    assert_eq!(money(&world, Account::ProgrammeFree(PROGRAMME)), 100_000 - 1_800);
    // Buyers have not paid yet.
    assert_eq!(money(&world, Account::Proceeds(PROGRAMME)), 0);
    for buyer in BUYERS {
        let amount = Money {
            currency: Currency::Usd,
            millionths: i64::try_from(-world.cents(buyer)).expect("fits") * 10_000,
        };
        world.agree(Action::TakePayment { participant: Some(ParticipantId(buyer.0)), amount });
    }
    assert_eq!(money(&world, Account::Proceeds(PROGRAMME)), 300);
    assert_eq!(money(&world, Account::Claims(ParticipantId(SUPPLIERS[0].0))), 0);
    let nothing = announce(&mut world, AuctionId(15), AuctionKind::Sale { purchase: PURCHASE }, None);
    assert_eq!(nothing, Err(Reject::NothingToSell));
}

/// Rules: R-AUC-004, R-AUC-093.
#[test]
fn what_makes_no_double_auction_is_refused() {
    let mut world = World::furnished(30_000);
    let short = announce(&mut world, PURCHASE, purchase(60), Some(by_stack(None)));
    assert_eq!(short, Err(Reject::ProgrammeShort { short: dollars(12_000) }));
    assert_eq!(announce(&mut world, PURCHASE, purchase(60), None), Err(Reject::PurchaseByStack));
    announce(&mut world, PURCHASE, purchase(60), Some(by_stack(Some("3000")))).expect("within the budget");
    let early = announce(&mut world, SALE, AuctionKind::Sale { purchase: PURCHASE }, None);
    assert_eq!(early, Err(Reject::NotAPurchase { auction: PURCHASE }));
    let itself = announce(&mut world, SALE, AuctionKind::Sale { purchase: SALE }, None);
    assert_eq!(itself, Err(Reject::UnknownAuction { auction: SALE }));
    world.bid(SUPPLIERS[0], PURCHASE, sell(400, 40)).expect("accepted");
    let bought = finish(&mut world, PURCHASE);
    assert_eq!(bought.reserved, Some(dollars(3_000)));
    let stack = announce(&mut world, SALE, AuctionKind::Sale { purchase: PURCHASE }, Some(by_stack(None)));
    assert_eq!(stack, Err(Reject::RuleKind));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// No programme pays more for the gap than it had reserved for what was sold, whatever is offered and bid; suppliers get
    /// what was agreed and buyers pay what they bid; and money is conserved.
    /// Rules: R-AUC-095.
    #[test]
    fn the_gap_never_exceeds_the_exposure(
        offers in prop::collection::vec((30_i64..60, 1_u32..30), 1..6),
        sales in prop::collection::vec(prop::collection::vec((20_i64..70, 1_u32..30), 0..5), 1..4),
    ) {
        let mut world = World::furnished(100_000);
        announce(&mut world, PURCHASE, purchase(60), Some(by_stack(None))).expect("announced");
        for (number, (tens, lots)) in offers.iter().enumerate() {
            world.bid(SUPPLIERS[number % 3], PURCHASE, sell(tens * 10, *lots)).expect("accepted");
        }
        let mut left = finish(&mut world, PURCHASE).volume().millionths();
        for (auction, bids) in (20..).map(AuctionId).zip(sales) {
            let reserved = money(&world, Account::ProgrammeReserved(PROGRAMME));
            let announced = announce(&mut world, auction, AuctionKind::Sale { purchase: PURCHASE }, None);
            if left == 0 {
                prop_assert_eq!(announced, Err(Reject::NothingToSell));
                break;
            }
            announced.expect("something is left");
            for (number, (tens, lots)) in bids.iter().enumerate() {
                world.bid(BUYERS[number % 3], auction, buy(tens * 10, *lots)).expect("accepted");
            }
            let result = finish(&mut world, auction);
            let gap = world.events.iter().rev().find_map(|event| match event {
                Event::SaleSettled { auction: settled, gap, sold, .. } if *settled == auction => Some((*gap, *sold)),
                _ => None,
            });
            let (gap, sold) = gap.expect("settled");
            left -= sold.millionths();
            prop_assert_eq!(result.volume(), sold);
            let after = money(&world, Account::ProgrammeReserved(PROGRAMME));
            prop_assert!(i128::from(gap.millionths / 1_000_000) <= reserved - after);
        }
        prop_assert!(left >= 0);
        let parties = SUPPLIERS.into_iter().chain(BUYERS).map(|party: IdentityId| world.cents(party));
        let programme = [Account::ProgrammeFree(PROGRAMME), Account::ProgrammeReserved(PROGRAMME), Account::Receivable(PROGRAMME)];
        let programme: i128 = programme.into_iter().map(|account| money(&world, account)).sum();
        prop_assert_eq!(parties.sum::<i128>() + programme * 100, 100_000 * 100);
    }
}
