//! Compression of layers: how it is chosen, and the engines, each a pure function of its input
//! and level.

mod check;
#[cfg(test)]
pub(crate) mod fault;
mod gzip;
mod zstd;

pub(crate) use check::BlockCheck;
pub use gzip::{BlockEncoder, DICTIONARY, EncodedBlock, GzipTrailer, header as gzip_header};
pub use zstd::FrameEncoder;

use crate::error::{Error, Result};

/// How a layer is compressed. The level is one that the engine has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all: the blob is the tar.
    None,
    /// One gzip member; levels 1–9.
    Gzip(u32),
    /// One zstd frame; levels 1–22.
    Zstd(u32),
}

impl Compression {
    /// The levels of gzip, fastest first.
    pub const GZIP_LEVELS: std::ops::RangeInclusive<u32> = 1..=9;
    /// The levels of zstd, fastest first.
    pub const ZSTD_LEVELS: std::ops::RangeInclusive<u32> = 1..=22;

    /// Faster and smaller than what other tools make without being asked for a level.
    const GZIP_DEFAULT: u32 = 4;
    const ZSTD_DEFAULT: u32 = 3;

    /// The compression called `name`, at `level` or at its default one.
    pub fn new(name: &str, level: Option<i64>) -> Result<Self> {
        let (levels, default, make): (_, _, fn(u32) -> Self) = match name {
            "gzip" => (Self::GZIP_LEVELS, Self::GZIP_DEFAULT, Self::Gzip),
            "zstd" => (Self::ZSTD_LEVELS, Self::ZSTD_DEFAULT, Self::Zstd),
            "none" if level.is_none() => return Ok(Self::None),
            "none" => return Err(Error::Argument("compression `none` has no levels".into())),
            _ => {
                let reason = format!("unknown compression `{name}`: use `gzip`, `zstd` or `none`");
                return Err(Error::Argument(reason));
            }
        };
        let Some(level) = level else {
            return Ok(make(default));
        };
        u32::try_from(level).ok().filter(|level| levels.contains(level)).map(make).ok_or_else(
            || {
                let (first, last) = (levels.start(), levels.end());
                Error::Argument(format!("{name} level {level} is not in the range {first}-{last}"))
            },
        )
    }
}

/// What becomes of the tar in a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoding {
    /// How it is compressed.
    pub compression: Compression,
    /// Whether what was compressed is decoded again and compared, before it is written.
    pub verify: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_checked_against_its_compression() {
        assert_eq!(Compression::new("gzip", None).unwrap(), Compression::Gzip(4));
        assert_eq!(Compression::new("zstd", Some(22)).unwrap(), Compression::Zstd(22));
        for (name, level) in [
            ("gzip", Some(0)),
            ("gzip", Some(10)),
            ("zstd", Some(23)),
            ("zstd", Some(-1)),
            ("none", Some(1)),
            ("xz", None),
        ] {
            let error = Compression::new(name, level).unwrap_err();
            assert!(matches!(error, Error::Argument(_)), "{error}");
        }
    }
}
