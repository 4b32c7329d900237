//! Lines → what they say of each path.

use std::collections::BTreeMap;
use std::collections::btree_map::{Entry as Slot, IntoValues};
use std::io::BufRead;
use std::path::Path;

use super::escape::unescape;
use super::keyword::{Keywords, Type};
use super::lines::Lines;
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::tar::{check_depth, normalize_path, order_key, parent_of};

/// One path and all that lines say of it.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    /// In the form of [`Entry::path`](crate::tar::Entry::path).
    pub(crate) path: Box<[u8]>,
    pub(crate) keywords: Keywords,
    /// The last line about it, counted from 1.
    pub(crate) line: u64,
}

/// Reads a description; `file` is its name in messages. Records come in the order of a layer, and
/// their memory goes with them.
///
/// A path that several lines are about has what each of them says, the later one where they
/// differ, with the defaults of its place in the file, as libarchive has it. Only the type stays.
pub(crate) fn parse(
    input: impl BufRead,
    file: &Path,
    cancel: &Cancel,
) -> Result<IntoValues<Box<[u8]>, Record>> {
    let mut parser = Parser::default();
    let mut lines = Lines::new(input, file);
    while let Some((line, text)) = lines.next()? {
        cancel.check()?;
        parser.read(line, text).map_err(|reason| Error::mtree(file, line, reason))?;
    }
    if parser.records.is_empty() {
        let last = lines.count().max(1);
        return Err(Error::mtree(file, last, "the file ends and describes nothing"));
    }
    Ok(parser.records.into_values())
}

/// Bytes that lines may have in all from lines before them: one word of `/set` is a link, a place or
/// an attribute of every line that follows, and each folder entered is in the path of all in it.
const MAX_INHERITED: usize = 64 << 20;

/// Bytes of a folder's path that do not count there.
const USUAL_FOLDER: usize = 256;

#[derive(Default)]
struct Parser {
    /// By the place in the order of a layer.
    records: BTreeMap<Box<[u8]>, Record>,
    /// What `/set` says.
    defaults: Keywords,
    /// Bytes that lines have so far from those before them.
    inherited: usize,
    /// Where names without a slash are.
    folder: Box<[u8]>,
}

impl Parser {
    fn read(&mut self, line: u64, text: &[u8]) -> Result<(), String> {
        // NetBSD and FreeBSD take what follows a `#` as a comment, and escape it in names.
        let mut words = text
            .split(|byte| matches!(byte, b' ' | b'\t'))
            .filter(|word| !word.is_empty())
            .take_while(|word| !word.starts_with(b"#"));
        match words.next() {
            None => Ok(()),
            Some(b"/set") => words.try_for_each(|word| self.defaults.set(word)),
            Some(b"/unset") => self.unset(words),
            Some(name) if name.starts_with(b"/") => {
                let name = name.escape_ascii();
                Err(format!("`{name}` is neither `/set` nor `/unset`; paths begin with `./`"))
            }
            Some(b"..") => {
                // There are more of them than folders where the root has one, too.
                self.folder = parent_of(&self.folder).unwrap_or_default().into();
                Ok(())
            }
            Some(name) => {
                self.inherit(self.defaults.held())?;
                let mut keywords = self.defaults.clone();
                words.try_for_each(|word| keywords.set(word))?;
                self.add(line, name, keywords)
            }
        }
    }

    /// Counts what a line has from those before it.
    fn inherit(&mut self, bytes: usize) -> Result<(), String> {
        self.inherited = self.inherited.saturating_add(bytes);
        if self.inherited > MAX_INHERITED {
            return Err(format!(
                "the lines to here have more than {MAX_INHERITED} bytes from `/set` and the folders \
                 that they are in"
            ));
        }
        Ok(())
    }

    /// Without words, `/unset` means all; go-mtree writes it so.
    fn unset<'a>(&mut self, words: impl Iterator<Item = &'a [u8]>) -> Result<(), String> {
        let mut words = words.peekable();
        if words.peek().is_none() {
            return self.defaults.unset(b"all");
        }
        words.try_for_each(|word| self.defaults.unset(word))
    }

    fn add(&mut self, line: u64, name: &[u8], keywords: Keywords) -> Result<(), String> {
        // A name with a slash begins at the root, any other in the folder entered last.
        let relative = !name.contains(&b'/') && name != b".";
        let name = unescape(name)?;
        if relative {
            self.inherit(self.folder.len().saturating_sub(USUAL_FOLDER))?;
        }
        let path = if relative { [&*self.folder, b"/", &name].concat() } else { name };
        let path = normalize_path(&path).map_err(|error| error.to_string())?;
        check_depth(&path).map_err(|error| error.to_string())?;
        let kind = match self.records.entry(order_key(&path)) {
            Slot::Vacant(slot) => {
                slot.insert(Record { path: path.clone(), keywords, line }).keywords.kind
            }
            Slot::Occupied(mut slot) => {
                let record = slot.get_mut();
                check_same_type(record, keywords.kind)?;
                record.keywords.amend(keywords)?;
                record.line = line;
                record.keywords.kind
            }
        };
        if relative && kind == Some(Type::Directory) {
            self.folder = path;
        }
        Ok(())
    }
}

/// Two lines that differ in the type mean two files; most often a default hit the wrong one.
fn check_same_type(record: &Record, kind: Option<Type>) -> Result<(), String> {
    match (record.keywords.kind, kind) {
        (Some(first), Some(then)) if first != then => Err(format!(
            "`{}` has the type `{}`, and on line {} it has the type `{}`",
            record.path.escape_ascii(),
            then.name(),
            record.line,
            first.name(),
        )),
        _ => Ok(()),
    }
}
