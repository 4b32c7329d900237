//! One header block → its fields, before any extended header is looked at.

use super::super::number::{parse_number, parse_octal};
use super::super::{BLOCK, field};

/// The dialects that place different things after the device numbers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dialect {
    V7,
    Ustar,
    Star,
    Gnu,
}

/// What a header block says.
#[derive(Clone, Debug)]
pub(super) struct Header {
    pub(super) type_flag: u8,
    pub(super) name: Vec<u8>,
    pub(super) link: Vec<u8>,
    pub(super) mode: i64,
    pub(super) uid: i64,
    pub(super) gid: i64,
    pub(super) size: i64,
    pub(super) mtime: i64,
    pub(super) major: i64,
    pub(super) minor: i64,
    /// All of the block, if it is an old GNU sparse file's: its map stands behind these fields.
    pub(super) sparse_block: Option<Box<[u8; BLOCK]>>,
}

impl Header {
    /// Reads a block that is not all zeroes. The error says what is wrong with it.
    pub(super) fn parse(block: &[u8; BLOCK]) -> Result<Self, String> {
        verify_checksum(block)?;
        let dialect = dialect(block);
        let mut header = Self {
            type_flag: block[field::TYPE],
            name: text(&block[field::NAME]).to_vec(),
            link: text(&block[field::LINK]).to_vec(),
            mode: number(block, field::MODE, "mode")?,
            uid: number(block, field::UID, "owner")?,
            gid: number(block, field::GID, "group")?,
            size: number(block, field::SIZE, "size")?,
            mtime: number(block, field::MTIME, "time")?,
            major: 0,
            minor: 0,
            sparse_block: None,
        };
        // Star has the same type with another map.
        if header.type_flag == b'S' && dialect == Dialect::Gnu {
            header.sparse_block = Some(Box::new(*block));
        }
        if dialect != Dialect::V7 {
            header.major = number(block, field::MAJOR, "major device number")?;
            header.minor = number(block, field::MINOR, "minor device number")?;
        }
        let prefix = prefix(block, dialect)?;
        if !prefix.is_empty() {
            header.name = [prefix, b"/", &header.name].concat();
        }
        Ok(header)
    }
}

/// Old tars summed signed bytes, so either sum will do.
fn verify_checksum(block: &[u8; BLOCK]) -> Result<(), String> {
    let stated = parse_octal(&block[field::CHECKSUM])
        .ok_or("its checksum field is not an octal number: it is no tar header")?;
    let (mut unsigned, mut signed) = (0_i64, 0_i64);
    for (index, &byte) in block.iter().enumerate() {
        let byte = if field::CHECKSUM.contains(&index) { b' ' } else { byte };
        unsigned += i64::from(byte);
        signed += i64::from(byte.cast_signed());
    }
    if stated == unsigned || stated == signed {
        Ok(())
    } else {
        Err(format!("its checksum field says {stated}, its bytes sum to {unsigned}"))
    }
}

fn dialect(block: &[u8; BLOCK]) -> Dialect {
    match (&block[field::MAGIC], &block[field::VERSION]) {
        (b"ustar\0", _) if block[field::STAR_TRAILER] == *b"tar\0" => Dialect::Star,
        (b"ustar\0", _) => Dialect::Ustar,
        (b"ustar ", b" \0") => Dialect::Gnu,
        _ => Dialect::V7,
    }
}

/// The part of the name that stands before the name field.
fn prefix(block: &[u8; BLOCK], dialect: Dialect) -> Result<&[u8], String> {
    match dialect {
        Dialect::V7 => Ok(b""),
        Dialect::Ustar => Ok(text(&block[field::PREFIX])),
        Dialect::Star => {
            number(block, field::STAR_ATIME, "access time")?;
            number(block, field::STAR_CTIME, "change time")?;
            Ok(text(&block[field::STAR_PREFIX]))
        }
        Dialect::Gnu => Ok(misplaced_prefix(block)),
    }
}

/// GNU has times where ustar has the prefix. Go before 1.8 wrote a prefix there all the same, and
/// readers still take it for one when it cannot be times and is plain text.
fn misplaced_prefix(block: &[u8; BLOCK]) -> &[u8] {
    let is_time = |field: &[u8]| field[0] == 0 || parse_number(field).is_some();
    if is_time(&block[field::GNU_ATIME]) && is_time(&block[field::GNU_CTIME]) {
        return b"";
    }
    let prefix = text(&block[field::PREFIX]);
    if prefix.is_ascii() { prefix } else { b"" }
}

fn number(block: &[u8; BLOCK], field: std::ops::Range<usize>, what: &str) -> Result<i64, String> {
    let field = &block[field];
    parse_number(field)
        .ok_or_else(|| format!("its {what} field holds no number: `{}`", field.escape_ascii()))
}

/// A field's bytes up to the first NUL.
pub(super) fn text(field: &[u8]) -> &[u8] {
    field.split(|&byte| byte == 0).next().unwrap_or_default()
}
