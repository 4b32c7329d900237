//! The fastest matcher: four positions at a time, one candidate each, the first match taken.

use super::super::sequence::{Parse, Sequence};
use super::super::window::{Before, Bytes, REACH, Window, boxed, load_u32, load_u64, match_length};
use super::{Matcher, SPREAD_64, select};

const BITS: u32 = 15;

/// Bytes behind the last position that is looked at: a group, and what it is hashed by.
const AHEAD: usize = 8;

/// Groups without a match after which some are passed over, more and more of them.
const PATIENCE: usize = 32;

/// The most bytes that are passed over at once.
const STRIDE: usize = 64;

/// The last position of each hash.
#[derive(Debug)]
pub(in super::super) struct Quad {
    table: Box<[u16; 1 << BITS]>,
}

impl Quad {
    pub(in super::super) fn new() -> Self {
        Self { table: boxed(0) }
    }
}

/// A hash of five bytes.
#[inline(always)]
const fn hash(word: u64) -> usize {
    (word.wrapping_mul(SPREAD_64 << 24) >> (64 - BITS)) as usize
}

/// Positions, each with the place of its candidate in the bytes before the group.
struct Group {
    words: [u64; 4],
    places: [usize; 4],
}

impl Group {
    #[inline(always)]
    fn look_up(word: u64, position: usize, table: &mut [u16; 1 << BITS]) -> Self {
        // Five bytes of each are in the word.
        let words = [word, word >> 8, word >> 16, word >> 24];
        let hashes = words.map(hash);
        let mut places = [0; 4];
        for (ahead, (place, hash)) in places.iter_mut().zip(hashes).enumerate() {
            let position = (position + ahead) as u16;
            *place = usize::from(table[hash].wrapping_sub(position)) & (REACH - 1);
            table[hash] = position;
        }
        Self { words, places }
    }

    /// The first position that has a match of four bytes, and where: from 0 to 3, or 4 for none.
    #[inline(always)]
    fn first_match(&self, before: &Before) -> (usize, usize) {
        let mut found = 4 << 16;
        for ahead in (0..4).rev() {
            let place = self.places[ahead];
            let like = load_u32(&before[..], place + ahead) == self.words[ahead] as u32;
            found = select(like, (ahead << 16 | place) as u32, found);
        }
        ((found >> 16) as usize, (found & 0xffff) as usize)
    }
}

impl Matcher for Quad {
    fn begin(&mut self, window: &Window) {
        self.table.fill(0);
        for position in window.base..REACH {
            self.table[hash(load_u64(&window.bytes[..], position))] = position as u16;
        }
    }

    #[inline(never)]
    fn parse(&mut self, window: &Window, start: usize, stop: usize, parse: &mut Parse) -> usize {
        let bytes: &Bytes = &window.bytes;
        let table = &mut *self.table;
        let limit = stop.min(window.end.saturating_sub(AHEAD));
        let (mut position, mut literals_from, mut misses) = (start, start, 0);
        while position < limit {
            let Some(before) = bytes[position - REACH..].first_chunk() else { break };
            let word = load_u64(&before[..], REACH);
            let group = Group::look_up(word, position, table);
            let (ahead, place) = group.first_match(before);
            let [first, second, third, fourth] = &mut parse.counts.literals;
            first[(word & 255) as usize] += u32::from(ahead > 0);
            second[(word >> 8 & 255) as usize] += u32::from(ahead > 1);
            third[(word >> 16 & 255) as usize] += u32::from(ahead > 2);
            if ahead == 4 {
                fourth[(word >> 24 & 255) as usize] += 1;
                position += 4;
                misses += 1;
                if misses > PATIENCE {
                    let stride =
                        (misses / PATIENCE * 4).min(STRIDE).min(limit.saturating_sub(position));
                    parse.counts.count_literals(bytes, position, stride);
                    position += stride;
                }
                continue;
            }
            misses = 0;
            position += ahead;
            let candidate = position - REACH + place;
            if candidate < window.base {
                // Nothing stands there: an entry that was never set.
                parse.counts.literals[0][usize::from(bytes[position])] += 1;
                position += 1;
                continue;
            }
            let length = match_length(bytes, position, candidate).min(window.end - position);
            let sequence = Sequence::new(position - literals_from, length, REACH - place);
            position += length;
            literals_from = position;
            let word = load_u64(&bytes[..], position - 2);
            table[hash(word)] = (position - 2) as u16;
            table[hash(word >> 8)] = (position - 1) as u16;
            parse.push(sequence, position);
        }
        let end = if stop == window.end { stop } else { position };
        parse.counts.count_literals(bytes, position, end - position);
        parse.close(end);
        end
    }
}
