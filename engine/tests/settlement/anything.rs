//! Whatever is told and asked in whatever order: random steps, and what must hold after any of them.

use super::*;

/// A day has one price.
fn least(calendar: Calendar) -> u32 {
    if calendar == Calendar::Daily { 1 } else { 2 }
}

/// A contract that asks for everything at once.
fn rich(calendar: Calendar, averaging: Averaging) -> ContractTerms {
    let capped = Upside { annual_cap: "700".parse().ok(), ..upside(Some(520), "0.35") };
    ContractTerms {
        calendar,
        payoff: Payoff {
            upside: Some(capped),
            minimum: Some(price(-20)),
            annual_volume: Some(quantity(150)),
            ..Payoff::floor()
        },
        reference: ReferenceRule { averaging, least_observations: least(calendar), fallback: Some(FALLBACK) },
        interest: Some(share("0.05")),
        ..metered()
    }
}

/// Something that is tried with the contract.
#[derive(Clone, Debug)]
enum Step {
    Publish(IndexId, i32, i64),
    Deliver(u32, i32, u32, u32),
    Settle(i32, u64),
    Wait(u32),
    Novate(u32, usize),
    Terminate(u32, i32),
}

fn a_step() -> impl Strategy<Value = Step> {
    // Days of 2019 and a little more, in thousandths of a unit so that cents break.
    let on = || prop_oneof![6 => 0_i32..100, 1 => 0_i32..740];
    prop_oneof![
        8 => (prop::sample::select(vec![DAILY, FALLBACK]), on(), -50_000_i64..700_000)
            .prop_map(|(index, on, thousandths)| Step::Publish(index, on, thousandths)),
        8 => (1_u32..3, on(), 0_u32..40, 0_u32..20).prop_map(|(id, on, sold, stock)| Step::Deliver(id, on, sold, stock)),
        6 => (on(), 0_u64..3).prop_map(|(on, older)| Step::Settle(on, older)),
        3 => (1_u32..hours(24 * 40)).prop_map(Step::Wait),
        1 => (1_u32..3, 0_usize..3).prop_map(|(id, to)| Step::Novate(id, to)),
        1 => (1_u32..3, 0_i32..24).prop_map(|(id, months)| Step::Terminate(id, months)),
    ]
}

fn on(number: i32) -> Day {
    Day::try_from(day("2019-01-01").number() + number).expect("a day")
}

fn try_step(world: &mut World, step: &Step) {
    // What is refused changes nothing, which other tests show.
    match *step {
        Step::Publish(index, number, thousandths) => {
            let price = Price::from_millionths(thousandths * 1_000);
            let _ = world.send(PUBLISHER, publish(index, on(number), price));
        }
        Step::Deliver(id, number, units, stock) => {
            let delivery = Delivery { stockpiled: quantity(stock), ..sold(units) };
            let _ = world.send(
                OPERATORS[0],
                Command::ReportDelivery { entitlement: EntitlementId(id), day: on(number), delivery },
            );
        }
        Step::Settle(number, older) => {
            let version = DataVersion(world.exchange.data_version().0.saturating_sub(older));
            let _ = world.try_agree(Action::Settle { floor: CONTRACTS, period: on(number), version });
        }
        Step::Wait(seconds) => world.wait(seconds),
        Step::Novate(id, to) => {
            let _ =
                world.try_agree(Action::NovateEntitlement { entitlement: EntitlementId(id), to: holder(to) });
        }
        Step::Terminate(id, months) => {
            let last = Calendar::Monthly.period(on(months * 31)).last;
            let _ = world.try_agree(Action::TerminateEntitlement { entitlement: EntitlementId(id), last });
        }
    }
}

/// What was told, as a list of facts: the twin looks everything up in it, from its end.
struct Facts<'a> {
    events: &'a [Event],
    calendar: Calendar,
    averaging: Averaging,
}

impl Facts<'_> {
    fn delivered(&self, id: EntitlementId, on: Day, version: DataVersion) -> i64 {
        let newest = self.events.iter().rev().find_map(|event| match event {
            Event::DeliveryReported { entitlement, day, version: at, delivery, .. }
                if *entitlement == id && *day == on && *at <= version =>
            {
                Some(delivery.sold.millionths() + delivery.stockpiled.millionths())
            }
            _ => None,
        });
        newest.unwrap_or(0)
    }

    fn price(&self, index: IndexId, on: Day, version: DataVersion) -> Option<i64> {
        self.events.iter().rev().find_map(|event| match event {
            Event::ReferencePricePublished { index: of, day, version: at, observation, .. }
                if *of == index && *day == on && *at <= version =>
            {
                Some(observation.price.millionths())
            }
            _ => None,
        })
    }

    fn days(period: Period) -> impl Iterator<Item = Day> {
        std::iter::successors(Some(period.first), |day| day.next()).take_while(move |day| *day <= period.last)
    }

    fn reference(&self, id: EntitlementId, period: Period, version: DataVersion) -> Option<i64> {
        [DAILY, FALLBACK].into_iter().find_map(|index| {
            let observed: Vec<(Day, i128)> = Self::days(period)
                .filter_map(|day| Some((day, self.price(index, day, version)?.into())))
                .collect();
            if u32::try_from(observed.len()).expect("few") < least(self.calendar) {
                return None;
            }
            let (sum, weights) = match self.averaging {
                // Each delivery at the last price that there was, or the first of the period.
                Averaging::DeliveryWeighted => Self::days(period).fold((0, 0), |(sum, weights), day| {
                    let delivered = i128::from(self.delivered(id, day, version));
                    let known = observed.iter().rev().find(|(of, _)| *of <= day).unwrap_or(&observed[0]);
                    (sum + known.1 * delivered, weights + delivered)
                }),
                _ => (observed.iter().map(|(_, price)| price).sum(), observed.len() as i128),
            };
            Some(round_half_even(sum, weights))
        })
    }

    /// Amounts of a year's periods through one, in millionths: volume, amount.
    fn year(
        &self,
        id: EntitlementId,
        first: Day,
        through: Period,
        per_period: i64,
        version: DataVersion,
    ) -> (i64, i64) {
        let (mut volume_left, mut cap_left) = (150_000_000_i64, 700_000_000_i64);
        let mut period =
            self.calendar.period(Day::new(through.first.year(), 1, 1).expect("a day").max(first));
        loop {
            let delivered: i64 = Self::days(period).map(|day| self.delivered(id, day, version)).sum();
            let volume = delivered.min(per_period).min(volume_left);
            volume_left -= volume;
            let mut amount = 0;
            if volume > 0 {
                let reference = self.reference(id, period, version).expect("it was settled").max(-20_000_000);
                let exact = if reference < 500_000_000 {
                    i128::from(500_000_000 - reference) * i128::from(volume) * 100
                } else if reference > 520_000_000 {
                    let given = i128::from(reference - 520_000_000) * i128::from(volume) * 35;
                    -given.min(i128::from(cap_left) * 100_000_000)
                } else {
                    0
                };
                amount = round_half_even(exact, 1_000_000_000_000) * 10_000;
                cap_left += amount.min(0);
            }
            if period == through {
                return (volume, amount);
            }
            period = self.calendar.after(period).expect("in reach");
        }
    }
}

fn round_half_even(numerator: i128, denominator: i128) -> i64 {
    let (floor, rest) = (numerator.div_euclid(denominator), numerator.rem_euclid(denominator) * 2);
    let up = rest > denominator || (rest == denominator && floor % 2 != 0);
    i64::try_from(floor + i128::from(up)).expect("fits")
}

fn check_runs(world: &World, facts: &Facts<'_>) {
    let mut newest = BTreeMap::<(EntitlementId, Day), (Money, i64)>::new();
    let mut per_period = BTreeMap::new();
    for event in facts.events {
        match event {
            Event::EntitlementGranted { entitlement, terms } => {
                per_period.insert(*entitlement, (terms.per_period.millionths(), terms.first));
            }
            Event::SettlementRunCompleted { run } if run.floor == CONTRACTS => {
                // Whatever came after it, on the data of its version a run can be made again.
                let again = world
                    .exchange
                    .settlement_as_of(CONTRACTS, run.period.first, run.version)
                    .expect("settled");
                assert_eq!(again.len(), run.lines.len());
                for (line, again) in run.lines.iter().zip(&again) {
                    let shown = |line: &SettlementLine| {
                        (
                            line.entitlement,
                            line.strike,
                            line.reference_price,
                            line.quantity,
                            line.rule,
                            line.amount,
                            line.remainder,
                        )
                    };
                    assert_eq!(shown(line), shown(again));
                    let (per_period, first) = per_period[&line.entitlement];
                    let (volume, amount) =
                        facts.year(line.entitlement, first, run.period, per_period, run.version);
                    assert_eq!((line.quantity.millionths(), line.amount.millionths), (volume, amount));
                    let sum = newest.entry((line.entitlement, run.period.first)).or_insert((dollars(0), 0));
                    *sum = (line.amount, sum.1 + line.delta.millionths);
                    assert_eq!(sum.0.millionths, sum.1, "the deltas sum to the newest amount");
                }
            }
            _ => {}
        }
    }
    // Whatever was corrected: what stands at the end of a year never passes its cap.
    let mut given = BTreeMap::new();
    for ((entitlement, day), (amount, _)) in newest {
        *given.entry((entitlement, day.year())).or_insert(0) -= amount.millionths.min(0);
    }
    assert!(given.values().all(|given| *given <= 700_000_000), "{given:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    /// Prices, deliveries and runs in any order: every run is what the twin makes of the facts of its version, can be made
    /// again, and posts differences that sum to the newest amount; statements of all days sum to the balances.
    /// Rules: R-CFD-030.
    #[test]
    fn runs_agree_with_a_naive_twin(
        steps in prop::collection::vec(a_step(), 0..120),
        calendar in prop::sample::select(vec![Calendar::Monthly, Calendar::Quarterly, Calendar::Daily]),
        averaging in prop::sample::select(vec![Averaging::Simple, Averaging::DeliveryWeighted]),
    ) {
        let contract = rich(calendar, averaging);
        let world = tried(&contract, &steps);
        let facts = Facts { events: &world.events, calendar: contract.calendar, averaging };
        check_runs(&world, &facts);
        for supplier in 0..3 {
            let days: std::collections::BTreeSet<Day> = runs(&world).iter().map(|run| run.day).collect();
            let stated: i128 = days
                .into_iter()
                .flat_map(|day| world.exchange.statements(holder(supplier), day))
                .map(|statement| statement.net)
                .sum();
            let balance = world.exchange.ledger().balance(Currency::Usd, Account::Participant(holder(supplier)));
            prop_assert_eq!(stated, balance);
        }
        // The same journal makes the same exchange.
        let mut again = Exchange::new(world.exchange.mode(), world.exchange.rules_version());
        let mut events = Vec::new();
        for (sequence, line) in (1_u64..).zip(&world.journal) {
            let _ = again.apply(Sequence(sequence), line.at, line.sender, line.id, &line.command, &mut events);
        }
        prop_assert_eq!(again.state_digest(), world.exchange.state_digest());
    }
}

fn tried(contract: &ContractTerms, steps: &[Step]) -> World {
    let mut world = with_contract(contract.clone());
    grant(&mut world, 0, 60);
    grant(&mut world, 1, 35);
    world.wait(hours(24 * 20));
    for step in steps {
        let (before, happened) = (world.exchange.state_digest(), world.events.len());
        try_step(&mut world, step);
        if world.events.len() == happened {
            assert_eq!(world.exchange.state_digest(), before, "a refusal changes no state");
        }
        assert!(world.exchange.is_conserved(), "money is conserved");
    }
    world
}

/// The property above is worth something only if runs are made, corrected, capped and on both sides of zero.
#[test]
fn the_steps_reach_runs_of_every_kind() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let (mut rules, mut corrected, mut late, mut fell_back) = (BTreeMap::new(), 0, 0, 0);
    for _ in 0..60 {
        let steps = prop::collection::vec(a_step(), 120).new_tree(&mut runner).expect("a tree").current();
        let world = tried(&rich(Calendar::Monthly, Averaging::Simple), &steps);
        for run in runs(&world) {
            corrected += usize::from(run.number > 1 && run.lines.iter().any(|line| !line.delta.is_zero()));
            late += usize::from(run.lines.iter().any(|line| !line.interest.is_zero()));
            fell_back += usize::from(run.index == FALLBACK);
            for line in &run.lines {
                *rules.entry(format!("{:?}", line.rule)).or_insert(0) += 1;
            }
        }
    }
    for rule in ["Support", "Upside", "UpsideCapped", "Between", "NoVolume"] {
        assert!(rules.contains_key(rule), "{rule} was never met: {rules:?}");
    }
    assert!(corrected > 0 && late > 0 && fell_back > 0, "{corrected} {late} {fell_back}");
}
