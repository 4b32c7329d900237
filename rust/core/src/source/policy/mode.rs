//! Permission bits: the same for all, or changed as chmod(1) changes them.

use crate::error::{Error, Result};

const ALL: u32 = 0o7777;
const SET_ID: u32 = 0o6000;

/// What every entry's permission, set-id and sticky bits become.
#[derive(Clone, Debug)]
pub struct Mode(Rule);

#[derive(Clone, Debug)]
enum Rule {
    /// These bits; directories get search permission wherever these give read permission.
    Fixed(u32),
    /// The entry's own bits after these changes, one after the other.
    Changed(Box<[Change]>),
}

/// One operation of a clause: `+r`, `=u`, `-s`.
#[derive(Clone, Debug)]
struct Change {
    operation: Operation,
    /// The bits that belong to the classes it is about (`u`, `g`, `o`, `a`).
    affected: u32,
    value: Value,
    /// The bits that it names. What names no set-id bit leaves those of a directory alone.
    mentioned: u32,
}

#[derive(Clone, Copy, Debug)]
enum Operation {
    Add,
    Remove,
    Set,
}

#[derive(Clone, Copy, Debug)]
enum Value {
    /// These bits; with `X`, also those to execute where the entry has one of them already, or is
    /// a directory.
    Bits { bits: u32, execute_if_any: bool },
    /// What the class that stands so many bits from the right has.
    CopyOf { shift: u32 },
}

impl Mode {
    /// The same bits for all; directories get search permission wherever these give read
    /// permission. Errors name the option.
    pub fn fixed(bits: u32) -> Result<Self> {
        if bits > ALL {
            let reason = format!("`mode` is `{bits:#o}`: expected `0o0` to `{ALL:#o}`");
            return Err(Error::Argument(reason));
        }
        Ok(Self(Rule::Fixed(bits)))
    }

    /// Reads octal digits, which fix the mode, or clauses in the grammar of GNU chmod:
    /// `[ugoa]*([-+=]([rwxXst]*|[ugo]))+|[-+=][0-7]+`, with commas between them. No umask plays
    /// a part: `+x` is `a+x`.
    pub fn parse(text: &str) -> Result<Self> {
        if let Some(bits) = octal(text.strip_prefix("0o").unwrap_or(text)) {
            return Self::fixed(bits);
        }
        match clauses(text) {
            Some(changes) => Ok(Self(Rule::Changed(changes.into()))),
            None => Err(Error::Argument(format!(
                "`mode` is `{text}`: expected octal digits such as `0755`, or changes as of chmod \
                 such as `u=rwX,go=rX`"
            ))),
        }
    }

    /// What `mode` becomes.
    pub(super) fn of(&self, mode: u32, directory: bool) -> u32 {
        match &self.0 {
            Rule::Fixed(bits) if directory => bits | (bits & 0o444) >> 2,
            Rule::Fixed(bits) => *bits,
            Rule::Changed(changes) => {
                changes.iter().fold(mode, |mode, change| change.apply(mode, directory))
            }
        }
    }
}

impl Change {
    fn apply(&self, mode: u32, directory: bool) -> u32 {
        let kept = if directory { SET_ID & !self.mentioned } else { 0 };
        let value = match self.value {
            Value::Bits { bits, execute_if_any } => {
                let executes = execute_if_any && (directory || mode & 0o111 != 0);
                bits | if executes { 0o111 } else { 0 }
            }
            Value::CopyOf { shift } => (mode >> shift & 0o7) * 0o111,
        };
        let value = value & self.affected & !kept;
        match self.operation {
            Operation::Add => mode | value,
            Operation::Remove => mode & !value,
            Operation::Set => mode & (!self.affected | kept) | value,
        }
    }
}

fn octal(digits: &str) -> Option<u32> {
    let octal = !digits.is_empty() && digits.bytes().all(|digit| (b'0'..=b'7').contains(&digit));
    octal.then(|| u32::from_str_radix(digits, 8).unwrap_or(u32::MAX))
}

const OPERATORS: [char; 3] = ['+', '-', '='];

fn clauses(text: &str) -> Option<Vec<Change>> {
    let mut changes = Vec::new();
    for clause in text.split(',') {
        let (classes, mut rest) = clause.split_at(clause.find(OPERATORS)?);
        while let Some(operator) = rest.chars().next() {
            let (what, after) =
                rest[1..].split_at(rest[1..].find(OPERATORS).unwrap_or(rest.len() - 1));
            changes.push(change(operator, classes, what, after.is_empty())?);
            rest = after;
        }
    }
    Some(changes)
}

fn change(operator: char, classes: &str, what: &str, last: bool) -> Option<Change> {
    let operation = match operator {
        '+' => Operation::Add,
        '-' => Operation::Remove,
        _ => Operation::Set,
    };
    let affected = if classes.is_empty() { ALL } else { union(classes, class)? };
    if let Some(bits) = octal(what) {
        // Digits stand alone, and name every bit.
        let alone = classes.is_empty() && last && bits <= ALL;
        let value = Value::Bits { bits, execute_if_any: false };
        return alone.then_some(Change { operation, affected, value, mentioned: ALL });
    }
    let (value, mentioned) = match what {
        "u" => (Value::CopyOf { shift: 6 }, 0),
        "g" => (Value::CopyOf { shift: 3 }, 0),
        "o" => (Value::CopyOf { shift: 0 }, 0),
        _ => {
            let bits = union(what, permission)?;
            (Value::Bits { bits, execute_if_any: what.contains('X') }, affected & bits)
        }
    };
    Some(Change { operation, affected, value, mentioned })
}

fn union(letters: &str, meaning: fn(char) -> Option<u32>) -> Option<u32> {
    letters.chars().try_fold(0, |bits, letter| Some(bits | meaning(letter)?))
}

fn class(letter: char) -> Option<u32> {
    match letter {
        'u' => Some(0o4700),
        'g' => Some(0o2070),
        'o' => Some(0o1007),
        'a' => Some(ALL),
        _ => None,
    }
}

fn permission(letter: char) -> Option<u32> {
    match letter {
        'r' => Some(0o444),
        'w' => Some(0o222),
        'x' => Some(0o111),
        // Depends on the entry.
        'X' => Some(0),
        's' => Some(SET_ID),
        't' => Some(0o1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn changed(clauses: &str, mode: u32, directory: bool) -> u32 {
        Mode::parse(clauses).unwrap().of(mode, directory)
    }

    #[test]
    fn fixed_bits_leave_directories_searchable() {
        for text in ["640", "0640", "0o640"] {
            assert_eq!((changed(text, 0o7777, false), changed(text, 0, true)), (0o640, 0o750));
        }
    }

    #[test]
    fn clauses_do_what_those_of_chmod_do() {
        for (clauses, file, directory) in [
            // Of 0o6664 each.
            ("go-w", 0o6644, 0o6644),
            ("u=rwX,go=rX", 0o0644, 0o6755),
            ("a-s", 0o0664, 0o0664),
            ("+t", 0o7664, 0o7664),
            ("+x", 0o6775, 0o6775),
            ("a+X", 0o6664, 0o6775),
            ("g=u,o=", 0o4660, 0o6660),
            ("u=,g+o-w", 0o2044, 0o6044),
            ("u=s", 0o6064, 0o6064),
            ("=", 0, 0o6000),
            ("=0755", 0o0755, 0o0755),
            ("-0111", 0o6664, 0o6664),
            ("o+s,ug+t", 0o6664, 0o6664),
            ("a=u-w+x", 0o0555, 0o6555),
        ] {
            let found = [false, true].map(|is_directory| changed(clauses, 0o6664, is_directory));
            assert_eq!(found, [file, directory], "{clauses}: {:o} {:o}", found[0], found[1]);
        }
    }

    #[test]
    fn what_chmod_does_not_read_is_refused_by_its_text() {
        for text in [
            "",
            ",",
            "u",
            "u+r,",
            ",u+r",
            "x",
            "u+q",
            "q+x",
            "u=gr",
            "u=ug",
            "u=755",
            "=755+x",
            "+17777",
            "0799",
            "0o",
            "0o+7",
            "+8",
            "u r",
            "rwxr-xr-x",
            "é+x",
            "u+é",
        ] {
            let error = Mode::parse(text).unwrap_err().to_string();
            assert!(error.starts_with(&format!("`mode` is `{text}`: expected octal ")), "{error}");
        }
        for text in ["17777", "77777777777777777777"] {
            let error = Mode::parse(text).unwrap_err().to_string();
            assert!(error.contains(": expected `0o0` to `0o7777`"), "{error}");
        }
    }

    /// One operation, bit by bit as chmod(1) and its manual describe it.
    fn model(classes: &str, operator: char, what: &str, mode: u32, directory: bool) -> u32 {
        let classes = if classes.is_empty() { "a" } else { classes };
        let is_about = |class: char| classes.contains([class, 'a']);
        let had = |class: char, letter: char| mode & bit(class, letter) != 0;
        let executes = directory || "ugo".chars().any(|class| had(class, 'x'));
        let wanted = |class: char, letter: char| match what {
            "u" | "g" | "o" => "rwx".contains(letter) && what.chars().any(|of| had(of, letter)),
            _ => what.contains(letter) || letter == 'x' && what.contains('X') && executes,
        } && is_about(class);
        let mut result = 0;
        for (class, letter) in [
            ('u', 'r'),
            ('u', 'w'),
            ('u', 'x'),
            ('u', 's'),
            ('g', 'r'),
            ('g', 'w'),
            ('g', 'x'),
            ('g', 's'),
            ('o', 'r'),
            ('o', 'w'),
            ('o', 'x'),
            ('o', 't'),
        ] {
            let (had, wanted) = (had(class, letter), wanted(class, letter));
            let spared = directory && letter == 's' && !wanted;
            let has = match operator {
                '+' => had || wanted,
                '-' => had && !wanted,
                _ if is_about(class) && !spared => wanted,
                _ => had,
            };
            result |= if has { bit(class, letter) } else { 0 };
        }
        result
    }

    fn bit(class: char, letter: char) -> u32 {
        let right = match class {
            'u' => 6,
            'g' => 3,
            _ => 0,
        };
        match (letter, class) {
            ('r', _) => 0o4 << right,
            ('w', _) => 0o2 << right,
            ('x', _) => 0o1 << right,
            ('s', 'u') => 0o4000,
            ('s', 'g') => 0o2000,
            ('t', 'o') => 0o1000,
            _ => 0,
        }
    }

    proptest! {
        #[test]
        fn clauses_agree_with_a_model(
            classes in "[ugoa]{0,3}",
            operations in proptest::collection::vec(("[-+=]", "[rwxXst]{0,4}|[ugo]"), 1..4),
            mode in 0..=ALL,
            directory: bool,
        ) {
            let mut text = classes.clone();
            let mut expected = mode;
            for (operator, what) in &operations {
                text += operator;
                text += what;
                let operator = operator.chars().next().unwrap();
                expected = model(&classes, operator, what, expected, directory);
            }
            prop_assert_eq!(changed(&text, mode, directory), expected, "{}", text);
            // The same in clauses of their own.
            let clauses: Vec<String> = operations
                .iter()
                .map(|(operator, what)| format!("{classes}{operator}{what}"))
                .collect();
            prop_assert_eq!(changed(&clauses.join(","), mode, directory), expected);
        }

        #[test]
        fn no_text_is_too_odd(text in "[ugoarwxXst=+,0-9é-]{0,12}|.{0,8}") {
            if let Ok(mode) = Mode::parse(&text) {
                prop_assert!(mode.of(0o7777, true) <= ALL && mode.of(0, false) <= ALL);
            }
        }
    }
}
