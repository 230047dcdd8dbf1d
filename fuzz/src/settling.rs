//! The `settle` target: bytes as the terms of a contract, and what it is settled on.
//!
//! An even first byte settles the payoff alone, on numbers of any size; an odd one a contract on an exchange, with prices, deliveries
//! and runs in any order. What a line is worth is worked out again here, in one formula.

use std::collections::{BTreeMap, BTreeSet};

use golv_engine::cfd::{
    Averaging, ContractTerms, Delivery, Indexation, Measure, Payoff, PayoffRule, PeriodFacts, ReferenceRule,
    Settled, SettlementLine, SettlementRun, Suspension, Unsettled, Upside, VolumeRule, YearToDate,
};
use golv_engine::command::{Action, Command};
use golv_engine::digest::Digest;
use golv_engine::event::Event;
use golv_engine::id::{DataVersion, EntitlementId, FloorId, ParticipantId};
use golv_engine::num::{Amount, Currency, HalfWay, Price, Quantity, Share};
use golv_engine::time::{Calendar, Day};

use crate::bytes::{Bytes, write_number};
use crate::world::{
    CONSUMER_PRICES, GUARDED, INDEX, OPERATORS, PROGRAMME, SUPPLIERS, World, dollars, floor_terms, parsed,
    quantity,
};

/// More than this many periods are not settled alone, nor more steps made on an exchange.
const MOST_STEPS: usize = 48;

/// The floor that a case sets.
const OWN: FloorId = FloorId(9);

/// Price × quantity × share, each in millionths, has so many parts to a millionth of money.
const SCALE: i128 = 1_000_000_000_000;

const CURRENCIES: [Currency; 3] = [Currency::Usd, Currency::Jpy, Currency::Eur];
const CALENDARS: [Calendar; 3] = [Calendar::Monthly, Calendar::Quarterly, Calendar::Daily];

/// Any bytes as terms and what they are settled on: amounts are what the formula says, or refused with a reason where they do not fit;
/// caps of a year hold; runs add up, can be made again, and post nothing when they are repeated.
pub fn settle(input: &[u8]) {
    let mut bytes = Bytes::of(input);
    if bytes.byte().is_multiple_of(2) { alone(&mut bytes) } else { on_an_exchange(&mut bytes) }
}

fn share(bytes: &mut Bytes<'_>) -> Share {
    // Whole and nothing are kinds of their own.
    let millionths = match bytes.byte() % 4 {
        0 => 1_000_000,
        1 => 0,
        _ => bytes.number().unsigned_abs() % 1_000_001,
    };
    Share::from_millionths(u32::try_from(millionths).expect("no more than a million")).expect("not above one")
}

fn any_quantity(bytes: &mut Bytes<'_>) -> Quantity {
    Quantity::from_millionths(bytes.number().saturating_abs()).expect("not negative")
}

fn payoff(bytes: &mut Bytes<'_>, minor_unit: i64, price: fn(&mut Bytes<'_>) -> Price) -> Payoff {
    let has = bytes.byte();
    let support = share(bytes);
    let upside = (has & 1 != 0).then(|| Upside {
        above: (has & 2 != 0).then(|| price(bytes)),
        share: share(bytes),
        annual_cap: (has & 4 != 0).then(|| {
            let cap = i64::from(bytes.byte()) << (bytes.byte() % 24);
            Amount::from_millionths(cap * minor_unit).expect("not negative")
        }),
        condition: (has & 8 != 0).then(|| parsed("full production")),
    });
    Payoff {
        support,
        upside,
        minimum: (has & 16 != 0).then(|| price(bytes)),
        suspension: bytes.one_of(&[Suspension::Never, Suspension::Negative, Suspension::NotPositive]),
        annual_volume: (has & 32 != 0).then(|| any_quantity(bytes)),
    }
}

fn any_price(bytes: &mut Bytes<'_>) -> Price {
    Price::from_millionths(bytes.number())
}

/// What of a year was used up, as the formula says.
#[derive(Clone, Copy, Default)]
struct Used {
    year: i32,
    volume: i128,
    upside: i128,
}

fn alone(bytes: &mut Bytes<'_>) {
    let currency = bytes.one_of(&CURRENCIES);
    let calendar = bytes.one_of(&CALENDARS);
    let payoff = payoff(bytes, currency.minor_unit(), any_price);
    let (mut year, mut used) = (YearToDate::default(), Used::default());
    let mut day = Day::new(2019, 1, 1).expect("a day");
    for _ in 0..MOST_STEPS {
        if bytes.is_empty() {
            break;
        }
        let has = bytes.byte();
        let period = calendar.period(day);
        let facts = PeriodFacts {
            period,
            strike: any_price(bytes),
            reference_price: (has & 1 == 0).then(|| any_price(bytes)),
            quantity: any_quantity(bytes),
            is_upside_shared: has & 2 == 0,
        };
        let before = year;
        let settled = payoff.settle(&mut year, &facts, currency);
        let expected = expected(&payoff, &mut used, &facts, currency);
        match (settled, expected) {
            (Ok(settled), Some(Ok(exact))) => {
                assert!(is_rounded(&settled, exact, currency), "{payoff:?} {facts:?} {settled:?} {exact}");
            }
            (Err(unsettled), Some(Err(expected))) => assert_eq!(unsettled, expected, "{payoff:?} {facts:?}"),
            // The formula here needs more room than there is.
            (_, None) => return,
            (settled, expected) => panic!("{payoff:?} {facts:?}: {settled:?} and not {expected:?}"),
        }
        if settled.is_err() {
            assert_eq!(year, before, "what cannot be settled uses nothing up");
        }
        // Sometimes months later.
        let next = Day::try_from(period.last.number() + 1 + i32::from(has >> 2)).expect("in reach");
        day = next;
    }
}

/// What a period is worth exactly, in 10⁻¹² of a millionth; or why it cannot be settled; or `None` where that does not fit here.
fn expected(
    payoff: &Payoff,
    used: &mut Used,
    facts: &PeriodFacts,
    currency: Currency,
) -> Option<Result<i128, Unsettled>> {
    let is_suspended = facts.reference_price.is_some_and(|price| match payoff.suspension {
        Suspension::Never => false,
        Suspension::Negative => price.millionths() < 0,
        Suspension::NotPositive => price.millionths() <= 0,
    });
    let mut left = if used.year == facts.period.first.year() { *used } else { Used::default() };
    left.year = facts.period.first.year();
    let mut volume = i128::from(facts.quantity.millionths());
    if is_suspended && volume > 0 {
        *used = left;
        return Some(Ok(0));
    }
    if let Some(most) = payoff.annual_volume {
        volume = volume.min(i128::from(most.millionths()) - left.volume).max(0);
        left.volume += volume;
    }
    if volume == 0 {
        *used = left;
        return Some(Ok(0));
    }
    let Some(price) = facts.reference_price else { return Some(Err(Unsettled::NoReferencePrice)) };
    let price = payoff.minimum.map_or(price, |least| least.max(price));
    let upside = payoff.upside.as_ref().filter(|_| facts.is_upside_shared);
    let above = upside.and_then(|upside| upside.above).unwrap_or(facts.strike);
    let upside_share = upside.map_or(Share::NONE, |upside| upside.share);
    let gap = |from: Price, to: Price, share: Share| {
        let gap = i128::from(to.millionths()) - i128::from(from.millionths());
        if share.is_zero() { 0 } else { gap.max(0) }
    };
    let gaps = [gap(price, facts.strike, payoff.support), gap(above, price, upside_share)];
    // A difference of prices is a price.
    if gaps.iter().any(|gap| i64::try_from(*gap).is_err()) {
        return Some(Err(Unsettled::TooLarge));
    }
    let leg = |gap: i128, share: Share| gap.checked_mul(volume)?.checked_mul(share.millionths().into());
    let support = leg(gaps[0], payoff.support)?;
    let mut given = 0;
    if let Some(upside) = upside {
        given = leg(gaps[1], upside.share)?;
        if let Some(cap) = upside.annual_cap {
            given = given.min((i128::from(cap.millionths()) - left.upside) * SCALE);
            let cents = round(given, SCALE * i128::from(currency.minor_unit()));
            left.upside += cents * i128::from(currency.minor_unit());
        }
    }
    let exact = support.checked_sub(given)?;
    let minor_unit = i128::from(currency.minor_unit());
    let amount = round(exact, SCALE * minor_unit) * minor_unit;
    if i64::try_from(amount).is_err() {
        return Some(Err(Unsettled::TooLarge));
    }
    *used = left;
    Some(Ok(exact))
}

/// Half to even.
fn round(numerator: i128, denominator: i128) -> i128 {
    let (floor, rest) = (numerator.div_euclid(denominator), numerator.rem_euclid(denominator));
    let is_up = rest > denominator - rest || (rest == denominator - rest && floor % 2 != 0);
    floor + i128::from(is_up)
}

/// Whether an amount is the exact one in whole minor units, and what is left the rest of it.
fn is_rounded(settled: &Settled, exact: i128, currency: Currency) -> bool {
    let minor_unit = i128::from(currency.minor_unit());
    let amount = round(exact, SCALE * minor_unit) * minor_unit;
    let remainder = round(exact - amount * SCALE, SCALE);
    (i128::from(settled.amount.millionths), i128::from(settled.remainder.millionths)) == (amount, remainder)
        && settled.amount.currency == currency
}

/// A price around that of the floor, with thousandths.
fn near_price(bytes: &mut Bytes<'_>) -> Price {
    let [units, thousandths] = [bytes.byte(), bytes.byte()].map(i64::from);
    Price::from_millionths((units * 4 - 50) * 1_000_000 + thousandths * 1_000)
}

fn terms(bytes: &mut Bytes<'_>) -> ContractTerms {
    let has = bytes.byte();
    let currency = Currency::Usd;
    let mut payoff = payoff(bytes, currency.minor_unit(), near_price);
    // Mostly what a year of deliveries can pass.
    payoff.annual_volume = payoff.annual_volume.and_then(|_| Quantity::from_units(bytes.byte().into()));
    let measure = if has & 1 == 0 { Measure::Fixed } else { Measure::Metered };
    let averaging = [Averaging::Simple, Averaging::VolumeWeighted, Averaging::DeliveryWeighted];
    let indexation = (has & 2 != 0).then(|| Indexation {
        index: CONSUMER_PRICES,
        base_value: near_price(bytes),
        from_month: bytes.byte() % 14,
        value_month: bytes.byte() % 14,
        unit: Price::from_millionths(i64::from(bytes.byte()) * 10_000),
        rounding: bytes.one_of(&[HalfWay::Even, HalfWay::Up]),
    });
    ContractTerms {
        calendar: bytes.one_of(&CALENDARS),
        payoff,
        reference: ReferenceRule {
            averaging: bytes.one_of(&averaging),
            least_observations: u32::from(has >> 2) % 4,
            fallback: (has & 16 != 0).then_some(GUARDED),
        },
        volume: VolumeRule {
            measure,
            destinations: if has & 32 == 0 { Vec::new() } else { vec![parsed("DE")] },
            evidence: has & 64 != 0,
        },
        indexation,
        interest: (has & 128 != 0).then(|| share(bytes)),
    }
}

fn on_an_exchange(bytes: &mut Bytes<'_>) {
    let contract = terms(bytes);
    let mut world = World::furnished();
    let (programme, funder, amount) = (PROGRAMME, parsed("Treasury"), dollars(300_000));
    world.agree(Action::FundProgramme { programme, funder, amount }).expect("a payment");
    if world.agree(Action::SetFloor { floor: OWN, terms: floor_terms(contract.clone()) }).is_err() {
        world.finish();
        return;
    }
    for supplier in &SUPPLIERS[..2] {
        let per_period = quantity(u32::from(bytes.byte() % 64) + 1);
        let holder = ParticipantId(supplier.0);
        // The programme may lack the money.
        let _ = world.agree(Action::GrantEntitlement { floor: OWN, holder, per_period });
    }
    // Its first month has begun.
    world.pass(35 * 24 * 3_600);
    for _ in 0..MOST_STEPS {
        if bytes.is_empty() {
            break;
        }
        step(&mut world, bytes);
    }
    check_runs(&world, &contract);
    repeat_last(&mut world);
    world.finish();
}

/// A day of 2019 or not long after.
fn day(bytes: &mut Bytes<'_>) -> Day {
    let first: Day = parsed("2019-01-01");
    let [near, far] = [bytes.byte(), bytes.byte()];
    Day::try_from(first.number() + i32::from(near % 100) + 31 * (i32::from(far) / 16)).expect("in reach")
}

fn step(world: &mut World, bytes: &mut Bytes<'_>) {
    let entitlements: Vec<EntitlementId> = world
        .events
        .iter()
        .filter_map(|event| match event {
            Event::EntitlementGranted { entitlement, .. } => Some(*entitlement),
            _ => None,
        })
        .collect();
    let kind = bytes.byte() % 16;
    let entitlement =
        usize::from(bytes.byte()).checked_rem(entitlements.len()).map(|place| entitlements[place]);
    let entitlement = entitlement.unwrap_or(EntitlementId(1));
    let supplier = ParticipantId(SUPPLIERS[usize::from(bytes.byte()) % SUPPLIERS.len()].0);
    // What is refused changes nothing, which is looked at where it is sent.
    let _: Result<(), golv_engine::reject::Reject> = match kind {
        0..=3 => {
            let index = bytes.one_of(&[INDEX, INDEX, GUARDED, CONSUMER_PRICES]);
            world.publish(index, day(bytes), near_price(bytes)).map(drop)
        }
        4..=6 => {
            let [sold, from_stock, stockpiled, said] = [(); 4].map(|()| bytes.byte());
            let delivery = Delivery {
                sold: quantity(sold.into()),
                from_stock: quantity(u32::from(from_stock).saturating_sub(200)),
                stockpiled: quantity(u32::from(stockpiled).saturating_sub(200)),
                destination: [None, "DE".parse().ok(), "FR".parse().ok()][usize::from(said % 3)],
                evidence: (said >= 64).then_some(Digest([said; 32])),
            };
            let report = Command::ReportDelivery { entitlement, day: day(bytes), delivery };
            world.send(OPERATORS[0], report).map(drop)
        }
        7..=10 => {
            let older = u64::from(bytes.byte()).saturating_sub(200);
            let version = DataVersion(world.exchange.data_version().0.saturating_sub(older));
            world.agree(Action::Settle { floor: OWN, period: day(bytes), version })
        }
        11 => {
            let to = world.now.plus_seconds(u32::from(bytes.byte()) * 24 * 3_600).expect("in reach");
            world.send(OPERATORS[0], Command::SetClock { to }).map(drop)
        }
        12 => world.agree(Action::NovateEntitlement { entitlement, to: supplier }),
        13 => {
            let last = Calendar::Monthly.period(day(bytes)).last;
            world.agree(Action::TerminateEntitlement { entitlement, last })
        }
        14 => world.agree(Action::ShareUpside { entitlement, from: day(bytes) }),
        _ => {
            let amount = dollars(i64::from(bytes.byte()) * 100);
            let funder = parsed("Treasury");
            match bytes.byte() % 3 {
                0 => world.agree(Action::FundProgramme { programme: PROGRAMME, funder, amount }),
                1 => world.agree(Action::TakePayment { participant: Some(supplier), amount }),
                _ => world.agree(Action::PayOut { participant: Some(supplier), amount }),
            }
        }
    };
}

fn runs(world: &World) -> impl Iterator<Item = &SettlementRun> {
    world.events.iter().filter_map(|event| match event {
        Event::SettlementRunCompleted { run } if run.floor == OWN => Some(run),
        _ => None,
    })
}

/// What must hold of all runs that were made.
fn check_runs(world: &World, contract: &ContractTerms) {
    // Of each entitlement and period the newest line, and what its lines posted.
    let mut newest: BTreeMap<(EntitlementId, Day), (SettlementLine, i128)> = BTreeMap::new();
    for run in runs(world) {
        let posted: i128 =
            run.lines.iter().map(|line| i128::from(line.delta.millionths + line.interest.millionths)).sum();
        assert_eq!(posted, run.posted.millionths.into(), "{run:?}");
        let again = world.exchange.settlement_as_of(OWN, run.period.first, run.version);
        let again = again.expect("it was settled on these data");
        let is_as = |(line, again): (&SettlementLine, &SettlementLine)| line.is_as(again);
        assert!(
            again.len() == run.lines.len() && run.lines.iter().zip(&again).all(is_as),
            "{run:?} {again:?}"
        );
        for line in &run.lines {
            assert!(is_right(line, contract), "{line:?} {contract:?}");
            let (amount, sum) = newest.entry((line.entitlement, run.period.first)).or_insert((*line, 0));
            *sum += i128::from(line.delta.millionths);
            *amount = *line;
            assert_eq!(*sum, line.amount.millionths.into(), "differences sum to the newest amount: {run:?}");
        }
    }
    let (mut given, mut volumes) = (BTreeMap::new(), BTreeMap::new());
    for ((entitlement, first), (line, _)) in newest {
        let year = (entitlement, first.year());
        if line.rule != PayoffRule::Both {
            *given.entry(year).or_insert(0) -= i128::from(line.amount.millionths.min(0));
        }
        *volumes.entry(year).or_insert(0) += i128::from(line.quantity.millionths());
    }
    let cap = contract.payoff.upside.as_ref().and_then(|upside| upside.annual_cap);
    let most = cap.map_or(i128::MAX, |cap| cap.millionths().into());
    assert!(given.values().all(|given| *given <= most), "{given:?} {contract:?}");
    let most = contract.payoff.annual_volume.map_or(i128::MAX, |most| most.millionths().into());
    assert!(volumes.values().all(|volume| *volume <= most), "{volumes:?} {contract:?}");
    // Statements of all days tell what was posted.
    let days: BTreeSet<Day> = runs(world).map(|run| run.day).collect();
    let told = |supplier: &golv_engine::id::IdentityId| -> i128 {
        let of_day = |day: &Day| world.exchange.statements(ParticipantId(supplier.0), *day);
        let own = days.iter().flat_map(of_day).flat_map(|statement| statement.lines);
        let own = own.filter(|posted| posted.floor == OWN);
        own.map(|posted| i128::from(posted.line.delta.millionths + posted.line.interest.millionths)).sum()
    };
    let posted: i128 = runs(world).map(|run| i128::from(run.posted.millionths)).sum();
    assert_eq!(SUPPLIERS.iter().map(told).sum::<i128>(), posted);
}

/// Whether a line is what the formula says, where no cap of a year cut it.
fn is_right(line: &SettlementLine, contract: &ContractTerms) -> bool {
    let currency = line.amount.currency;
    let payoff = &contract.payoff;
    let is_floor = payoff.upside.is_none() && line.amount.millionths < 0;
    let settled =
        Settled { quantity: line.quantity, rule: line.rule, amount: line.amount, remainder: line.remainder };
    match (line.rule, line.reference_price) {
        _ if is_floor => false,
        (PayoffRule::Suspended | PayoffRule::NoVolume, _) => {
            line.amount.is_zero() && line.remainder.is_zero() && line.quantity.is_zero()
        }
        (PayoffRule::UpsideCapped, Some(_)) => line.amount.millionths <= 0,
        (_, None) => false,
        (rule, reference_price) => {
            let upside = payoff.upside.clone();
            let upside = upside.map(|upside| Upside { annual_cap: None, ..upside });
            let uncapped = Payoff { upside, annual_volume: None, ..payoff.clone() };
            // Where it is not shared there is no such line; between, it makes no difference whether it would be.
            let is_upside_shared = matches!(rule, PayoffRule::Upside | PayoffRule::Both);
            let period = Calendar::Monthly.period(parsed("2019-01-01"));
            let (strike, quantity) = (line.strike, line.quantity);
            let facts = PeriodFacts { period, strike, reference_price, quantity, is_upside_shared };
            let Some(Ok(exact)) = expected(&uncapped, &mut Used::default(), &facts, currency) else {
                return false;
            };
            // Of both, what the party gives may be cut.
            let is_cut = rule == PayoffRule::Both && payoff.has_annual_caps();
            is_rounded(&settled, exact, currency)
                || (is_cut && i128::from(line.amount.millionths) * SCALE > exact)
        }
    }
}

/// The newest run, made again on the same data, posts nothing.
fn repeat_last(world: &mut World) {
    let Some(SettlementRun { period, version, number, .. }) = runs(world).last().cloned() else { return };
    let happened = world.events.len();
    // On older data than the floor was settled on it is refused.
    if world.agree(Action::Settle { floor: OWN, period: period.first, version }).is_err() {
        return;
    }
    let events = world.events[happened..].iter();
    let mut repeated = events.filter_map(|event| match event {
        Event::SettlementRunCompleted { run } => Some(run),
        _ => None,
    });
    let run = repeated.next().expect("it was made again");
    assert_eq!((run.period, run.number), (period, number + 1));
    assert!(run.posted.is_zero() && run.lines.iter().all(|line| line.delta.is_zero()), "{run:?}");
    assert_eq!(repeated.next(), None, "no other period has changed");
}

/// Seeds, by their names: the contracts that come with the engine, each in some months of 2019, and payoffs alone.
pub fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    const WHOLE: &[u8] = &[0];
    let part = |millionths: i64| {
        let mut bytes = vec![2];
        write_number(millionths, &mut bytes);
        bytes
    };
    let [january, february, march] = [30, 58, 89];
    let clock: &[u8] = &[11, 0, 0, 200];
    // Prices are these times 4, less 50; the strike is 500.
    let told = |day: u8, units: u8| [0, 0, 0, 0, day, 0, units, 0];
    let sold = |entitlement: u8, day: u8, units: u8| [4, entitlement, 0, units, 0, 0, 64, day, 0];
    let settle = |day: u8| [7, 0, 0, 0, day, 0];
    let later = |steps: &[&[u8]]| [&[9, 9], clock, &steps.concat()].concat();
    let floor = later(&[
        &told(january, 125),
        &settle(january),
        &told(january, 120),
        &settle(january),
        &told(february, 150),
        &settle(february),
    ]);
    let both = later(&[&told(january, 150), &settle(january), &told(february, 100), &settle(february)]);
    let mut months = Vec::new();
    for day in [january, february, march] {
        months.extend(sold(0, day, 10));
        months.extend(sold(1, day, 20));
        months.extend(told(day, 187));
        months.extend(settle(day));
    }
    months.extend(sold(0, january, 4));
    months.extend(settle(january));
    let quarter = later(&[&told(january, 187), &told(march, 187), &settle(march)]);
    // Reads: which terms, which parts of the payoff, their numbers, suspension, calendar, averaging.
    let upside =
        [&[1 | 128, 7][..], WHOLE, &[150, 0], &part(300_000), &[100, 10, 0, 0, 0], &part(40_000)].concat();
    // An upside without a threshold of its own but with a cap, a least price, a volume of the year.
    let mut alone = vec![0, 0, 0, 1 | 4 | 16 | 32];
    alone.extend(part(900_000));
    alone.extend(part(500_000));
    alone.extend([200, 14]);
    write_number(-20_000_000, &mut alone);
    alone.push(1);
    write_number(90_000_000, &mut alone);
    for (strike, reference_price, volume) in [(110, 100, 40), (110, 160, 30), (110, -30, 9), (120, 121, 50)] {
        alone.push(0);
        for units in [strike, reference_price, volume] {
            write_number(units * 1_000_000, &mut alone);
        }
    }
    vec![
        ("floor", [&[1, 0, 0][..], WHOLE, &[0, 0, 0], &floor].concat()),
        ("two-way", [&[1, 0, 1][..], WHOLE, WHOLE, &[0, 0, 0], &both].concat()),
        ("collar", [&[1, 0, 3][..], WHOLE, &[160, 0], WHOLE, &[0, 1, 0], &quarter].concat()),
        ("floor-with-upside", [&[1][..], &upside, &later(&[&months])].concat()),
        ("alone", alone),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corpus(name: &str) -> Vec<u8> {
        let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/settle");
        std::fs::read(corpus.join(name)).expect("a seed")
    }

    /// The seeds reach runs, corrections, and both signs.
    #[test]
    fn seeds_are_settled() {
        let mut rules = BTreeSet::new();
        let mut corrected = false;
        for name in ["floor", "two-way", "collar", "floor-with-upside"] {
            let input = corpus(name);
            let mut bytes = Bytes::of(&input[1..]);
            let contract = terms(&mut bytes);
            let mut world = World::furnished();
            world.agree(Action::SetFloor { floor: OWN, terms: floor_terms(contract) }).expect("terms");
            let holder = ParticipantId(SUPPLIERS[0].0);
            for _ in 0..2 {
                let per_period = quantity(u32::from(bytes.byte() % 64) + 1);
                world.agree(Action::GrantEntitlement { floor: OWN, holder, per_period }).expect("money");
            }
            world.pass(35 * 24 * 3_600);
            while !bytes.is_empty() {
                step(&mut world, &mut bytes);
            }
            for run in runs(&world) {
                rules.extend(run.lines.iter().map(|line| format!("{:?}", line.rule)));
                corrected |= run.number > 1 && run.lines.iter().any(|line| !line.delta.is_zero());
            }
        }
        for rule in ["Support", "Upside", "UpsideCapped", "Between"] {
            assert!(rules.contains(rule), "{rule}: {rules:?}");
        }
        assert!(corrected);
    }

    /// A line of another amount, or that takes from a holder of a floor, would be found.
    #[test]
    fn a_wrong_line_is_found() {
        let contract = ContractTerms::monthly_floor();
        let money = |millionths| golv_engine::num::Money { currency: Currency::Usd, millionths };
        let line = SettlementLine {
            entitlement: EntitlementId(1),
            holder: ParticipantId(1),
            strike: Price::from_millionths(500_000_000),
            reference_price: Some(Price::from_millionths(400_000_000)),
            delivered: quantity(2),
            quantity: quantity(2),
            rule: PayoffRule::Support,
            amount: money(200_000_000),
            remainder: money(0),
            delta: money(0),
            interest: money(0),
        };
        assert!(is_right(&line, &contract));
        assert!(!is_right(&SettlementLine { amount: money(200_010_000), ..line }, &contract));
        assert!(!is_right(&SettlementLine { amount: money(-200_000_000), ..line }, &contract));
        assert!(!is_right(&SettlementLine { remainder: money(1), ..line }, &contract));
    }
}
