//! The policies of a scenario: which keys each kind needs, and which have no meaning for it.

use super::*;

/// What a policy is named in errors.
const fn named(kind: PolicyWord) -> &'static str {
    match kind {
        PolicyWord::NoSupport => "a policy without support",
        PolicyWord::Floor => "a floor",
        PolicyWord::TwoWay => "a two-way contract",
        PolicyWord::Collar => "a collar",
        PolicyWord::UpsideShare => "a floor with an upside share",
        PolicyWord::Intermediary => "an intermediary",
    }
}

/// Whether a kind knows a key, beside name, kind and backing.
fn knows(kind: PolicyWord, key: &str) -> bool {
    let programme = ["budget", "first", "last", "origins", "volume"].contains(&key);
    let contract =
        programme || ["strike", "stress", "settle", "measure", "origin-cap", "grants"].contains(&key);
    match kind {
        PolicyWord::NoSupport => false,
        PolicyWord::Floor | PolicyWord::TwoWay => contract,
        PolicyWord::Collar => contract || key == "cap",
        PolicyWord::UpsideShare => contract || ["threshold", "share", "annual-cap"].contains(&key),
        PolicyWord::Intermediary => programme || ["ceiling", "worst-sale"].contains(&key),
    }
}

pub(super) fn kind(
    table: &PolicyTable,
    market: &Market,
    months: [Month; 2],
    producers: &[Producer],
) -> Result<Kind, Wrong> {
    let what = named(table.kind);
    let there = [
        ("budget", table.budget.is_some()),
        ("first", table.first.is_some()),
        ("last", table.last.is_some()),
        ("origins", !table.origins.is_empty()),
        ("strike", table.strike.is_some()),
        ("stress", table.stress.is_some()),
        ("settle", table.settle.is_some()),
        ("measure", table.measure.is_some()),
        ("cap", table.cap.is_some()),
        ("threshold", table.threshold.is_some()),
        ("share", table.share.is_some()),
        ("annual-cap", table.annual_cap.is_some()),
        ("volume", table.volume.is_some()),
        ("origin-cap", table.origin_cap.is_some()),
        ("grants", table.grants.is_some()),
        ("ceiling", table.ceiling.is_some()),
        ("worst-sale", table.worst_sale.is_some()),
    ];
    if let Some((key, _)) = there.into_iter().find(|(key, is_there)| *is_there && !knows(table.kind, key)) {
        return Err((None, Fault::Meaningless { key, what }));
    }
    let at = |fault| (None, fault);
    match table.kind {
        PolicyWord::NoSupport => Ok(Kind::NoSupport),
        PolicyWord::Intermediary => {
            intermediary(table, market, months, producers).map(Kind::Intermediary).map_err(at)
        }
        PolicyWord::Floor | PolicyWord::TwoWay | PolicyWord::Collar | PolicyWord::UpsideShare => {
            Ok(Kind::Contracts(Box::new(contracts(table, market, months, producers)?)))
        }
    }
}

/// What a key says that must be there.
fn needed<T: Copy>(value: Option<Text<T>>, key: &'static str, what: &'static str) -> Result<T, Fault> {
    value.map(|Text(value)| value).ok_or(Fault::Missing { key, what })
}

/// A price that must be there, on the market's grid.
fn price(
    value: Option<Text<Price>>,
    key: &'static str,
    what: &'static str,
    market: &Market,
) -> Result<Price, Fault> {
    let price = needed(value, key, what)?;
    if market.check_price(price).is_ok() {
        Ok(price)
    } else {
        let (tick, lowest, highest) = (market.tick, market.lowest, market.highest);
        Err(Fault::OffGrid { key, price, tick, lowest, highest })
    }
}

fn programme(
    table: &PolicyTable,
    [first, last]: [Month; 2],
    producers: &[Producer],
) -> Result<Programme, Fault> {
    let what = named(table.kind);
    let budget = needed(table.budget, "budget", what)?;
    let origins: Vec<_> = table.origins.iter().map(|Text(origin)| *origin).collect();
    if origins.is_empty() {
        return Err(Fault::Missing { key: "origins", what });
    }
    if !producers.iter().any(|producer| origins.contains(&producer.origin)) {
        return Err(Fault::NoOrigin);
    }
    let from = table.first.map_or(first, |Text(from)| from);
    let to = table.last.map_or(last, |Text(to)| to);
    if to < from {
        return Err(Fault::MonthsCrossed);
    }
    if from < first || to > last {
        return Err(Fault::MonthsOutside { first, last });
    }
    let backing = match table.backing {
        BackingWord::Capped => Backing::Capped,
        BackingWord::Guaranteed => Backing::Guaranteed { by: "Guarantor".parse().expect("a short name") },
    };
    Ok(Programme { budget, backing, first: from, last: to, origins })
}

fn intermediary(
    table: &PolicyTable,
    market: &Market,
    months: [Month; 2],
    producers: &[Producer],
) -> Result<Intermediary, Fault> {
    let what = named(table.kind);
    let programme = programme(table, months, producers)?;
    let volume = needed(table.volume, "volume", what)?;
    let ceiling = price(table.ceiling, "ceiling", what, market)?;
    let worst_sale = price(table.worst_sale, "worst-sale", what, market)?;
    if volume.is_zero() || !volume.is_in(market.lot) {
        return Err(Fault::OffLot("volume"));
    }
    if worst_sale > ceiling {
        return Err(Fault::Crossed("worst-sale", "ceiling"));
    }
    Ok(Intermediary { programme, volume, ceiling, worst_sale })
}

fn contracts(
    table: &PolicyTable,
    market: &Market,
    months: [Month; 2],
    producers: &[Producer],
) -> Result<Contracts, Wrong> {
    let what = named(table.kind);
    let at = |fault| (None, fault);
    let programme = programme(table, months, producers).map_err(at)?;
    let strike = price(table.strike, "strike", what, market).map_err(at)?;
    let stress = price(table.stress, "stress", what, market).map_err(at)?;
    if stress > strike {
        return Err(at(Fault::Crossed("stress", "strike")));
    }
    let (design, payoff) = payoff(table, strike, market).map_err(at)?;
    let award = match (&table.grants, table.volume) {
        (Some(_), Some(_)) => {
            return Err(at(Fault::Meaningless { key: "volume", what: "contracts that are granted" }));
        }
        (None, None) => return Err(at(Fault::Missing { key: "volume", what })),
        (None, Some(Text(volume))) => {
            if volume.is_zero() || !volume.is_in(market.lot) {
                return Err(at(Fault::OffLot("volume")));
            }
            Award::Auction { volume, origin_cap: table.origin_cap.map(|Text(cap)| cap) }
        }
        (Some(grants), None) => Award::Grants(self::grants(grants, market, producers)?),
    };
    if table.origin_cap.is_some() && matches!(award, Award::Grants(_)) {
        return Err(at(Fault::Meaningless { key: "origin-cap", what: "contracts that are granted" }));
    }
    let measure = match table.measure {
        None | Some(MeasureWord::Metered) => Measure::Metered,
        Some(MeasureWord::Fixed) => Measure::Fixed,
    };
    let calendar = match table.settle {
        None | Some(SettleWord::Month) => Calendar::Monthly,
        Some(SettleWord::Quarter) => Calendar::Quarterly,
    };
    let (first, last) = (programme.first.month(), programme.last.month());
    if calendar == Calendar::Quarterly && !((first - 1).is_multiple_of(3) && last.is_multiple_of(3)) {
        return Err(at(Fault::MonthsOfTrade(3)));
    }
    Ok(Contracts { programme, design, payoff, strike, stress, calendar, measure, award })
}

fn payoff(table: &PolicyTable, strike: Price, market: &Market) -> Result<(Design, Payoff), Fault> {
    let what = named(table.kind);
    let upside = |above, share, annual_cap| Some(Upside { above, share, annual_cap, condition: None });
    let (design, upside) = match table.kind {
        PolicyWord::NoSupport | PolicyWord::Intermediary | PolicyWord::Floor => (Design::Floor, None),
        PolicyWord::TwoWay => (Design::TwoWay, upside(None, Share::WHOLE, None)),
        PolicyWord::Collar => {
            let cap = price(table.cap, "cap", what, market)?;
            (Design::Collar, upside(Some(cap), Share::WHOLE, None))
        }
        PolicyWord::UpsideShare => {
            let threshold = table.threshold.map(|_| price(table.threshold, "threshold", what, market));
            let share = needed(table.share, "share", what)?;
            let cap = table.annual_cap.map(|Text(cap)| cap);
            (Design::UpsideShare, upside(threshold.transpose()?, share, cap))
        }
    };
    let above = upside.as_ref().and_then(|upside| upside.above);
    if above.is_some_and(|above| above < strike) {
        let key = if design == Design::Collar { "cap" } else { "threshold" };
        return Err(Fault::Crossed("strike", key));
    }
    let payoff = Payoff {
        support: Share::WHOLE,
        upside,
        minimum: None,
        suspension: Suspension::Never,
        annual_volume: None,
    };
    Ok((design, payoff))
}

fn grants(
    grants: &BTreeMap<Spanned<String>, Text<Quantity>>,
    market: &Market,
    producers: &[Producer],
) -> Result<Vec<(usize, Quantity)>, Wrong> {
    let grant = |(key, &Text(quantity)): (&Spanned<String>, &Text<Quantity>)| {
        let at = || Some(key.span());
        let place = producers.iter().position(|producer| producer.key == *key.get_ref());
        let place = place.ok_or_else(|| (at(), Fault::UnknownProducer(key.get_ref().clone())))?;
        if quantity.is_zero() || !quantity.is_in(market.lot) {
            return Err((at(), Fault::OffLot("grants")));
        }
        Ok((place, quantity))
    };
    grants.iter().map(grant).collect()
}
