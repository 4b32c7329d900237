//! Logarithms to the base 2 in integers: what is decided by them must not depend on the processor.

/// Places behind the point: logarithms are counted in such parts of a bit.
pub(super) const PLACES: u32 = 10;

/// Numbers whose logarithms stand in the table; larger ones are halved until they do.
const KNOWN: usize = 4096;

static LOGARITHMS: [u16; KNOWN] = logarithms();

const fn logarithms() -> [u16; KNOWN] {
    let mut table = [0; KNOWN];
    let mut number = 1;
    while number < KNOWN as u64 {
        let exponent = number.ilog2();
        // A number from 1 to 2 with 31 binary places: squared, it tells one more of its logarithm's.
        let mut mantissa = (number << 31) >> exponent;
        let mut logarithm = exponent;
        let mut place = 0;
        while place < PLACES {
            mantissa = (mantissa * mantissa) >> 31;
            logarithm <<= 1;
            if mantissa >= 1 << 32 {
                mantissa >>= 1;
                logarithm |= 1;
            }
            place += 1;
        }
        table[number as usize] = logarithm as u16;
        number += 1;
    }
    table
}

/// The logarithm of a number; of 0 it is 0.
#[inline(always)]
pub(super) fn logarithm(number: u32) -> u32 {
    let halvings = (32 - number.leading_zeros()).saturating_sub(KNOWN.ilog2());
    u32::from(LOGARITHMS[(number >> halvings) as usize]) + (halvings << PLACES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_right_to_the_last_place() {
        for number in (1..10_000).chain([65_535, 65_536, 1 << 31, u32::MAX]) {
            let exact = f64::from(number).log2() * f64::from(1_u32 << PLACES);
            let known = f64::from(logarithm(number));
            assert!((known - exact).abs() <= 2.0, "{number}: {known} for {exact}");
        }
        assert_eq!(logarithm(0), 0);
    }
}
