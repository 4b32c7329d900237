//! Codes of a limited length for an alphabet (RFC 1951, section 3.2.2).

/// The most symbols that an alphabet has here, and the longest code that DEFLATE knows.
const SYMBOLS: usize = 288;
const LONGEST: usize = 15;

/// Sets the code length of each symbol by how often it occurs, none longer than `limit`.
///
/// The code is complete, as decoders ask for it: one symbol, or none, gets a second one for company.
pub(super) fn set_lengths(counts: &[u32], limit: usize, lengths: &mut [u8]) {
    lengths.fill(0);
    let mut sorted = [0_u64; SYMBOLS];
    let mut used = 0;
    for (symbol, &count) in counts.iter().enumerate().filter(|&(_, &count)| count > 0) {
        // Symbols that are equally frequent are told apart, so that there is one order.
        sorted[used] = u64::from(count) << 16 | symbol as u64;
        used += 1;
    }
    if used < 2 {
        let only = (sorted[0] & 0xffff) as usize;
        lengths[only] = 1;
        lengths[usize::from(only == 0)] = 1;
        return;
    }
    let sorted = &mut sorted[..used];
    sorted.sort_unstable();
    let mut of_length = depths(sorted);
    limit_lengths(&mut of_length, limit);
    let mut symbols = sorted.iter().map(|packed| (packed & 0xffff) as usize);
    for length in (1..=limit).rev() {
        for symbol in symbols.by_ref().take(of_length[length] as usize) {
            lengths[symbol] = length as u8;
        }
    }
}

/// How many leaves of the Huffman tree of these counts, the rarest first, lie at each depth.
fn depths(sorted: &[u64]) -> [u32; 64] {
    let leaves = sorted.len();
    let mut weights = [0_u64; SYMBOLS];
    let mut leaf_parents = [0_u16; SYMBOLS];
    let mut node_parents = [0_u16; SYMBOLS];
    // Inner nodes come out in the order of their weights: two queues are enough.
    let (mut leaf, mut node) = (0, 0);
    for parent in 0..leaves - 1 {
        for _ in 0..2 {
            if leaf < leaves && (node >= parent || sorted[leaf] >> 16 <= weights[node]) {
                weights[parent] += sorted[leaf] >> 16;
                leaf_parents[leaf] = parent as u16;
                leaf += 1;
            } else {
                weights[parent] += weights[node];
                node_parents[node] = parent as u16;
                node += 1;
            }
        }
    }
    // A chunk has too few symbols for a depth of 64.
    let mut node_depths = [0_u8; SYMBOLS];
    for node in (0..leaves - 2).rev() {
        node_depths[node] = node_depths[usize::from(node_parents[node])] + 1;
    }
    let mut of_depth = [0; 64];
    for &parent in &leaf_parents[..leaves] {
        of_depth[usize::from(node_depths[usize::from(parent)]) + 1] += 1;
    }
    of_depth
}

/// Moves leaves that lie too deep up to `limit`, and others down until the code is complete again.
fn limit_lengths(of_length: &mut [u32; 64], limit: usize) {
    let (short, long) = of_length.split_at_mut(limit + 1);
    let moved: u32 = long.iter_mut().map(std::mem::take).sum();
    if moved == 0 {
        return;
    }
    short[limit] += moved;
    let space = |(length, &leaves): (usize, &u32)| u64::from(leaves) << (limit - length);
    let mut taken: u64 = short.iter().enumerate().skip(1).map(space).sum();
    while taken > 1 << limit {
        // The deepest leaf that can go down makes room for one that lies at the limit.
        let mut length = limit - 1;
        while short[length] == 0 {
            length -= 1;
        }
        short[length] -= 1;
        short[length + 1] += 2;
        short[limit] -= 1;
        taken -= 1;
    }
}

/// The codes of these lengths, with their bits in the order in which they are written.
pub(super) fn set_codes(lengths: &[u8], codes: &mut [u16]) {
    let mut of_length = [0_u16; LONGEST + 1];
    for &length in lengths {
        of_length[usize::from(length)] += 1;
    }
    of_length[0] = 0;
    let mut next = [0_u16; LONGEST + 1];
    for length in 1..=LONGEST {
        next[length] = (next[length - 1] + of_length[length - 1]) << 1;
    }
    for (code, &length) in codes.iter_mut().zip(lengths).filter(|&(_, &length)| length > 0) {
        let next = &mut next[usize::from(length)];
        *code = next.reverse_bits() >> (16 - length);
        *next += 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lengths(counts: &[u32], limit: usize) -> Vec<u8> {
        let mut lengths = vec![9; counts.len()];
        set_lengths(counts, limit, &mut lengths);
        lengths
    }

    #[test]
    fn frequent_symbols_have_short_codes() {
        assert_eq!(lengths(&[5, 0, 2, 1, 1], 15), [1, 0, 2, 3, 3]);
        assert_eq!(lengths(&[5, 0, 2, 1, 1], 2), [2, 0, 2, 2, 2]);
        assert_eq!(lengths(&[0, 0, 7], 15), [1, 0, 1]);
        assert_eq!(lengths(&[7, 0, 0], 15), [1, 1, 0]);
        assert_eq!(lengths(&[0, 0], 15), [1, 1]);
        let mut codes = [0; 5];
        set_codes(&[1, 0, 2, 3, 3], &mut codes);
        assert_eq!(codes, [0, 0, 0b01, 0b011, 0b111]);
    }

    /// Weights like these make the deepest tree that there is.
    #[test]
    fn a_deep_tree_is_made_flat() {
        let mut counts = vec![1_u32, 1];
        for place in 2..30 {
            counts.push(counts[place - 1] + counts[place - 2]);
        }
        assert_eq!(lengths(&counts, 63).iter().max(), Some(&29));
        assert_eq!(lengths(&counts, 7).iter().max(), Some(&7));
    }

    proptest! {
        #[test]
        fn a_code_is_complete_and_within_its_limit(
            counts in prop::collection::vec(prop_oneof![Just(0_u32), 1..4_u32, 1..1_000_000_u32], 2..286),
            limit in 9_usize..=15,
        ) {
            let lengths = lengths(&counts, limit);
            let taken: u64 = lengths.iter().filter(|&&length| length > 0)
                .map(|&length| 1 << (15 - u32::from(length))).sum();
            prop_assert_eq!(taken, 1 << 15);
            prop_assert!(lengths.iter().all(|&length| usize::from(length) <= limit));
            let several = counts.iter().filter(|&&count| count > 0).count() > 1;
            for (length, count) in lengths.iter().zip(&counts) {
                prop_assert!(!several || (*length > 0) == (*count > 0));
            }
        }
    }
}
