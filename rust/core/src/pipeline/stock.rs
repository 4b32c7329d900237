//! Memory that goes from one build to the next: allocated anew for each, it would cost small layers
//! more time than their content, and stay with the allocator of each thread that ever had some.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::compress::{BlockEncoder, EncodedBlock, FrameEncoder};
use crate::error::Result;

/// Bytes of a piece of a blob that is held.
const PIECE: usize = 64 << 10;

/// What nobody uses at the moment. It is never more than was used at once.
#[derive(Debug, Default)]
pub(crate) struct Stock {
    shelves: Mutex<Shelves>,
}

#[derive(Debug, Default)]
struct Shelves {
    blocks: Vec<(Vec<u8>, EncodedBlock)>,
    /// Each with its level.
    encoders: Vec<(u32, BlockEncoder)>,
    /// Between two frames: libzstd keeps its buffers, which are its jobs' input.
    frames: Vec<FrameEncoder>,
    pieces: Vec<Vec<u8>>,
}

impl Stock {
    /// Room for a block and its compressed form.
    pub(super) fn take_block(&self) -> (Vec<u8>, EncodedBlock) {
        self.lock().blocks.pop().unwrap_or_default()
    }

    pub(super) fn return_block(&self, input: Vec<u8>, output: EncodedBlock) {
        self.lock().blocks.push((input, output));
    }

    /// An encoder of gzip blocks, as good as a new one.
    pub(super) fn take_encoder(&self, level: u32) -> BlockEncoder {
        let fits = |(of, _): &(u32, BlockEncoder)| *of == level;
        let found = take(&mut self.lock().encoders, fits);
        found.filter(fits).map_or_else(|| BlockEncoder::new(level), |(_, encoder)| encoder)
    }

    pub(super) fn return_encoder(&self, level: u32, encoder: BlockEncoder) {
        self.lock().encoders.push((level, encoder));
    }

    /// An encoder of zstd frames, as good as a new one.
    pub(super) fn take_frame(&self, level: u32, workers: u32) -> Result<FrameEncoder> {
        let fits = |frame: &FrameEncoder| frame.serves(level, workers);
        let found = take(&mut self.lock().frames, fits);
        found.filter(fits).map_or_else(|| FrameEncoder::new(level, workers), Ok)
    }

    pub(super) fn return_frame(&self, frame: FrameEncoder) {
        self.lock().frames.push(frame);
    }

    /// Adds `bytes` to what `pieces` hold.
    pub(crate) fn append(&self, pieces: &mut Vec<Vec<u8>>, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match pieces.last_mut() {
                Some(piece) if piece.len() < PIECE => {
                    let (part, rest) = bytes.split_at(bytes.len().min(PIECE - piece.len()));
                    piece.extend_from_slice(part);
                    bytes = rest;
                }
                _ => pieces.push(self.piece()),
            }
        }
    }

    fn piece(&self) -> Vec<u8> {
        self.lock().pieces.pop().unwrap_or_else(|| Vec::with_capacity(PIECE))
    }

    pub(crate) fn return_piece(&self, mut piece: Vec<u8>) {
        piece.clear();
        self.lock().pieces.push(piece);
    }

    fn lock(&self) -> MutexGuard<'_, Shelves> {
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes one that fits, or else any: a new one takes its place.
fn take<T>(shelf: &mut Vec<T>, fits: impl FnMut(&T) -> bool) -> Option<T> {
    let place = shelf.iter().position(fits).or(shelf.len().checked_sub(1))?;
    Some(shelf.swap_remove(place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_hold_what_was_appended_and_are_used_again() {
        let stock = Stock::default();
        let mut pieces = Vec::new();
        let bytes: Vec<u8> = (0_u8..251).cycle().take(3 * PIECE + 5).collect();
        for part in bytes.chunks(PIECE / 2 + 1) {
            stock.append(&mut pieces, part);
        }
        assert_eq!((pieces.len(), pieces.concat() == bytes), (4, true));
        for piece in pieces.drain(..) {
            stock.return_piece(piece);
        }
        stock.append(&mut pieces, b"again");
        assert_eq!((pieces.concat(), stock.lock().pieces.len()), (b"again".to_vec(), 3));
    }

    #[test]
    fn an_encoder_takes_the_place_of_one_of_another_level() {
        let stock = Stock::default();
        let one = stock.take_encoder(1);
        stock.return_encoder(1, one);
        let two = stock.take_encoder(2);
        assert!(stock.lock().encoders.is_empty());
        stock.return_encoder(2, two);
        assert_eq!(stock.lock().encoders[0].0, 2);
    }
}
