//! Byte ranges of the fields of a header block: ustar's (POSIX.1-1988), and what other dialects
//! place behind them.

use std::ops::Range;

pub(super) const NAME: Range<usize> = 0..100;
pub(super) const MODE: Range<usize> = 100..108;
pub(super) const UID: Range<usize> = 108..116;
pub(super) const GID: Range<usize> = 116..124;
pub(super) const SIZE: Range<usize> = 124..136;
pub(super) const MTIME: Range<usize> = 136..148;
pub(super) const CHECKSUM: Range<usize> = 148..156;
pub(super) const TYPE: usize = 156;
pub(super) const LINK: Range<usize> = 157..257;
pub(super) const MAGIC: Range<usize> = 257..263;
pub(super) const VERSION: Range<usize> = 263..265;
pub(super) const MAJOR: Range<usize> = 329..337;
pub(super) const MINOR: Range<usize> = 337..345;
pub(super) const PREFIX: Range<usize> = 345..500;
pub(super) const STAR_PREFIX: Range<usize> = 345..476;
pub(super) const STAR_ATIME: Range<usize> = 476..488;
pub(super) const STAR_CTIME: Range<usize> = 488..500;
pub(super) const STAR_TRAILER: Range<usize> = 508..512;
pub(super) const GNU_ATIME: Range<usize> = 345..357;
pub(super) const GNU_CTIME: Range<usize> = 357..369;
/// Four places for stretches of a sparse file, whether a block with more follows, and its size.
pub(super) const GNU_SPARSE: Range<usize> = 386..482;
pub(super) const GNU_IS_EXTENDED: usize = 482;
pub(super) const GNU_REAL_SIZE: Range<usize> = 483..495;
/// The same in a block that follows: 21 places.
pub(super) const EXTENSION_SPARSE: Range<usize> = 0..504;
pub(super) const EXTENSION_IS_EXTENDED: usize = 504;
