//! How targets read numbers and choices from any bytes, so that no input is only a decoding error.

/// What is left of an input; what is missing at its end is zero.
pub(crate) struct Bytes<'a>(&'a [u8]);

/// How a number is written: a small one, one at an end of what fits, a power of two or its neighbour, or as it is.
pub(crate) const SMALL: u8 = 0;
const WHOLE: u8 = 5;

impl<'a> Bytes<'a> {
    /// All of an input.
    pub(crate) const fn of(input: &'a [u8]) -> Self {
        Self(input)
    }

    /// Whether nothing is left.
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next byte.
    pub(crate) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// One of some values.
    pub(crate) fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::from(self.byte()) % all.len()]
    }

    /// A number of any size.
    pub(crate) fn number(&mut self) -> i64 {
        let (kind, byte) = (self.byte() % 6, self.byte());
        match kind {
            SMALL => byte.cast_signed().into(),
            1 => i64::MAX - i64::from(byte),
            2 => i64::MIN + i64::from(byte),
            3 => i64::MAX >> (byte % 64),
            4 => i64::MIN >> (byte % 64),
            _ => {
                let mut whole = [byte; 8];
                whole[1..].fill_with(|| self.byte());
                i64::from_le_bytes(whole)
            }
        }
    }
}

/// Writes a number as [`Bytes::number`] reads it.
pub(crate) fn write_number(number: i64, bytes: &mut Vec<u8>) {
    match i8::try_from(number) {
        Ok(small) => bytes.extend([SMALL, small.cast_unsigned()]),
        Err(_) => {
            bytes.push(WHOLE);
            bytes.extend(number.to_le_bytes());
        }
    }
}
