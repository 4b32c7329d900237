//! What stands before a header block and overrides it: PAX records, GNU long names.

use std::collections::BTreeMap;

use super::super::Xattr;
use super::super::pax::{parse_decimal, parse_record, parse_time};
use super::block::{Header, text};
use crate::error::{Error, Result};

/// Extended attributes, as star named them and every engine reads them.
const XATTR: &[u8] = b"SCHILY.xattr.";

/// Sparse files in PAX form, all versions.
const SPARSE: &[u8] = b"GNU.sparse.";

/// Everything that applies to the next member.
#[derive(Default)]
pub(super) struct Extended {
    records: BTreeMap<Box<[u8]>, Box<[u8]>>,
    long_name: Box<[u8]>,
    long_link: Box<[u8]>,
}

impl Extended {
    /// Takes the records of an `x` or `g` header. They replace those of an earlier one; of two
    /// with the same key the later counts.
    pub(super) fn set_records(&mut self, mut bytes: &[u8]) -> Result<(), String> {
        self.records.clear();
        while !bytes.is_empty() {
            let Some((record, rest)) = parse_record(bytes) else {
                let start = &bytes[..bytes.len().min(40)];
                return Err(format!(
                    "its extended header has no valid record at `{}`",
                    start.escape_ascii()
                ));
            };
            self.records.insert(record.key.into(), record.value.into());
            bytes = rest;
        }
        Ok(())
    }

    /// Checks the records of a `g` header, which apply to nothing.
    pub(super) fn check_global(bytes: &[u8]) -> Result<(), String> {
        let mut global = Self::default();
        global.set_records(bytes)?;
        // Go checks maps of sparse files even there. No writer puts one there.
        if global.records.keys().any(|key| key.starts_with(SPARSE)) {
            return Err("a global extended header describes a sparse file".to_owned());
        }
        Ok(())
    }

    /// Takes a GNU long name (`L`).
    pub(super) fn set_long_name(&mut self, bytes: &[u8]) {
        self.long_name = text(bytes).into();
    }

    /// Takes a GNU long link target (`K`).
    pub(super) fn set_long_link(&mut self, bytes: &[u8]) {
        self.long_link = text(bytes).into();
    }

    /// Puts everything into `header` and returns the extended attributes, sorted by name.
    ///
    /// As in Go, an empty value leaves the header's own, and a GNU name beats a PAX one.
    pub(super) fn apply(self, header: &mut Header) -> Result<Box<[Xattr]>> {
        let mut xattrs = Vec::new();
        let mut sparse = false;
        for (key, value) in self.records {
            if let Some(name) = key.strip_prefix(XATTR) {
                xattrs.push(Xattr { name: name.into(), value });
            } else {
                sparse |= key.starts_with(SPARSE);
                apply_record(header, &key, &value)
                    .ok_or_else(|| bad_value(header, &key, &value))?;
            }
        }
        if !self.long_name.is_empty() {
            header.name = self.long_name.into();
        }
        if !self.long_link.is_empty() {
            header.link = self.long_link.into();
        }
        if sparse {
            return Err(super::sparse_refused(&header.name));
        }
        Ok(xattrs.into())
    }
}

/// `None` when the value is not of its key's form.
fn apply_record(header: &mut Header, key: &[u8], value: &[u8]) -> Option<()> {
    if value.is_empty() {
        return Some(());
    }
    match key {
        b"path" => header.name = value.to_vec(),
        b"linkpath" => header.link = value.to_vec(),
        b"uid" => header.uid = parse_decimal(value)?,
        b"gid" => header.gid = parse_decimal(value)?,
        b"size" => header.size = parse_decimal(value)?,
        b"mtime" => header.mtime = parse_time(value)?,
        // Not kept, but what Go refuses is refused.
        b"atime" | b"ctime" => _ = parse_time(value)?,
        _ => {}
    }
    Some(())
}

fn bad_value(header: &Header, key: &[u8], value: &[u8]) -> Error {
    let reason = format!(
        "its extended header has the {} `{}`, which is none",
        key.escape_ascii(),
        value.escape_ascii()
    );
    Error::malformed(&header.name, reason)
}
