//! dpkg's rules of what to unpack: `path-exclude` and `path-include` (dpkg(1), dpkg.cfg(5)).

use super::wildcard::Wildcard;
use crate::error::{Error, Result};

/// Shell patterns against absolute paths, of which the last that matches decides. Unlike in a
/// `.dockerignore`, `*` and `?` match slashes too, and a pattern that matches a directory says
/// nothing of what it holds. A symbolic link may lead to a directory: it stays where a rule takes
/// back something that begins like it.
///
/// A directory that is left out stays if something below it does, so that no file loses its
/// parents; dpkg keeps every such directory, and the images that are made with it remove the empty
/// ones afterwards.
#[derive(Clone, Debug, Default)]
pub struct PathRules {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Rule {
    include: bool,
    pattern: Wildcard,
    /// What stands before the first character of the pattern that is special.
    plain: Box<[u8]>,
}

impl PathRules {
    /// Reads rules as a dpkg configuration has them, one `path-exclude=PATTERN` or
    /// `path-include=PATTERN` each.
    pub fn parse<I: AsRef<[u8]>>(lines: impl IntoIterator<Item = I>) -> Result<Self> {
        let rules = lines.into_iter().map(|line| rule(line.as_ref())).collect::<Result<_>>()?;
        Ok(Self { rules })
    }

    /// Whether a symbolic link that is left out stays all the same, as dpkg has it: what it leads to
    /// may be a directory, such as that of the copyright of several packages.
    pub(super) fn keeps_link(&self, path: &[u8]) -> bool {
        let absolute = [b"/", path].concat();
        self.rules.iter().any(|rule| rule.include && absolute.starts_with(&rule.plain))
    }

    /// Whether `path`, relative and in normal form, is left out.
    #[must_use]
    pub fn excludes(&self, path: &[u8]) -> bool {
        let absolute = [b"/", path].concat();
        let decisive = self.rules.iter().rev().find(|rule| rule.pattern.matches(&absolute));
        decisive.is_some_and(|rule| !rule.include)
    }
}

fn rule(line: &[u8]) -> Result<Rule> {
    let (include, pattern) = match line.strip_prefix(b"path-") {
        Some(rest) if rest.starts_with(b"exclude=") => (false, &rest[b"exclude=".len()..]),
        Some(rest) if rest.starts_with(b"include=") => (true, &rest[b"include=".len()..]),
        _ => return Err(bad(line, "expected `path-exclude=PATTERN` or `path-include=PATTERN`")),
    };
    if !matches!(pattern.first(), Some(b'/' | b'*' | b'?' | b'[')) {
        return Err(bad(line, "it can match nothing: paths begin with `/`"));
    }
    let special = pattern.iter().position(|byte| b"*?[\\".contains(byte));
    let mut plain = &pattern[..special.unwrap_or(pattern.len())];
    while let Some(shorter) = plain.strip_suffix(b"/") {
        plain = shorter;
    }
    Ok(Rule { include, pattern: Wildcard::parse(pattern), plain: plain.into() })
}

fn bad(line: &[u8], reason: &str) -> Error {
    Error::Argument(format!("bad path rule `{}`: {reason}", String::from_utf8_lossy(line)))
}
