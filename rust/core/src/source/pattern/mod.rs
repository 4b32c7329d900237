//! Exclusion patterns in the dialect of `.dockerignore`, as `moby/patternmatcher` reads it.

mod glob;

use self::glob::Glob;
use crate::error::{Error, Result};

/// What to leave out of a source: patterns in order, of which the last that matches decides.
///
/// A pattern is matched against the whole path. `*` and `?` match within one part of it, `**`
/// matches any number of parts, `[a-z]` and `[^a-z]` one character, and `\` takes the next
/// character as it is. A pattern that matches a directory covers all that it holds. `!` before a
/// pattern takes back what earlier ones left out. A slash at either end means nothing.
///
/// Where moby's translation to regular expressions makes `\d`, a `*` in brackets or a newline in
/// a name mean something else than Go's `filepath.Match` says, this follows `filepath.Match`.
#[derive(Clone, Debug, Default)]
pub struct Patterns {
    patterns: Vec<Pattern>,
    by_level: bool,
}

#[derive(Clone, Debug)]
struct Pattern {
    negated: bool,
    glob: Glob,
}

impl Patterns {
    /// Reads the lines of a `.dockerignore`: empty ones and those that begin with `#` are
    /// comments, blanks around a pattern don't count.
    pub fn parse<I: AsRef<[u8]>>(lines: impl IntoIterator<Item = I>) -> Result<Self> {
        let mut patterns = Vec::new();
        for (index, line) in lines.into_iter().enumerate() {
            let line = line.as_ref();
            let line = if index == 0 { without_byte_order_mark(line) } else { line };
            if !line.starts_with(b"#") && !trim(line).is_empty() {
                patterns.push(Pattern::parse(trim(line))?);
            }
        }
        Ok(Self { patterns, by_level: false })
    }

    /// The same patterns as docker's walk of a build context asks them: from the root down, where a
    /// `!` takes back only what is left out by then. With `**/a` and `!b`, `b/a` is left out: `b`
    /// never was, so that `!b` has no say.
    #[must_use]
    pub fn by_level(self) -> Self {
        Self { by_level: true, ..self }
    }

    /// Whether nothing is left out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Whether a pattern may take back what lies inside an excluded directory, so that it has to
    /// be looked into.
    #[must_use]
    pub fn has_negation(&self) -> bool {
        self.patterns.iter().any(|pattern| pattern.negated)
    }

    /// Whether `path`, relative and in normal form, is left out. The root itself never is.
    #[must_use]
    pub fn excludes(&self, path: &[u8]) -> bool {
        if path.is_empty() {
            return false;
        }
        if self.by_level && self.has_negation() {
            return self.excludes_by_level(path);
        }
        let decisive = self.patterns.iter().rev().find(|pattern| pattern.glob.covers(path));
        decisive.is_some_and(|pattern| !pattern.negated)
    }

    /// `MatchesUsingParentResults` of `moby/patternmatcher`.
    fn excludes_by_level(&self, path: &[u8]) -> bool {
        // Which patterns have matched the directory above, or one above that.
        let mut above = vec![false; self.patterns.len()];
        let slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
        let mut excluded = false;
        for end in slashes.chain([path.len()]) {
            excluded = false;
            for (pattern, matched) in self.patterns.iter().zip(&mut above) {
                let asked = pattern.negated == excluded;
                *matched = *matched || asked && pattern.glob.matches(&path[..end]);
                if *matched {
                    excluded = !pattern.negated;
                }
            }
        }
        excluded
    }

    /// Whether `path` itself is matched; what is said of a directory does not cover what it holds.
    /// The root is matched by `/`.
    #[must_use]
    pub fn matches(&self, path: &[u8]) -> bool {
        let path = if path.is_empty() { b"/" } else { path };
        let decisive = self.patterns.iter().rev().find(|pattern| pattern.glob.matches(path));
        decisive.is_some_and(|pattern| !pattern.negated)
    }
}

impl Pattern {
    fn parse(line: &[u8]) -> Result<Self> {
        let (negated, rest) = match line.strip_prefix(b"!") {
            Some(rest) => (true, trim(rest)),
            None => (false, line),
        };
        let cleaned = if rest.is_empty() { Vec::new() } else { clean(rest) };
        let pattern = match cleaned.strip_prefix(b"/") {
            Some(relative) if negated || !relative.is_empty() => relative,
            _ => &cleaned,
        };
        let refuse = |reason: &str| {
            let line = String::from_utf8_lossy(line);
            Err(Error::Argument(format!("bad exclusion pattern `{line}`: {reason}")))
        };
        if pattern.is_empty() {
            return refuse("nothing follows the `!`");
        }
        match Glob::compile(pattern) {
            Ok(glob) => Ok(Self { negated, glob }),
            Err(reason) => refuse(reason),
        }
    }
}

fn without_byte_order_mark(line: &[u8]) -> &[u8] {
    line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line)
}

fn trim(line: &[u8]) -> &[u8] {
    std::str::from_utf8(line).map_or_else(|_| line.trim_ascii(), |text| text.trim().as_bytes())
}

/// The shortest equal path, by its text alone: Go's `path.Clean`.
fn clean(path: &[u8]) -> Vec<u8> {
    let rooted = path.starts_with(b"/");
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|&byte| byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." if parts.last().is_some_and(|&last| last != b"..") => _ = parts.pop(),
            b".." if rooted => {}
            _ => parts.push(part),
        }
    }
    let joined = parts.join(&b'/');
    match (rooted, joined.is_empty()) {
        (true, _) => [b"/", &*joined].concat(),
        (false, true) => b".".to_vec(),
        (false, false) => joined,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excludes(lines: &[&str], path: &str) -> bool {
        Patterns::parse(lines).unwrap().excludes(path.as_bytes())
    }

    #[test]
    fn the_last_pattern_that_matches_decides() {
        let lines = ["*", "!src", "src/*.o", "!src/keep.o"];
        assert!(excludes(&lines, "README"));
        assert!(!excludes(&lines, "src"));
        assert!(!excludes(&lines, "src/main.c"));
        assert!(excludes(&lines, "src/main.o"));
        assert!(!excludes(&lines, "src/keep.o"));
    }

    #[test]
    fn a_pattern_that_matches_a_directory_covers_what_it_holds() {
        assert!(excludes(&["node_modules"], "node_modules/a/b"));
        assert!(!excludes(&["node_modules"], "node_modules2"));
        assert!(!excludes(&["node_modules"], "a/node_modules"));
        assert!(excludes(&["**/node_modules"], "a/node_modules/b"));
        assert!(excludes(&["a*"], "ab/c"));
    }

    #[test]
    fn lines_are_read_as_those_of_a_file() {
        let lines = ["\u{feff}# comment", "", "  ", " /a/./b/ ", "! /a/b/c", "\\#d", "x/../y"];
        let patterns = Patterns::parse(lines).unwrap();
        assert_eq!(patterns.patterns.len(), 4);
        assert!(patterns.has_negation());
        assert!(patterns.excludes(b"a/b"));
        assert!(!patterns.excludes(b"a/b/c"));
        assert!(patterns.excludes(b"#d"));
        assert!(patterns.excludes(b"y/z"));
    }

    #[test]
    fn bad_patterns_are_refused_by_name() {
        for line in ["!", "! ", "!/", "[", "a[", "[]a]", "[-x]", "[x-]", "[a-b-c]", "[b-a]", "a\\"]
        {
            let Err(Error::Argument(message)) = Patterns::parse([line]) else {
                panic!("`{line}` was taken")
            };
            assert!(message.contains(line.trim()), "{message}");
        }
    }

    #[test]
    fn by_level_a_directory_has_no_say_that_was_not_left_out() {
        let both = |lines: &[&str], path: &str| {
            let patterns = Patterns::parse(lines).unwrap();
            let [plain, by_level] = [patterns.clone(), patterns.by_level()];
            [plain, by_level].map(|patterns| patterns.excludes(path.as_bytes()))
        };
        // What docker has in its context.
        assert_eq!(both(&["**/node_modules", "!src"], "src/node_modules/x"), [false, true]);
        assert_eq!(both(&["*/*b", "!?"], "a/b"), [false, true]);
        assert_eq!(both(&["[a-c]/b/a*", "![^a]"], "b/b/ab"), [false, true]);
        for (lines, path, excluded) in [
            (&["*", "!src", "src/*.o", "!src/keep.o"][..], "src/keep.o", false),
            (&["*", "!src", "src/*.o"], "src/a.o", true),
            (&["*", "!src"], "src/a/b", false),
            (&["d", "!d/e"], "d/e/f", false),
            (&["d", "!d/e"], "d/f", true),
            (&["d/**", "!d/e"], "d/e/f", false),
        ] {
            assert_eq!(both(lines, path), [excluded; 2], "{path}");
        }
        assert_eq!(both(&["a"], "a/b"), [true; 2]);
    }

    #[test]
    fn the_root_is_never_left_out() {
        for line in ["**", ".", "/", "*"] {
            assert!(!excludes(&[line], ""));
        }
        assert!(Patterns::default().is_empty());
    }

    #[test]
    fn paths_are_cleaned_by_their_text() {
        for (path, cleaned) in [
            ("a//b/./c/..", "a/b"),
            ("..", ".."),
            ("../../a", "../../a"),
            ("/../a", "/a"),
            ("a/..", "."),
            ("/", "/"),
        ] {
            assert_eq!(clean(path.as_bytes()), cleaned.as_bytes());
        }
    }
}
