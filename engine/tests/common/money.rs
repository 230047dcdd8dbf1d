//! What tests of money have in common: terms of clearing, days, balances in whole units, payments.

use golv_engine::command::Action;
use golv_engine::id::{IdentityId, ParticipantId};
use golv_engine::ledger::Account;
use golv_engine::money::{ClearingTerms, Pot};
use golv_engine::num::{Currency, Share};
use golv_engine::time::Day;

use super::{World, dollars};

pub fn id(identity: IdentityId) -> ParticipantId {
    ParticipantId(identity.0)
}

pub fn day(text: &str) -> Day {
    text.parse().expect("a day")
}

pub fn units(world: &World, account: Account) -> i128 {
    world.exchange.ledger().balance(Currency::Usd, account) / 1_000_000
}

pub fn clearing_terms() -> ClearingTerms {
    ClearingTerms {
        holidays: vec![day("2019-01-01")],
        due_days: 2,
        notice_days: 1,
        debt_cover: Share::NONE,
        contract_cover_days: 0,
        waterfall: Pot::STANDARD.into(),
    }
}

pub fn with_terms(terms: ClearingTerms) -> World {
    under_terms(World::furnished(1_000_000), terms)
}

pub fn under_terms(mut world: World, terms: ClearingTerms) -> World {
    world.agree(Action::SetClearingTerms { currency: Currency::Usd, terms: Box::new(terms) });
    world
}

pub fn until(world: &mut World, midnight: &str) {
    world.go_to(day(midnight).begins_at().expect("in reach"));
}

pub fn pay(world: &mut World, who: IdentityId, amount: i64) {
    world.agree(Action::TakePayment { participant: Some(id(who)), amount: dollars(amount) });
}
