//! What holds for every auction, and a checker that finds every change.

use proptest::prelude::*;

use super::worlds::{ALL, world};
use super::*;

proptest! {
    #[test]
    fn the_checker_accepts((rule, offers) in world(ALL, 40)) {
        checked(&offers, &rule);
    }
}
