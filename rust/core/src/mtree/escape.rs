//! Names and link targets as words: vis(3) and its way back.

/// Appends `name` to `out` with three octal digits for whatever could mean something in a line.
///
/// These are libarchive's choices, which are the most careful ones; every reader takes them.
pub(super) fn escape(name: &[u8], out: &mut Vec<u8>) {
    for &byte in name {
        if byte.is_ascii_graphic() && !b"#*=?[\\".contains(&byte) {
            out.push(byte);
        } else {
            let digits = [byte >> 6, byte >> 3 & 7, byte & 7].map(|digit| b'0' + digit);
            out.push(b'\\');
            out.extend_from_slice(&digits);
        }
    }
}

/// The bytes that a word stands for, in any style that vis(3) writes; else what is wrong with it.
pub(super) fn unescape(word: &[u8]) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(word.len());
    let mut rest = word;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let (byte, after) = sequence(rest).ok_or_else(|| {
            format!("`{}` has a backslash before what is no escape", word.escape_ascii())
        })?;
        bytes.extend(byte);
        rest = after;
    }
    if bytes.contains(&0) {
        return Err(format!("`{}` holds a NUL byte", word.escape_ascii()));
    }
    Ok(bytes)
}

/// What a backslash and the start of `text` stand for, and what follows it.
fn sequence(text: &[u8]) -> Option<(Option<u8>, &[u8])> {
    let (&first, rest) = text.split_first()?;
    let byte = match first {
        b'0'..=b'7' => return octal(text),
        b'x' => return hexadecimal(rest),
        b'^' => return control(rest),
        b'M' => return meta(rest),
        // Marks the end of an escape that could run on.
        b'$' => return Some((None, rest)),
        b'a' => 7,
        b'b' => 8,
        b't' => b'\t',
        b'n' => b'\n',
        b'v' => 11,
        b'f' => 12,
        b'r' => b'\r',
        b's' => b' ',
        b'E' => 27,
        _ if first.is_ascii_punctuation() => first,
        _ => return None,
    };
    Some((Some(byte), rest))
}

/// One to three digits, as many as there are.
fn octal(text: &[u8]) -> Option<(Option<u8>, &[u8])> {
    let count = text.iter().take(3).take_while(|digit| matches!(digit, b'0'..=b'7')).count();
    let (digits, rest) = text.split_at(count);
    let value = digits.iter().fold(0, |value, digit| value << 3 | u32::from(digit - b'0'));
    Some((Some(u8::try_from(value).ok()?), rest))
}

/// Two digits.
fn hexadecimal(text: &[u8]) -> Option<(Option<u8>, &[u8])> {
    let (digits, rest) = text.split_at_checked(2)?;
    let [high, low] = [digits[0], digits[1]].map(|digit| char::from(digit).to_digit(16));
    Some((u8::try_from(high? << 4 | low?).ok(), rest))
}

/// `^A` is the byte 1, `^?` is 127.
fn control(text: &[u8]) -> Option<(Option<u8>, &[u8])> {
    let (&character, rest) = text.split_first()?;
    let byte = if character == b'?' { 0x7f } else { character & 0x1f };
    character.is_ascii_graphic().then_some((Some(byte), rest))
}

/// `M-a` is `a` with its highest bit set, `M^A` a control character with it.
fn meta(text: &[u8]) -> Option<(Option<u8>, &[u8])> {
    let (byte, rest) = match text {
        [b'-', byte, rest @ ..] if byte.is_ascii_graphic() => (*byte, rest),
        [b'^', rest @ ..] => {
            let (byte, rest) = control(rest)?;
            (byte?, rest)
        }
        _ => return None,
    };
    Some((Some(byte | 0x80), rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_style_of_vis_is_read() {
        for (word, name) in [
            (&br"plain-name"[..], &b"plain-name"[..]),
            (br"sp\040ace\012", b"sp ace\n"),
            (br"\303\274", "\u{fc}".as_bytes()),
            (br"\M-C\M-<", "\u{fc}".as_bytes()),
            (br"a\sb\tc\nd\re\vf\fg\ah\bi\E", b"a b\tc\nd\re\x0bf\x0cg\x07h\x08i\x1b"),
            (br"back\\slash\#\*\?\[", b"back\\slash#*?["),
            (br"\^A\^?\M^A\M^?", b"\x01\x7f\x81\xff"),
            (br"\xfF\7a\1\$2", b"\xff\x07a\x012"),
        ] {
            assert_eq!(unescape(word).as_deref(), Ok(name), "{}", word.escape_ascii());
        }
    }

    #[test]
    fn an_escape_that_is_none_is_named() {
        for word in
            [&br"a\"[..], br"\q", br"\400", br"\x1", br"\xg0", br"\M", br"\Ma", br"\^", b"\\ "]
        {
            let reason = unescape(word).unwrap_err();
            assert!(reason.contains("is no escape"), "{reason}");
        }
    }

    #[test]
    fn no_name_holds_a_nul() {
        for word in [&br"\0"[..], br"a\000b", b"a\0b"] {
            assert!(unescape(word).unwrap_err().contains("NUL"));
        }
    }

    #[test]
    fn what_could_mean_something_is_written_in_octal() {
        let mut word = Vec::new();
        escape(b"#a b=[c]?*\\\n\xff~", &mut word);
        assert_eq!(word, br"\043a\040b\075\133c]\077\052\134\012\377~");
    }

    proptest! {
        #[test]
        fn any_name_comes_back(name in prop::collection::vec(1..=u8::MAX, 0..40)) {
            let mut word = Vec::new();
            escape(&name, &mut word);
            prop_assert!(word.iter().all(u8::is_ascii_graphic));
            prop_assert_eq!(unescape(&word), Ok(name));
        }

        #[test]
        fn no_word_is_too_strange(word in prop::collection::vec(any::<u8>(), 0..40)) {
            _ = unescape(&word);
        }
    }
}
