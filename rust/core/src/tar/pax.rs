//! PAX extended header records (POSIX.1-2001): `LENGTH KEY=VALUE\n`.

/// Records for one member, in the order that they will be written.
#[derive(Default)]
pub(super) struct Records {
    bytes: Vec<u8>,
}

impl Records {
    /// Adds one record. Keys are added sorted, as Go's writer does.
    pub(super) fn push(&mut self, key: &[u8], value: &[u8]) {
        let length = record_length(key.len() + value.len());
        self.bytes.extend_from_slice(length.to_string().as_bytes());
        self.bytes.push(b' ');
        self.bytes.extend_from_slice(key);
        self.bytes.push(b'=');
        self.bytes.extend_from_slice(value);
        self.bytes.push(b'\n');
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// The length of a record counts its own digits.
fn record_length(payload: usize) -> usize {
    let rest = payload + " =\n".len();
    let mut length = rest + 1;
    while rest + digits(length) != length {
        length = rest + digits(length);
    }
    length
}

fn digits(number: usize) -> usize {
    number.checked_ilog10().map_or(1, |log| log as usize + 1)
}

/// One record at the start of `bytes` and what follows it; `None` when it breaks the grammar.
///
/// As strict as Go: the length may have leading zeros or a plus sign, but it must end exactly at a
/// newline; keys are not empty and hold no NUL; neither do values that stand for header strings.
pub(super) fn parse_record(bytes: &[u8]) -> Option<(Record<'_>, &[u8])> {
    let space = bytes.iter().position(|&byte| byte == b' ')?;
    let length = usize::try_from(parse_decimal(&bytes[..space])?).ok()?;
    if length > bytes.len() {
        return None;
    }
    let (record, rest) = bytes.split_at(length);
    let body = record.get(space + 1..)?.strip_suffix(b"\n")?;
    let equals = body.iter().position(|&byte| byte == b'=')?;
    let (key, value) = (&body[..equals], &body[equals + 1..]);
    let checked = match key {
        b"path" | b"linkpath" | b"uname" | b"gname" => value,
        _ => key,
    };
    (!key.is_empty() && !checked.contains(&0)).then_some((Record { key, value }, rest))
}

/// A record that was read.
pub(super) struct Record<'a> {
    pub(super) key: &'a [u8],
    pub(super) value: &'a [u8],
}

/// Decimal digits with an optional sign.
pub(super) fn parse_decimal(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// The whole second in which a time like `-1.5` lies: that one is in second -2.
pub(super) fn parse_time(text: &[u8]) -> Option<i64> {
    let dot = text.iter().position(|&byte| byte == b'.');
    let (seconds, fraction) = text.split_at(dot.unwrap_or(text.len()));
    let fraction = fraction.get(1..).unwrap_or_default();
    if !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let whole = parse_decimal(seconds)?;
    // Go keeps nine digits and drops the rest, so less than a nanosecond before a second is none.
    let below = fraction.iter().take(9).any(|&digit| digit != b'0');
    if below && seconds.starts_with(b"-") { whole.checked_sub(1) } else { Some(whole) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(key: &[u8], value: &[u8]) -> Vec<u8> {
        let mut records = Records::default();
        records.push(key, value);
        records.bytes
    }

    #[test]
    fn a_record_counts_its_own_digits() {
        assert_eq!(record(b"k", b"v"), b"6 k=v\n");
        assert_eq!(record(b"path", b"/etc/hosts"), b"19 path=/etc/hosts\n");
        // 98 + 2 digits would be 100, which takes three: the length skips 100.
        for payload in 0..2000 {
            let value = vec![b'x'; payload];
            let bytes = record(b"key", &value);
            let text = bytes.split(|&byte| byte == b' ').next().unwrap();
            assert_eq!(std::str::from_utf8(text).unwrap().parse::<usize>().unwrap(), bytes.len());
        }
    }

    #[test]
    fn records_are_read_as_go_reads_them() {
        let medium = [&b"110 path="[..], &[b'a'; 100], b"\n"].concat();
        for (bytes, key, value, rest) in [
            (&b"6 k=v\n\n"[..], &b"k"[..], &b"v"[..], &b"\n"[..]),
            (b"19 path=/etc/hosts\n", b"path", b"/etc/hosts", b""),
            (&medium, b"path", &[b'a'; 100], b""),
            (b"11 foo=bar\n\0", b"foo", b"bar", b"\0"),
            (b"18 foo=b=\nar=\n==\0\n", b"foo", b"b=\nar=\n==\0", b""),
            (b"27 foo=hello9 foo=ba\nworld\n", b"foo", b"hello9 foo=ba\nworld", b""),
            (b"07 k=v\n", b"k", b"v", b""),
            (b"+7 k=v\n", b"k", b"v", b""),
            (b"5 k=\n", b"k", b"", b""),
        ] {
            let (record, after) = parse_record(bytes).unwrap();
            assert_eq!((record.key, record.value, after), (key, value, rest));
        }
    }

    #[test]
    fn records_that_break_the_grammar_are_refused() {
        for bytes in [
            &b""[..],
            b"17 \0hello=\0world\n",
            b"1 k=1\n",
            b"6 k~1\n",
            b"6_k=1\n",
            b"6 k=1 ",
            b"632 k=1\n",
            b"16 longkeyname=hahaha\n",
            b"3 somelongkey=\n",
            b"50 tooshort=\n",
            b"0000000000000000000000000000000030 mtime=1432668921.098285006\n30 ctime=2147483649.1",
            b"0 k=v\n",
            b"06 k=v\n",
            b"-6 k=v\n",
            b"5 =v\n",
            b"12 path=a\0b\n",
            b"2 \n",
            b"3 \n",
            b"99999999999999999999 k=v\n",
        ] {
            assert!(parse_record(bytes).is_none(), "{bytes:?}");
        }
    }

    #[test]
    fn times_are_brought_to_the_second_they_lie_in() {
        for (text, seconds) in [
            ("1350244992.023960108", Some(1_350_244_992)),
            ("1350244992", Some(1_350_244_992)),
            ("1.", Some(1)),
            ("+1.5", Some(1)),
            ("0.0", Some(0)),
            ("-0.0", Some(0)),
            ("-0.1", Some(-1)),
            ("-0.0000000001", Some(0)),
            ("-1", Some(-1)),
            ("-1.000000001", Some(-2)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("-9223372036854775808.5", None),
            ("", None),
            (".5", None),
            ("-", None),
            ("+", None),
            ("-1.-1", None),
            ("1 ", None),
            ("99999999999999999999999999999999999999999999999", None),
            ("0.123456789abcdef", None),
            ("foo", None),
            ("\0", None),
            ("𝟵𝟴𝟳𝟲𝟱.𝟰𝟯𝟮𝟭𝟬", None),
        ] {
            assert_eq!(parse_time(text.as_bytes()), seconds, "{text}");
        }
    }
}
