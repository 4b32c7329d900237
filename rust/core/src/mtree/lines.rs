//! Lines as they are meant: continued ones joined, comments and blank ones left out.

use std::io::{BufRead, Read};
use std::path::Path;

use crate::error::{Error, Result};

/// The most bytes of one line with its continuations: more than all attributes that a tar can
/// hold for an entry, in base64.
const MAX_LINE: u64 = 2 << 20;

/// The lines of a file, one at a time.
pub(super) struct Lines<'a, R> {
    input: R,
    file: &'a Path,
    text: Vec<u8>,
    /// The number of the line read last, counted from 1.
    number: u64,
}

impl<'a, R: BufRead> Lines<'a, R> {
    pub(super) fn new(input: R, file: &'a Path) -> Self {
        Self { input, file, text: Vec::new(), number: 0 }
    }

    /// The number of lines read so far.
    pub(super) const fn count(&self) -> u64 {
        self.number
    }

    /// The next line that says something, without blanks around it, and the number of its first
    /// line.
    pub(super) fn next(&mut self) -> Result<Option<(u64, &[u8])>> {
        loop {
            self.text.clear();
            if !self.read_one()? {
                return Ok(None);
            }
            let first = self.number;
            if is_comment(&self.text) {
                continue;
            }
            while is_continued(&self.text) {
                self.text.pop();
                if !self.read_one()? {
                    return Err(self.fault(first, "the file ends after a backslash"));
                }
            }
            if !self.text.trim_ascii().is_empty() {
                break Ok(Some((first, self.text.trim_ascii())));
            }
        }
    }

    /// Reads a line behind what is there, without its end; says whether there was one.
    fn read_one(&mut self) -> Result<bool> {
        let room = MAX_LINE - self.text.len() as u64;
        let read = self
            .input
            .by_ref()
            .take(room)
            .read_until(b'\n', &mut self.text)
            .map_err(|error| Error::io("read", self.file, error))?;
        if read == 0 && room > 0 {
            return Ok(false);
        }
        self.number += 1;
        let ends = self.text.ends_with(b"\n");
        if !ends && read as u64 == room {
            let reason = format!("the line is longer than {MAX_LINE} bytes");
            return Err(self.fault(self.number, reason));
        }
        self.text.truncate(self.text.len() - usize::from(ends));
        if self.text.ends_with(b"\r") {
            self.text.pop();
        }
        Ok(true)
    }

    fn fault(&self, number: u64, reason: impl Into<String>) -> Error {
        Error::mtree(self.file, number, reason)
    }
}

fn is_comment(line: &[u8]) -> bool {
    line.trim_ascii_start().starts_with(b"#")
}

/// Whether the last backslash stands for itself: two of them are one in a name.
fn is_continued(line: &[u8]) -> bool {
    line.iter().rev().take_while(|&&byte| byte == b'\\').count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[u8]) -> Result<Vec<(u64, String)>> {
        let mut lines = Lines::new(text, Path::new("f"));
        let mut found = Vec::new();
        while let Some((number, line)) = lines.next()? {
            found.push((number, String::from_utf8_lossy(line).into_owned()));
        }
        Ok(found)
    }

    #[test]
    fn comments_and_blank_lines_are_counted_and_left_out() {
        let text = b"#mtree\n\n  # more \\\n a b\r\n\t\r\nc";
        assert_eq!(lines(text).unwrap(), [(4, "a b".into()), (6, "c".into())]);
    }

    #[test]
    fn a_backslash_at_the_end_joins_the_next_line() {
        let text = b"a \\\n    b=1 \\\r\n\tc\nd\\\ne\nf\\\\\ng\n";
        let expected = [(1, "a     b=1 \tc"), (4, "de"), (6, "f\\\\"), (7, "g")];
        assert_eq!(lines(text).unwrap(), expected.map(|(number, line)| (number, line.into())));
    }

    #[test]
    fn a_file_that_ends_in_a_backslash_is_cut_short() {
        let error = lines(b"a\nb \\\n").unwrap_err();
        assert_eq!(error.to_string(), "f:2: the file ends after a backslash");
    }

    #[test]
    fn a_line_has_a_limit() {
        let most = usize::try_from(MAX_LINE).unwrap();
        let mut text = vec![b'a'; most - 1];
        text.push(b'\n');
        assert_eq!(lines(&text).unwrap().len(), 1);
        text.insert(0, b'a');
        assert!(lines(&text).unwrap_err().to_string().starts_with("f:1: the line is longer"));
        let joined = b"aaaaaaa\\\n".repeat(most / 7 + 1);
        assert!(lines(&joined).unwrap_err().to_string().contains("the line is longer"));
    }
}
