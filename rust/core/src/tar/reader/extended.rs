//! What stands before a header block and overrides it: PAX records, GNU long names.

use std::collections::BTreeMap;

use super::super::Xattr;
use super::super::pax::{parse_decimal, parse_record, parse_time};
use super::block::{Header, text};
use super::{shown, sparse};
use crate::error::{Error, Result};

/// Extended attributes, as star named them and every engine reads them.
const XATTR: &[u8] = b"SCHILY.xattr.";

/// Sparse files in PAX form, all versions.
const SPARSE: &[u8] = b"GNU.sparse.";

/// Records that override a field of the header, or that Go refuses when their value is none. No
/// other ones are held.
const FIELDS: [&[u8]; 8] =
    [b"atime", b"ctime", b"gid", b"linkpath", b"mtime", b"path", b"size", b"uid"];

/// Everything that applies to the next member.
#[derive(Debug, Default)]
pub(super) struct Extended {
    records: BTreeMap<Box<[u8]>, Box<[u8]>>,
    sparse: sparse::Records,
    long_name: Box<[u8]>,
    long_link: Box<[u8]>,
}

impl Extended {
    /// Takes the records of an `x` or `g` header. They replace those of an earlier one; of two
    /// with the same key the later counts.
    pub(super) fn set_records(&mut self, mut bytes: &[u8]) -> Result<(), String> {
        self.records.clear();
        self.sparse = sparse::Records::default();
        while !bytes.is_empty() {
            let Some((record, rest)) = parse_record(bytes) else {
                let start = shown(bytes);
                return Err(format!("its extended header has no valid record at `{start}`"));
            };
            if let Some(key) = record.key.strip_prefix(SPARSE) {
                self.sparse.set(key, record.value)?;
            } else if FIELDS.contains(&record.key) || record.key.starts_with(XATTR) {
                self.records.insert(record.key.into(), record.value.into());
            }
            bytes = rest;
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

    /// Puts everything into `header` and returns the extended attributes, sorted by name, and what
    /// is said about a sparse file.
    ///
    /// As in Go, an empty value leaves the header's own, and a GNU name beats a PAX one.
    pub(super) fn apply(self, header: &mut Header) -> Result<(Box<[Xattr]>, sparse::Records)> {
        let mut xattrs = Vec::new();
        for (key, value) in self.records {
            if let Some(name) = key.strip_prefix(XATTR) {
                xattrs.push(Xattr { name: name.into(), value });
            } else {
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
        Ok((xattrs.into(), self.sparse))
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
        // An access or change time: not kept, but what Go refuses is refused.
        _ => _ = parse_time(value)?,
    }
    Some(())
}

fn bad_value(header: &Header, key: &[u8], value: &[u8]) -> Error {
    let reason = format!(
        "its extended header has the {} `{}`, which is none",
        key.escape_ascii(),
        shown(value)
    );
    Error::malformed(&header.name, reason)
}
