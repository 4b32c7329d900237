//! Numeric header fields: octal digits, or GNU's base-256 for what octal cannot hold.

/// Whether `value` fits `width` bytes as octal digits and a NUL.
pub(super) const fn fits_octal(width: usize, value: u64) -> bool {
    let bits = 3 * (width - 1);
    bits >= 64 || value >> bits == 0
}

/// Writes `value` as zero-padded octal digits and a NUL. The value must fit.
pub(super) fn write_octal(field: &mut [u8], mut value: u64) {
    debug_assert!(fits_octal(field.len(), value));
    let Some((terminator, digits)) = field.split_last_mut() else { return };
    *terminator = 0;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (value & 7) as u8;
        value >>= 3;
    }
}

/// Writes `value` as octal when it fits, else as big-endian base-256 with the top bit set.
pub(super) fn write_number(field: &mut [u8], value: u64) {
    if fits_octal(field.len(), value) {
        return write_octal(field, value);
    }
    field.fill(0);
    let bytes = value.to_be_bytes();
    let start = field.len() - bytes.len();
    field[start..].copy_from_slice(&bytes);
    field[0] |= 0x80;
}

/// Reads a field as octal digits between spaces and NULs, or as base-256 when its top bit is set;
/// an empty field is zero. `None` when it is neither, or beyond 64 bits.
pub(super) fn parse_number(field: &[u8]) -> Option<i64> {
    match field.first() {
        Some(first) if first & 0x80 != 0 => parse_base_256(field),
        _ => parse_octal(field),
    }
}

/// Reads octal digits between spaces and NULs; what follows a NUL inside is not looked at.
pub(super) fn parse_octal(field: &[u8]) -> Option<i64> {
    let used = |byte: &u8| !matches!(byte, b' ' | 0);
    let Some(start) = field.iter().position(used) else {
        return Some(0);
    };
    let end = field.iter().rposition(used)? + 1;
    let digits = field[start..end].split(|&byte| byte == 0).next()?;
    digits.iter().try_fold(0_i64, |value, &byte| match byte {
        b'0'..=b'7' => value.checked_mul(8)?.checked_add((byte - b'0').into()),
        _ => None,
    })
}

/// Reads GNU's binary form: a marker bit, then a big-endian two's complement number whose sign is
/// the bit after the marker.
fn parse_base_256(field: &[u8]) -> Option<i64> {
    let (&first, rest) = field.split_first()?;
    let negative = first & 0x40 != 0;
    let leading = if negative { i64::from(first) - 0x100 } else { i64::from(first & 0x7f) };
    rest.iter().try_fold(leading, |value, &byte| {
        value.checked_mul(256).map(|value| value | i64::from(byte))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_go_reads_them() {
        for (field, value) in [
            (&b""[..], Some(0)),
            (b"\x80", Some(0)),
            (b"\x80\0\0", Some(0)),
            (b"\xbf", Some(63)),
            (b"\xbf\xff", Some(16_383)),
            (b"\xbf\xff\xff", Some(4_194_303)),
            (b"\xff", Some(-1)),
            (b"\xff\xff\xff", Some(-1)),
            (b"\xc0", Some(-64)),
            (b"\xc0\0", Some(-16_384)),
            (b"\xc0\0\0", Some(-4_194_304)),
            (b"\x87\x76\xa2\x22\xeb\x8a\x72\x61", Some(537_795_476_381_659_745)),
            (b"\x80\0\0\0\x07\x76\xa2\x22\xeb\x8a\x72\x61", Some(537_795_476_381_659_745)),
            (b"\xf7\x76\xa2\x22\xeb\x8a\x72\x61", Some(-615_126_028_225_187_231)),
            (b"\xff\xff\xff\xff\xf7\x76\xa2\x22\xeb\x8a\x72\x61", Some(-615_126_028_225_187_231)),
            (b"\x80\x7f\xff\xff\xff\xff\xff\xff\xff", Some(i64::MAX)),
            (b"\x80\x80\0\0\0\0\0\0\0", None),
            (b"\xff\x80\0\0\0\0\0\0\0", Some(i64::MIN)),
            (b"\xff\x7f\xff\xff\xff\xff\xff\xff\xff", None),
            (b"\xf5\xec\xd1\xc7\x7e\x5f\x26\x48\x81\x9f\x8f\x9b", None),
            (b"0000000\0", Some(0)),
            (b" \x0000000\0", Some(0)),
            (b" \x00000003\0", Some(3)),
            (b"00000000227\0", Some(0o227)),
            (b"032033\0 ", Some(0o32033)),
            (b"0000660\0 ", Some(0o660)),
            (b"\0 0000660\0 ", Some(0o660)),
            (b"0123456789abcdef", None),
            (b"0123456789\0abcdef", None),
            (b"01234567\x0089abcdef", Some(0o1_234_567)),
            (b"0123~_&4123", None),
            (b"   \0\0", Some(0)),
            (b"12 \x003", None),
            (b"-1\0", None),
            (b"777777777777", Some(0o777_777_777_777)),
        ] {
            assert_eq!(parse_number(field), value, "{field:?}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        for value in [0, 7, 0o7_777_777, 0o10_000_000, 0o77_777_777_777, 1 << 33, 1 << 40, 1 << 62]
        {
            let mut field = [0; 12];
            write_number(&mut field, value);
            assert_eq!(parse_number(&field), i64::try_from(value).ok());
        }
    }
}
