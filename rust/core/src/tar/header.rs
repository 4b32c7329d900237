//! Entry → header blocks: ustar where it fits, a PAX record only for what does not.
//!
//! The choices are those of Go's `archive/tar` writer with its format left open, so that a layer
//! looks like one that docker or containerd wrote; the one addition is that a size above 8 GiB
//! stands in the header too, for readers that ignore the PAX record.

use std::borrow::Cow;

use super::number::{fits_octal, write_number, write_octal};
use super::pax::Records;
use super::{BLOCK, Entry, Kind, field};
use crate::error::{Error, Result, display_path};

const MAGIC: &[u8; 6] = b"ustar\0";
const VERSION: &[u8; 2] = b"00";
const NAME_SIZE: usize = 100;
const PREFIX_SIZE: usize = 155;

/// Go's reader, and so every engine, refuses more extended header than this for one member.
const MAX_PAX: usize = 1 << 20;

/// Appends the header blocks of `entry` to `out`: one, or three and more with PAX records.
///
/// Fails on what no record can say: an attribute name with `=`, a device number above 2 097 151,
/// or more than 1 MiB of records.
pub fn append_header(entry: &Entry, out: &mut Vec<u8>) -> Result<()> {
    let name = written_name(entry);
    let records = records_for(entry, &name)?;
    if records.is_empty() {
        out.extend_from_slice(&main_block(entry, &name, split_ustar(&name))?);
        return Ok(());
    }
    let records = records.as_bytes();
    out.extend_from_slice(&pax_block(&name, records.len() as u64));
    let end = out.len() + records.len().next_multiple_of(BLOCK);
    out.extend_from_slice(records);
    out.resize(end, 0);
    out.extend_from_slice(&main_block(entry, &name, None)?);
    Ok(())
}

/// Bytes of the header blocks of `entry`. Fails as [`append_header`] does.
pub(crate) fn header_size(entry: &Entry) -> Result<usize> {
    device_numbers(entry)?;
    let records = records_for(entry, &written_name(entry))?;
    let records = records.as_bytes().len();
    Ok(if records == 0 { BLOCK } else { 2 * BLOCK + records.next_multiple_of(BLOCK) })
}

/// The header of a member of an image archive: a plain file with a short name, of any size, in
/// exactly one block, so that it can be written after its content. `None` for a name of more than
/// 100 bytes.
#[must_use]
pub fn archive_member_header(name: &str, size: u64) -> Option<[u8; BLOCK]> {
    if name.len() > NAME_SIZE {
        return None;
    }
    let mut block = [0; BLOCK];
    write_text(&mut block[field::NAME], name.as_bytes());
    write_octal(&mut block[field::MODE], 0o644);
    write_octal(&mut block[field::UID], 0);
    write_octal(&mut block[field::GID], 0);
    write_number(&mut block[field::SIZE], size);
    write_octal(&mut block[field::MTIME], 0);
    write_octal(&mut block[field::MAJOR], 0);
    write_octal(&mut block[field::MINOR], 0);
    Some(seal(block, b'0'))
}

/// The path as it stands in the header: a directory ends in a slash, the root is `./`.
fn written_name(entry: &Entry) -> Cow<'_, [u8]> {
    let path = if entry.path.is_empty() { b"." } else { &*entry.path };
    if entry.is_directory() { [path, b"/"].concat().into() } else { path.into() }
}

/// All that the ustar fields cannot hold, sorted by key.
fn records_for(entry: &Entry, name: &[u8]) -> Result<Records> {
    let mut records = Records::default();
    for xattr in &entry.xattrs {
        if xattr.name.contains(&b'=') {
            let reason = format!(
                "its attribute `{}` has a `=` in its name",
                String::from_utf8_lossy(&xattr.name)
            );
            return Err(Error::unsupported(display_path(&entry.path), reason));
        }
        records.push(&[b"SCHILY.xattr.", &*xattr.name].concat(), &xattr.value);
    }
    if !fits_octal(8, entry.gid.into()) {
        records.push(b"gid", entry.gid.to_string().as_bytes());
    }
    if let Kind::Symlink(link) | Kind::HardLink(link) = &entry.kind
        && (link.len() > NAME_SIZE || !link.is_ascii())
    {
        records.push(b"linkpath", link);
    }
    if octal_mtime(entry.mtime).is_none() {
        records.push(b"mtime", entry.mtime.to_string().as_bytes());
    }
    // A name that the prefix field could hold still needs its record once there is another one:
    // readers take the header's own name as it stands then, without a prefix.
    let size_in_pax = !fits_octal(12, entry.size);
    let uid_in_pax = !fits_octal(8, entry.uid.into());
    let others = !records.is_empty() || size_in_pax || uid_in_pax;
    if !name.is_ascii() || name.len() > NAME_SIZE && (others || split_ustar(name).is_none()) {
        records.push(b"path", name);
    }
    if size_in_pax {
        records.push(b"size", entry.size.to_string().as_bytes());
    }
    if uid_in_pax {
        records.push(b"uid", entry.uid.to_string().as_bytes());
    }
    if records.as_bytes().len() > MAX_PAX {
        let reason = format!("it needs more than {MAX_PAX} bytes of extended header");
        return Err(Error::unsupported(display_path(&entry.path), reason));
    }
    Ok(records)
}

/// The `x` block that announces `size` bytes of records.
fn pax_block(name: &[u8], size: u64) -> [u8; BLOCK] {
    let slash = name.iter().rposition(|&byte| byte == b'/').map_or(0, |at| at + 1);
    let (directory, file) = name.split_at(slash);
    let mut pax_name = [&*ascii(directory), b"PaxHeaders.0/", &*ascii(file)].concat();
    pax_name.truncate(NAME_SIZE);
    while pax_name.last() == Some(&b'/') {
        pax_name.pop();
    }
    let mut block = [0; BLOCK];
    write_text(&mut block[field::NAME], &pax_name);
    write_octal(&mut block[field::MODE], 0);
    write_octal(&mut block[field::UID], 0);
    write_octal(&mut block[field::GID], 0);
    write_octal(&mut block[field::SIZE], size);
    write_octal(&mut block[field::MTIME], 0);
    seal(block, b'x')
}

/// The header block proper. `split` is the name as prefix and rest, when it has to be split.
fn main_block(entry: &Entry, name: &[u8], split: Option<(&[u8], &[u8])>) -> Result<[u8; BLOCK]> {
    let mut block = [0; BLOCK];
    let (prefix, rest) = split.unwrap_or((b"", name));
    write_text(&mut block[field::NAME], &ascii(rest));
    write_text(&mut block[field::PREFIX], prefix);
    write_octal(&mut block[field::MODE], (entry.mode & 0o7777).into());
    write_octal(&mut block[field::UID], octal_or_zero(8, entry.uid.into()));
    write_octal(&mut block[field::GID], octal_or_zero(8, entry.gid.into()));
    write_number(&mut block[field::SIZE], entry.size);
    write_octal(&mut block[field::MTIME], octal_mtime(entry.mtime).unwrap_or(0));
    if let Kind::Symlink(link) | Kind::HardLink(link) = &entry.kind {
        write_text(&mut block[field::LINK], &ascii(link));
    }
    let (major, minor) = device_numbers(entry)?;
    write_octal(&mut block[field::MAJOR], major.into());
    write_octal(&mut block[field::MINOR], minor.into());
    Ok(seal(block, type_flag(&entry.kind)))
}

/// Sets type, magic and checksum: the last step of every block.
fn seal(mut block: [u8; BLOCK], type_flag: u8) -> [u8; BLOCK] {
    block[field::TYPE] = type_flag;
    block[field::MAGIC].copy_from_slice(MAGIC);
    block[field::VERSION].copy_from_slice(VERSION);
    // The checksum is taken with its own field as spaces.
    block[field::CHECKSUM].fill(b' ');
    let sum: u64 = block.iter().map(|&byte| u64::from(byte)).sum();
    write_octal(&mut block[field::CHECKSUM][..7], sum);
    block
}

const fn type_flag(kind: &Kind) -> u8 {
    match kind {
        Kind::Regular => b'0',
        Kind::HardLink(_) => b'1',
        Kind::Symlink(_) => b'2',
        Kind::CharDevice { .. } => b'3',
        Kind::BlockDevice { .. } => b'4',
        Kind::Directory => b'5',
        Kind::Fifo => b'6',
    }
}

fn device_numbers(entry: &Entry) -> Result<(u32, u32)> {
    let (Kind::CharDevice { major, minor } | Kind::BlockDevice { major, minor }) = entry.kind
    else {
        return Ok((0, 0));
    };
    if fits_octal(8, major.into()) && fits_octal(8, minor.into()) {
        Ok((major, minor))
    } else {
        let reason = format!("its device number {major}:{minor} is too large for tar");
        Err(Error::unsupported(display_path(&entry.path), reason))
    }
}

/// A time that the octal field holds: from 1970 to 2242.
fn octal_mtime(mtime: i64) -> Option<u64> {
    u64::try_from(mtime).ok().filter(|&mtime| fits_octal(12, mtime))
}

/// The value, or zero where a PAX record says it.
const fn octal_or_zero(width: usize, value: u64) -> u64 {
    if fits_octal(width, value) { value } else { 0 }
}

/// Splits a long name at a slash so that both parts fit the prefix and name fields; `None` when
/// the name is short enough, not ASCII, or has no such slash.
fn split_ustar(name: &[u8]) -> Option<(&[u8], &[u8])> {
    if name.len() <= NAME_SIZE || !name.is_ascii() {
        return None;
    }
    let searched = match name {
        _ if name.len() > PREFIX_SIZE + 1 => &name[..=PREFIX_SIZE],
        [shorter @ .., b'/'] => shorter,
        _ => name,
    };
    let slash = searched.iter().rposition(|&byte| byte == b'/')?;
    let (prefix, rest) = (&name[..slash], &name[slash + 1..]);
    (slash > 0 && !rest.is_empty() && rest.len() <= NAME_SIZE).then_some((prefix, rest))
}

/// What a header field shows of a name whose true bytes stand in a PAX record.
fn ascii(text: &[u8]) -> Cow<'_, [u8]> {
    if text.is_ascii() {
        return text.into();
    }
    text.iter().copied().filter(u8::is_ascii).collect()
}

/// Copies `text` into a field, cut to its width.
fn write_text(field: &mut [u8], text: &[u8]) {
    let length = text.len().min(field.len());
    field[..length].copy_from_slice(&text[..length]);
    // A cut that happens to end in a slash would turn a file into a directory for old readers.
    if text.len() > length && field[length - 1] == b'/' {
        field[length - 1] = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Reader, Xattr};
    use super::*;

    const GIB_8: u64 = 8 << 30;

    fn file(path: &[u8], size: u64) -> Entry {
        let directory = Entry::implied_directory(path, 0);
        Entry { kind: Kind::Regular, size, ..directory }
    }

    fn header(entry: &Entry) -> Vec<u8> {
        let mut out = Vec::new();
        append_header(entry, &mut out).unwrap();
        assert_eq!(header_size(entry).unwrap(), out.len());
        out
    }

    #[test]
    fn what_fits_ustar_takes_one_block() {
        assert_eq!(header(&file(&[b'n'; 100], GIB_8 - 1)).len(), BLOCK);
        let split = [&[b'p'; 155][..], b"/", &[b'n'; 100]].concat();
        assert_eq!(header(&file(&split, 0)).len(), BLOCK);
    }

    #[test]
    fn what_does_not_fit_takes_a_record() {
        let long = [b'n'; 101];
        let split = [&[b'p'; 156][..], b"/", &[b'n'; 100]].concat();
        for (entry, record) in [
            (file(&long, 0), [b"111 path=".as_slice(), &long, b"\n"].concat()),
            (file(&split, 0), [b"267 path=".as_slice(), &split, b"\n"].concat()),
            (file("é".as_bytes(), 0), "11 path=é\n".into()),
            (Entry { mtime: -1, ..file(b"f", 0) }, b"12 mtime=-1\n".to_vec()),
            (Entry { uid: 2_097_152, ..file(b"f", 0) }, b"15 uid=2097152\n".to_vec()),
        ] {
            let header = header(&entry);
            assert_eq!(header[BLOCK..BLOCK + record.len()], record);
            assert_eq!(Reader::new(&header[..]).next_member().unwrap().unwrap().entry, entry);
        }
    }

    #[test]
    fn a_size_from_8_gib_stands_in_record_and_header() {
        let header = header(&file(b"f", GIB_8));
        assert!(header[BLOCK..].starts_with(b"19 size=8589934592\n"));
        let field = &header[2 * BLOCK..][field::SIZE];
        assert_eq!(field, [0x80, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0]);
    }

    #[test]
    fn a_member_of_an_image_archive_has_one_block_whatever_its_size() {
        for size in [0, 1, GIB_8 - 1, GIB_8, 1 << 50] {
            let header = archive_member_header("blobs/sha256/0", size).unwrap();
            let member = Reader::new(&header[..]).next_member().unwrap().unwrap();
            assert_eq!((member.entry.size, &*member.name), (size, &b"blobs/sha256/0"[..]));
        }
        assert_eq!(archive_member_header(&"n".repeat(101), 0), None);
    }

    #[test]
    fn what_no_record_can_say_is_refused() {
        let name = b"user.a=b"[..].into();
        let xattrs = [Xattr { name, value: Box::default() }];
        let device = Kind::CharDevice { major: 0, minor: 1 << 21 };
        let value = vec![0; 1 << 19].into_boxed_slice();
        let many = ["user.a", "user.b"]
            .map(|name| Xattr { name: name.as_bytes().into(), value: value.clone() });
        for entry in [
            Entry { xattrs: xattrs.into(), ..file(b"f", 0) },
            Entry { kind: device, ..file(b"f", 0) },
            Entry { xattrs: many.into(), ..file(b"f", 0) },
        ] {
            let error = append_header(&entry, &mut Vec::new()).unwrap_err();
            assert!(matches!(error, Error::Unsupported { .. }), "{error}");
            assert_eq!(header_size(&entry).unwrap_err().to_string(), error.to_string());
        }
    }
}
