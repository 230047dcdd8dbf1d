//! Numbers as people read them, from exact millionths; and text made safe for HTML and SVG.

use golv_engine::num::{Currency, MILLIONTHS, Money, Price, Quantity, divide_half_even};

/// Millionths of a unit in one million units.
const MILLION: i128 = 1_000_000 * MILLIONTHS as i128;

/// Millionths in full, with thousands separators: `117,350`, `63,643.22`, `−0.000001`. A fraction has at
/// least two decimals, as prices do.
pub(super) fn exact(millionths: i128) -> String {
    let decimals = format!("{:06}", millionths.unsigned_abs() % MILLIONTHS.unsigned_abs() as u128);
    match decimals.trim_end_matches('0').len() {
        0 => rounded(millionths, 0),
        length => rounded(millionths, length.max(2)),
    }
}

/// Millionths rounded half to even to at most six decimals, with thousands separators.
pub(super) fn rounded(millionths: i128, decimals: usize) -> String {
    let places = u32::try_from(decimals.min(6)).expect("at most six");
    let unit = 10_i128.pow(6 - places);
    let steps = divide_half_even(millionths, unit).expect("a power of ten is positive");
    let magnitude = steps.unsigned_abs();
    let scale = 10_u128.pow(places);
    let sign = if steps < 0 { "−" } else { "" };
    let whole = grouped(magnitude / scale);
    match places {
        0 => format!("{sign}{whole}"),
        _ => format!("{sign}{whole}.{:0width$}", magnitude % scale, width = decimals.min(6)),
    }
}

fn grouped(whole: u128) -> String {
    let digits = whole.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A price in full.
pub(super) fn price(price: Price) -> String {
    exact(price.millionths().into())
}

/// A quantity in full.
pub(super) fn quantity(quantity: Quantity) -> String {
    exact(quantity.millionths().into())
}

/// An amount in full, with the decimals of its currency: `1,234.50`. Without the currency's name.
pub(super) fn amount(amount: Money) -> String {
    amount_of(amount.millionths.into(), amount.currency)
}

/// As [`amount`], for a sum that may not fit in a [`Money`].
pub(super) fn amount_of(millionths: i128, currency: Currency) -> String {
    if millionths % i128::from(currency.minor_unit()) == 0 {
        rounded(millionths, currency.decimals() as usize)
    } else {
        exact(millionths)
    }
}

/// The unit in which amounts up to a largest one are drawn and told at a glance.
#[derive(Clone, Copy)]
pub(super) struct Glance {
    millions: bool,
    currency: Currency,
}

impl Glance {
    /// Millions where the largest amount has them.
    pub(super) fn up_to(largest: i128, currency: Currency) -> Self {
        Self { millions: largest.unsigned_abs() >= MILLION.unsigned_abs(), currency }
    }

    /// The unit's name, such as `million USD`.
    pub(super) fn unit(self) -> String {
        if self.millions { format!("million {}", self.currency) } else { self.currency.to_string() }
    }

    /// An amount, rounded: to a hundredth of a million, or to the unit.
    pub(super) fn amount(self, millionths: i128) -> String {
        if self.millions { rounded(self.scaled(millionths), 2) } else { rounded(millionths, 0) }
    }

    /// An axis' number, which is round by itself.
    pub(super) fn tick(self, millionths: i128) -> String {
        let text = exact(self.scaled(millionths));
        match text.strip_suffix('0') {
            Some(shorter) if shorter.contains('.') => shorter.to_owned(),
            _ => text,
        }
    }

    fn scaled(self, millionths: i128) -> i128 {
        if self.millions {
            divide_half_even(millionths, MILLIONTHS.into()).expect("a million is positive")
        } else {
            millionths
        }
    }
}

/// Text as it may stand between tags and in a quoted attribute. What XML forbids is shown as `�`.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\n' | '\t' => safe.push(character),
            '\u{fffe}' | '\u{ffff}' => safe.push('\u{fffd}'),
            _ if character.is_control() => safe.push('\u{fffd}'),
            _ => safe.push(character),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_exact() {
        for (millionths, text) in [
            (0, "0"),
            (117_350_000_000, "117,350"),
            (63_643_220_000, "63,643.22"),
            (1_500_000, "1.50"),
            (-1, "−0.000001"),
            (1_000_000_000_000, "1,000,000"),
            (i64::MIN.into(), "−9,223,372,036,854.775808"),
        ] {
            assert_eq!(exact(millionths), text);
        }
    }

    #[test]
    fn what_is_told_at_a_glance_is_rounded_half_to_even() {
        let glance = Glance::up_to(MILLION, Currency::Usd);
        assert_eq!(glance.unit(), "million USD");
        assert_eq!(glance.amount(2 * MILLION + MILLION / 200), "2.00");
        assert_eq!(glance.amount(2 * MILLION + 3 * MILLION / 200), "2.02");
        assert_eq!((glance.tick(MILLION / 2), glance.tick(4 * MILLION)), ("0.5".into(), "4".into()));
        let small = Glance::up_to(MILLION - 1, Currency::Usd);
        assert_eq!((small.unit(), small.amount(2_500_000)), ("USD".into(), "2".into()));
        assert_eq!(amount_of(1_234_500_000, Currency::Usd), "1,234.50");
        assert_eq!(amount_of(1_234_000_000, Currency::Jpy), "1,234");
    }

    #[test]
    fn text_cannot_leave_its_place() {
        assert_eq!(
            escape("<b a=\"1\" c='2'>&\u{0}é"),
            "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;\u{fffd}é"
        );
    }
}
