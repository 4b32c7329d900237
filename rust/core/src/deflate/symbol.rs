//! The alphabets of DEFLATE (RFC 1951, section 3.2.5).

/// The symbol that ends a block. Those before it are literals, those after it are lengths.
pub(super) const END: usize = 256;

/// Symbols of literals and lengths. The last two never occur, but they have fixed codes.
pub(super) const LITERALS_AND_LENGTHS: usize = 288;

/// Symbols of distances that may occur.
pub(super) const DISTANCES: usize = 30;

const fn length_symbols() -> [u8; 256] {
    let mut symbols = [0; 256];
    let mut length = 0;
    while length < 256 {
        symbols[length as usize] = if length < 8 {
            length as u8
        } else if length == 255 {
            28
        } else {
            let exponent = u32::ilog2(length);
            (4 * (exponent - 1) + ((length >> (exponent - 2)) & 3)) as u8
        };
        length += 1;
    }
    symbols
}

/// The symbol of a length, less 257, by the length less 3.
pub(super) static LENGTH_SYMBOL: [u8; 256] = length_symbols();

/// Extra bits behind the length symbol `257 + symbol`.
pub(super) const fn length_extra(symbol: usize) -> u32 {
    if symbol < 8 || symbol == 28 { 0 } else { symbol as u32 / 4 - 1 }
}

const fn distance_symbols() -> [u8; 512] {
    let mut symbols = [0; 512];
    let mut place = 0;
    while place < 512 {
        // Distances over 256 stand here by their upper bits.
        let distance: u32 = if place < 256 { place } else { (place - 256) << 7 };
        symbols[place as usize] = if distance < 4 {
            distance as u8
        } else {
            let exponent = distance.ilog2();
            (2 * exponent + ((distance >> (exponent - 1)) & 1)) as u8
        };
        place += 1;
    }
    symbols
}

static DISTANCE_SYMBOL: [u8; 512] = distance_symbols();

/// The symbol of a distance, given less 1.
#[inline(always)]
pub(super) fn distance_symbol(distance: u32) -> u32 {
    let place = if distance < 256 { distance } else { 256 + (distance >> 7) };
    u32::from(DISTANCE_SYMBOL[(place & 511) as usize])
}

/// Extra bits behind the distance symbol.
pub(super) const fn distance_extra(symbol: usize) -> u32 {
    if symbol < 4 { 0 } else { symbol as u32 / 2 - 1 }
}

const fn distance_masks() -> [u16; 32] {
    let mut masks = [0; 32];
    let mut symbol = 0;
    while symbol < DISTANCES {
        masks[symbol] = (1 << distance_extra(symbol)) - 1;
        symbol += 1;
    }
    masks
}

/// The bits of a distance, less 1, that are its extra bits, by its symbol.
pub(super) static DISTANCE_MASK: [u16; 32] = distance_masks();

#[cfg(test)]
mod tests {
    use super::*;

    /// The first lengths and distances of each symbol, from the tables of the specification.
    const LENGTHS: [(u32, u32); 29] = [
        (3, 0),
        (4, 0),
        (5, 0),
        (6, 0),
        (7, 0),
        (8, 0),
        (9, 0),
        (10, 0),
        (11, 1),
        (13, 1),
        (15, 1),
        (17, 1),
        (19, 2),
        (23, 2),
        (27, 2),
        (31, 2),
        (35, 3),
        (43, 3),
        (51, 3),
        (59, 3),
        (67, 4),
        (83, 4),
        (99, 4),
        (115, 4),
        (131, 5),
        (163, 5),
        (195, 5),
        (227, 5),
        (258, 0),
    ];

    #[test]
    fn lengths_are_those_of_the_specification() {
        for length in 3..=258_u32 {
            let symbol = usize::from(LENGTH_SYMBOL[length as usize - 3]);
            let (first, extra) = LENGTHS[symbol];
            assert_eq!(length_extra(symbol), extra);
            assert!((first..first + (1 << extra)).contains(&length), "{length}");
        }
    }

    #[test]
    fn distances_are_those_of_the_specification() {
        let mut first = 1;
        for (symbol, &mask) in DISTANCE_MASK[..DISTANCES].iter().enumerate() {
            let extra = distance_extra(symbol);
            for distance in [first, first + (1 << extra) - 1] {
                assert_eq!(distance_symbol(distance - 1) as usize, symbol, "{distance}");
                let rest = (distance - 1) & u32::from(mask);
                assert_eq!(first + rest, distance);
            }
            first += 1 << extra;
        }
        assert_eq!(first, 32769);
    }
}
