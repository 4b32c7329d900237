//! Numbers in the values of keywords: each `None` where the text is not of its form.

use std::str::FromStr;

use rustix::fs::{major, minor};

/// The systems whose device numbers libarchive knows; all are `major,minor` here.
const DEVICE_FORMATS: [&[u8]; 16] = [
    b"native", b"386bsd", b"4bsd", b"bsdos", b"freebsd", b"hpux", b"isc", b"linux", b"netbsd",
    b"osf1", b"sco", b"solaris", b"sunos", b"svr3", b"svr4", b"ultrix",
];

/// A mode: octal digits, up to `7777`.
pub(super) fn octal(value: &[u8]) -> Option<u32> {
    let digits = digits(value)?;
    u32::from_str_radix(digits, 8).ok().filter(|&mode| mode <= 0o7777)
}

/// Decimal digits, if `T` holds such a number.
pub(super) fn decimal<T: FromStr>(value: &[u8]) -> Option<T> {
    digits(value)?.parse().ok()
}

/// The seconds of `-2.500000000`, which means half a second after second -2 (`struct timespec`).
pub(super) fn seconds(value: &[u8]) -> Option<i64> {
    let mut parts = value.splitn(2, |&byte| byte == b'.');
    let whole = parts.next()?;
    if let Some(fraction) = parts.next() {
        digits(fraction)?;
    }
    let unsigned = whole.strip_prefix(b"-").unwrap_or(whole);
    digits(unsigned)?;
    std::str::from_utf8(whole).ok()?.parse().ok()
}

/// Nothing but digits, and at least one of them: no sign, no blank.
fn digits(value: &[u8]) -> Option<&str> {
    let is_number = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    is_number.then(|| std::str::from_utf8(value).ok())?
}

/// The major and minor number of a device, in any of the forms that mtree(5) has.
pub(super) fn device(value: &[u8]) -> Option<(u32, u32)> {
    let parts: Vec<&[u8]> = value.split(|&byte| byte == b',').collect();
    match *parts {
        // A number of this system, as its file system stores it.
        [number] => c_number(number).map(|number| (major(number), minor(number))),
        [major, minor] => Some((c_number32(major)?, c_number32(minor)?)),
        [format, major, minor] if DEVICE_FORMATS.contains(&format) => {
            Some((c_number32(major)?, c_number32(minor)?))
        }
        _ => None,
    }
}

/// A number as C writes it: `259`, `0x103` or `0403`.
fn c_number(value: &[u8]) -> Option<u64> {
    let (text, radix) = match value {
        [b'0', b'x' | b'X', rest @ ..] => (rest, 16),
        [b'0', rest @ ..] if !rest.is_empty() => (rest, 8),
        _ => (value, 10),
    };
    let text = std::str::from_utf8(text).ok().filter(|text| !text.starts_with('+'))?;
    u64::from_str_radix(text, radix).ok()
}

fn c_number32(value: &[u8]) -> Option<u32> {
    u32::try_from(c_number(value)?).ok()
}
