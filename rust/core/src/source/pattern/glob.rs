//! One pattern: compiled to steps and matched in time proportional to path × steps.

/// A pattern without `!`.
#[derive(Clone, Debug)]
pub(super) enum Glob {
    /// No special characters: the path itself.
    Exact(Box<[u8]>),
    /// Special only in a `**` at its start: what the path ends in. moby lets `**x` match `ax`, but
    /// `**/x` only whole parts.
    Suffix(Box<[u8]>),
    /// Everything else.
    Steps(Box<[Step]>),
}

/// One step of a pattern.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    /// This character.
    Char(u32),
    /// `?`: any character but the slash.
    Any,
    /// `[…]`: a character inside, or with `^` outside, of these ranges.
    Class { negated: bool, ranges: Box<[(u32, u32)]> },
    /// `*`: any characters but slashes.
    Star,
    /// `**` before more: nothing, or anything that ends in a slash.
    Parts,
    /// `**` at the end: anything.
    Rest,
}

impl Glob {
    /// Compiles a pattern that is not empty. The error says what is wrong with it.
    pub(super) fn compile(pattern: &[u8]) -> Result<Self, &'static str> {
        let steps = steps(pattern)?;
        let literal = |text: &&[u8]| !text.iter().any(|byte| b"*?[\\".contains(byte));
        Ok(if literal(&pattern) {
            Self::Exact(pattern.into())
        } else if let Some(suffix) = pattern.strip_prefix(b"**").filter(literal) {
            Self::Suffix(suffix.into())
        } else {
            Self::Steps(steps.into())
        })
    }

    /// Whether the pattern matches `path` or a directory that it lies in.
    pub(super) fn covers(&self, path: &[u8]) -> bool {
        match self {
            Self::Exact(exact) => with_parents(path).any(|path| *path == **exact),
            Self::Suffix(suffix) => with_parents(path).any(|path| ends_in(path, suffix)),
            Self::Steps(steps) => run(steps, path, true),
        }
    }

    /// Whether the pattern matches `path` itself.
    pub(super) fn matches(&self, path: &[u8]) -> bool {
        match self {
            Self::Exact(exact) => *path == **exact,
            Self::Suffix(suffix) => ends_in(path, suffix),
            Self::Steps(steps) => run(steps, path, false),
        }
    }
}

/// `path` and its parents, the longest first, without the root.
fn with_parents(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::successors(Some(path), |path| {
        path.iter().rposition(|&byte| byte == b'/').map(|slash| &path[..slash])
    })
}

fn ends_in(path: &[u8], suffix: &[u8]) -> bool {
    path.ends_with(suffix) || suffix.strip_prefix(b"/") == Some(path)
}

/// Runs over the path once with the set of all steps that may come next, so that no pattern can
/// make it try again.
fn run(steps: &[Step], path: &[u8], parents_too: bool) -> bool {
    let mut current = vec![false; steps.len() + 1];
    let mut next = current.clone();
    enter(steps, 0, &mut current);
    let mut rest = path;
    while let Some((character, after)) = split_char(rest) {
        // At a slash, what lies before it is a parent.
        if parents_too && character == SLASH && current[steps.len()] {
            return true;
        }
        next.fill(false);
        for (index, step) in steps.iter().enumerate().filter(|&(index, _)| current[index]) {
            match step {
                Step::Star if character == SLASH => {}
                Step::Star | Step::Rest => enter(steps, index, &mut next),
                Step::Parts => {
                    next[index] = true;
                    if character == SLASH {
                        enter(steps, index + 1, &mut next);
                    }
                }
                step if step.takes(character) => enter(steps, index + 1, &mut next),
                _ => {}
            }
        }
        std::mem::swap(&mut current, &mut next);
        rest = after;
    }
    current[steps.len()]
}

/// Marks the step at `index` and those that may be reached from it without a character.
fn enter(steps: &[Step], mut index: usize, marked: &mut [bool]) {
    loop {
        let known = std::mem::replace(&mut marked[index], true);
        match steps.get(index) {
            // A mark on this one may come from the middle of it, where there is no way on.
            Some(Step::Parts) => index += 1,
            Some(Step::Star | Step::Rest) if !known => index += 1,
            _ => return,
        }
    }
}

impl Step {
    /// Whether a step that stands for one character takes this one.
    fn takes(&self, character: u32) -> bool {
        match self {
            Self::Char(own) => *own == character,
            Self::Any => character != SLASH,
            // A slash is in a class like any other character, for Go and for moby.
            Self::Class { negated, ranges } => {
                let within = ranges.iter().any(|&(low, high)| (low..=high).contains(&character));
                within != *negated
            }
            Self::Star | Self::Parts | Self::Rest => false,
        }
    }
}

fn steps(mut pattern: &[u8]) -> Result<Vec<Step>, &'static str> {
    let mut steps = Vec::new();
    while let Some((character, rest)) = split_char(pattern) {
        pattern = rest;
        steps.push(match char::from_u32(character) {
            Some('*') => match pattern.strip_prefix(b"*") {
                None => Step::Star,
                Some(rest) => {
                    pattern = rest.strip_prefix(b"/").unwrap_or(rest);
                    match steps.last() {
                        _ if pattern.is_empty() => Step::Rest,
                        // Twice is no more than once.
                        Some(Step::Parts) => continue,
                        _ => Step::Parts,
                    }
                }
            },
            Some('?') => Step::Any,
            Some('[') => {
                let (class, rest) = class(pattern)?;
                pattern = rest;
                class
            }
            Some('\\') => {
                let (escaped, rest) = split_char(pattern).ok_or("nothing follows the `\\`")?;
                pattern = rest;
                Step::Char(escaped)
            }
            _ => Step::Char(character),
        });
    }
    Ok(steps)
}

/// Reads a class after its `[`, by the rules of Go's `filepath.Match`.
fn class(pattern: &[u8]) -> Result<(Step, &[u8]), &'static str> {
    let (negated, mut pattern) = match pattern.strip_prefix(b"^") {
        Some(rest) => (true, rest),
        None => (false, pattern),
    };
    let mut ranges = Vec::new();
    loop {
        if let Some(rest) = pattern.strip_prefix(b"]").filter(|_| !ranges.is_empty()) {
            return Ok((Step::Class { negated, ranges: ranges.into() }, rest));
        }
        let (low, rest) = class_member(pattern)?;
        let (high, rest) = match rest.strip_prefix(b"-") {
            Some(rest) => class_member(rest)?,
            None => (low, rest),
        };
        if low > high {
            return Err("a range in `[…]` runs backwards");
        }
        ranges.push((low, high));
        pattern = rest;
    }
}

fn class_member(pattern: &[u8]) -> Result<(u32, &[u8]), &'static str> {
    let unclosed = "a `[` is not closed";
    match pattern {
        [b'-' | b']', ..] => Err("`-` and `]` need a `\\` before them in `[…]`"),
        [b'\\', rest @ ..] => split_char(rest).ok_or(unclosed),
        _ => split_char(pattern).ok_or(unclosed),
    }
}

const SLASH: u32 = b'/' as u32;

/// The first character and the rest. A byte that is no part of UTF-8 is a character of its own,
/// numbered above all others.
fn split_char(text: &[u8]) -> Option<(u32, &[u8])> {
    let (&first, after_first) = text.split_first()?;
    if first.is_ascii() {
        return Some((first.into(), after_first));
    }
    let head = &text[..text.len().min(4)];
    let valid = match std::str::from_utf8(head) {
        Ok(valid) => valid,
        Err(error) => std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default(),
    };
    Some(match valid.chars().next() {
        Some(character) => (character.into(), &text[character.len_utf8()..]),
        None => (char::MAX as u32 + 1 + u32::from(first), after_first),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(pattern: &str, path: &[u8]) -> bool {
        Glob::compile(pattern.as_bytes()).unwrap().covers(path)
    }

    #[test]
    fn two_stars_cross_slashes_and_one_does_not() {
        for (pattern, path, expected) in [
            ("a/*/c", "a/b/c", true),
            ("a/*/c", "a/b/b/c", false),
            ("a/**/c", "a/c", true),
            ("a/**/c", "a/b/b/c", true),
            ("a/**", "a", false),
            ("a/**", "a/b", true),
            ("**/a*b", "x/y/ab/z", true),
            ("**a", "xa", true),
            ("**/a", "xa", false),
            ("a**b", "axb", false),
            ("a**b", "ax/b", true),
            ("**/*.txt", "x/y.txt", true),
            ("***", "a/b", true),
            ("a*/**/b", "ax/b", true),
            ("*/**/b", "x/y/b", true),
            ("**/**/b", "b", true),
            ("**/x*/**/b", "x/xa/y/b", true),
        ] {
            assert_eq!(covers(pattern, path.as_bytes()), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn characters_are_those_of_utf8_and_else_bytes() {
        assert!(covers("a?b", "a☺b".as_bytes()));
        assert!(!covers("a???b", "a☺b".as_bytes()));
        assert!(covers("[α-ω]", "λ".as_bytes()));
        assert!(covers("a?b", b"a\xffb"));
        assert!(covers("a[^x]b", b"a\xffb"));
        assert!(!covers("a?b", b"a\xe2\x98b"));
        assert!(covers("*", b"new\nline\xff"));
    }

    #[test]
    fn escapes_and_classes_take_characters_as_they_are() {
        assert!(covers("\\d", b"d"));
        assert!(!covers("\\d", b"1"));
        assert!(covers("\\*", b"*"));
        assert!(!covers("\\*", b"a"));
        assert!(covers("[*?]x", b"*x"));
        assert!(covers("[\\]\\-]", b"-"));
        assert!(covers("**\\[", b"a/["));
    }

    #[test]
    fn no_pattern_makes_matching_slow() {
        // With a second try for each star, no machine would come to the end of this.
        let path = [b'a'; 4000];
        assert!(!covers(&format!("{}b", "*a".repeat(50)), &path));
        assert!(!covers(&format!("{}b", "**/a*".repeat(50)), &path));
    }
}
