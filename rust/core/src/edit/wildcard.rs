//! Shell patterns as fnmatch(3) reads them without flags, byte by byte.

/// A pattern in which `*` stands for anything, slashes too.
#[derive(Clone, Debug)]
pub(super) struct Wildcard {
    tokens: Vec<Token>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Byte(u8),
    /// `?`
    Any,
    /// `*`
    Star,
    /// `[…]`, or `[!…]` for the bytes that are not in it.
    Set {
        negated: bool,
        ranges: Vec<(u8, u8)>,
    },
}

impl Wildcard {
    /// Every text is a pattern: what is not complete stands for itself.
    pub(super) fn parse(pattern: &[u8]) -> Self {
        let mut tokens = Vec::new();
        let mut rest = pattern;
        while let [first, after @ ..] = rest {
            rest = after;
            tokens.push(match (first, after) {
                (b'*', _) => Token::Star,
                (b'?', _) => Token::Any,
                (b'\\', [escaped, behind @ ..]) => {
                    rest = behind;
                    Token::Byte(*escaped)
                }
                (b'[', _) => match set(after) {
                    Some((set, behind)) => {
                        rest = behind;
                        set
                    }
                    None => Token::Byte(b'['),
                },
                (byte, _) => Token::Byte(*byte),
            });
        }
        Self { tokens }
    }

    /// Whether the whole of `text` is matched, in time proportional to text × pattern.
    pub(super) fn matches(&self, text: &[u8]) -> bool {
        let (mut at, mut token) = (0, 0);
        // Where the last star began to match, and the token after it.
        let mut star: Option<(usize, usize)> = None;
        while at < text.len() {
            match self.tokens.get(token) {
                Some(Token::Star) => {
                    token += 1;
                    star = Some((at, token));
                }
                Some(one) if one.takes(text[at]) => {
                    at += 1;
                    token += 1;
                }
                _ => match &mut star {
                    // The star takes one byte more.
                    Some((from, after)) => {
                        *from += 1;
                        (at, token) = (*from, *after);
                    }
                    None => return false,
                },
            }
        }
        self.tokens[token..].iter().all(|token| *token == Token::Star)
    }
}

impl Token {
    fn takes(&self, byte: u8) -> bool {
        match self {
            Self::Byte(own) => *own == byte,
            Self::Any => true,
            Self::Star => false,
            Self::Set { negated, ranges } => {
                ranges.iter().any(|&(low, high)| (low..=high).contains(&byte)) != *negated
            }
        }
    }
}

/// A set whose `[` was read, and what follows it; none if it has no end.
fn set(text: &[u8]) -> Option<(Token, &[u8])> {
    let (negated, mut rest) = match text {
        [b'!' | b'^', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    let mut ranges = Vec::new();
    loop {
        // A `]` that comes first is a member.
        let (low, after) = match rest {
            [b']', after @ ..] if !ranges.is_empty() => {
                return Some((Token::Set { negated, ranges }, after));
            }
            [b'\\', byte, after @ ..] | [byte, after @ ..] => (*byte, after),
            [] => return None,
        };
        let (high, after) = match after {
            [b'-', b'\\', high, after @ ..] => (*high, after),
            [b'-', high, after @ ..] if *high != b']' => (*high, after),
            _ => (low, after),
        };
        ranges.push((low, high));
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_a_shell_but_for_slashes() {
        for (pattern, text, matched) in [
            ("/usr/share/doc/*", "/usr/share/doc/a", true),
            ("/usr/share/doc/*", "/usr/share/doc/a/b", true),
            ("/usr/share/doc/*", "/usr/share/doc", false),
            ("/usr/share/doc/*/copyright", "/usr/share/doc/a/b/copyright", true),
            ("/usr/share/doc/*/copyright", "/usr/share/doc/copyright", false),
            ("*.gz", "/a/b.gz", true),
            ("/a?c", "/a/c", true),
            ("/[a-c]x", "/bx", true),
            ("/[!a-c]x", "/bx", false),
            ("/[^a-c]x", "/dx", true),
            ("/[]a]", "/]", true),
            ("/[a-]", "/-", true),
            ("/[a", "/[a", true),
            ("/\\*", "/*", true),
            ("/\\*", "/a", false),
            ("/a\\", "/a\\", true),
            ("**", "", true),
            ("", "", true),
            ("", "a", false),
            ("*a*b", "aaaaab", true),
            ("*a*b", "aaaaaba", false),
        ] {
            let wildcard = Wildcard::parse(pattern.as_bytes());
            assert_eq!(wildcard.matches(text.as_bytes()), matched, "{pattern} {text}");
        }
    }
}
