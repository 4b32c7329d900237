//! The text of mtree(5): one line for each file of a tree, with what it is.
//!
//! Read as FreeBSD, NetBSD, libarchive (`bsdtar`) and go-mtree write it; written so that all of
//! them read it. Pure functions on bytes; nothing here opens a file.
//!
//! [`lines`] joins lines, [`parse`] knows which path a line is about, [`keyword`] reads what it
//! says of it, by [`value`]; [`write`] is the way back.

mod base64;
mod escape;
mod keyword;
mod lines;
mod parse;
mod value;
mod write;

pub(crate) use keyword::{Keywords, Type};
pub(crate) use parse::{Record, parse};
pub(crate) use write::{Names, SIGNATURE, write_line};

#[cfg(test)]
mod round_trip;
#[cfg(test)]
mod tests;
