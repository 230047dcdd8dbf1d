//! The price ladder of one side of a book: how many lots are bid at each level, kept as bids come.
//!
//! Levels are ticks counted from the market's lowest price, stored in pages that are allocated at the
//! first bid in them. Adding and removing is O(1); reading all levels in order is linear in the touched
//! pages. Clearing therefore sorts nothing.

/// Levels a page holds: 4 KiB of lots.
const PAGE: usize = 512;

type Page = [i64; PAGE];

/// Lots at each price level of one side.
#[derive(Debug, Default)]
pub struct Ladder {
    /// Indexed by level ÷ PAGE; `None` where no bid ever stood.
    pages: Vec<Option<Box<Page>>>,
    /// Lots over all levels. Fits in an `i64`, and so does every partial sum.
    total: i64,
}

/// The level at which the best-priced lots reach a volume, and how many lots of that level belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Margin {
    pub(crate) level: u32,
    pub(crate) lots: i64,
}

impl Ladder {
    pub(crate) const fn new() -> Self {
        Self { pages: Vec::new(), total: 0 }
    }

    /// A ladder with lots at one level alone.
    pub(crate) fn of(level: u32, lots: i64) -> Self {
        let mut ladder = Self::default();
        ladder.change(level, lots);
        ladder
    }

    /// Lots over all levels.
    pub const fn total(&self) -> i64 {
        self.total
    }

    /// Adds lots at a level or, being negative, takes away some that stand there. The caller has checked
    /// that there is room.
    pub(crate) fn change(&mut self, level: u32, lots: i64) {
        let (page, slot) = place(level);
        if page >= self.pages.len() {
            self.pages.resize_with(page.saturating_add(1), || None);
        }
        let page = self.pages.get_mut(page).map(|page| page.get_or_insert_with(|| Box::new([0; PAGE])));
        let entry = page.and_then(|page| page.get_mut(slot));
        let changed = entry.as_deref().and_then(|at_level| at_level.checked_add(lots));
        let total = self.total.checked_add(lots);
        match (entry, changed, total) {
            (Some(entry), Some(changed @ 0..), Some(total @ 0..)) => {
                *entry = changed;
                self.total = total;
            }
            _ => assert!(lots == 0, "a ladder's lots are never negative, and were checked to fit"),
        }
    }

    /// The margin of the best `lots` of this side: counted from the highest level down for demand, from the
    /// lowest up for supply. `None` where there are fewer.
    pub(crate) fn margin(&self, lots: i64, from_highest: bool) -> Option<Margin> {
        let mut left = lots;
        let mut reach = |(level, at_level): (u32, i64)| {
            if at_level >= left {
                return Some(Margin { level, lots: left });
            }
            left = left.saturating_sub(at_level);
            None
        };
        if from_highest {
            self.levels().rev().find_map(&mut reach)
        } else {
            self.levels().find_map(&mut reach)
        }
    }

    /// All levels with lots, in ascending order.
    fn levels(&self) -> impl DoubleEndedIterator<Item = (u32, i64)> {
        self.pages
            .iter()
            .enumerate()
            .filter_map(|(number, page)| page.as_deref().map(|page| (number, page)))
            .flat_map(|(number, page)| {
                page.iter().enumerate().map(move |(slot, &lots)| (level(number, slot), lots))
            })
            .filter(|&(_, lots)| lots != 0)
    }
}

/// Every level with lots on either side, ascending, with the lots of `demand` and of `supply` there.
pub fn for_each_level(demand: &Ladder, supply: &Ladder, mut visit: impl FnMut(u32, i64, i64)) {
    const EMPTY: &Page = &[0; PAGE];
    let pages = demand.pages.len().max(supply.pages.len());
    for number in 0..pages {
        let wanted = demand.pages.get(number).and_then(Option::as_deref);
        let offered = supply.pages.get(number).and_then(Option::as_deref);
        if wanted.is_none() && offered.is_none() {
            continue;
        }
        let both = wanted.unwrap_or(EMPTY).iter().zip(offered.unwrap_or(EMPTY));
        for (slot, (&wanted, &offered)) in both.enumerate() {
            if wanted != 0 || offered != 0 {
                visit(level(number, slot), wanted, offered);
            }
        }
    }
}

fn place(level: u32) -> (usize, usize) {
    let level = usize::try_from(level).unwrap_or(usize::MAX);
    (level.checked_div(PAGE).unwrap_or(0), level.checked_rem(PAGE).unwrap_or(0))
}

fn level(page: usize, slot: usize) -> u32 {
    let level = page.checked_mul(PAGE).and_then(|first| first.checked_add(slot));
    let level = level.and_then(|level| u32::try_from(level).ok());
    assert!(level.is_some(), "levels came in as a u32");
    level.unwrap_or(0)
}
