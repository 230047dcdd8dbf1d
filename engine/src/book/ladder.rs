//! The price ladder of one side of a book: how many lots are bid at each level, kept as bids come.
//!
//! Levels are ticks counted from the market's lowest price, stored in pages that are allocated at the
//! first bid in them; bids at any price stand beside them. Adding and removing is O(1); reading all levels in order is linear in the touched
//! pages. Clearing therefore sorts nothing.

/// Levels a page holds: 4 KiB of lots.
const PAGE: usize = 512;

type Page = [i64; PAGE];

/// Lots at each price level of one side.
#[derive(Clone, Debug, Default)]
pub struct Ladder {
    /// Indexed by level ÷ PAGE; `None` where no bid ever stood.
    pages: Vec<Option<Box<Page>>>,
    /// Lots of market orders.
    at_any_price: i64,
    /// Lots over all levels and at any price. Fits in an `i64`, and so does every partial sum.
    total: i64,
}

impl Ladder {
    pub(crate) const fn new() -> Self {
        Self { pages: Vec::new(), at_any_price: 0, total: 0 }
    }

    /// A ladder with lots at one level alone.
    pub(crate) fn of(level: u32, lots: i64) -> Self {
        let mut ladder = Self::default();
        ladder.change(Some(level), lots);
        ladder
    }

    /// Lots of market orders.
    pub const fn at_any_price(&self) -> i64 {
        self.at_any_price
    }

    /// Lots over all levels and at any price.
    pub const fn total(&self) -> i64 {
        self.total
    }

    /// Adds lots at a level or at any price or, being negative, takes away some that stand there. The caller has checked
    /// that there is room.
    ///
    /// # Panics
    /// If more is taken away than stands there, or the total does not fit.
    pub fn change(&mut self, level: Option<u32>, lots: i64) {
        let entry = match level {
            Some(level) => {
                let (page, slot) = place(level);
                if !matches!(self.pages.get(page), Some(Some(_))) {
                    self.add_page(page);
                }
                let page = self.pages.get_mut(page).and_then(Option::as_deref_mut);
                page.and_then(|page| page.get_mut(slot))
            }
            None => Some(&mut self.at_any_price),
        };
        let Some(entry) = entry else { return };
        let (changed, total) = (entry.checked_add(lots), self.total.checked_add(lots));
        let fits = matches!((changed, total), (Some(0..), Some(0..)));
        assert!(fits, "a ladder's lots are never negative, and were checked to fit");
        *entry = changed.unwrap_or(0);
        self.total = total.unwrap_or(0);
    }

    #[cold]
    fn add_page(&mut self, page: usize) {
        if page >= self.pages.len() {
            self.pages.resize_with(page.saturating_add(1), || None);
        }
        if let Some(page) = self.pages.get_mut(page) {
            *page = Some(Box::new([0; PAGE]));
        }
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
