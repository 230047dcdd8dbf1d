//! The one word for each value of the engine's enumerations, in arguments and in what is printed.

use golv_engine::book::Side;
use golv_engine::participant::{Role, Standing};

pub(super) const fn role(role: Role) -> &'static str {
    match role {
        Role::Operator => "operator",
        Role::Supplier => "supplier",
        Role::Buyer => "buyer",
        Role::Publisher => "publisher",
        Role::Auditor => "auditor",
    }
}

pub(super) const fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Active => "active",
        Standing::Suspended => "suspended",
    }
}

pub(crate) const fn side(side: Side) -> &'static str {
    match side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    }
}
