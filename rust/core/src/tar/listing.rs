//! A tar as the list of its entries, with digests in the place of content.

use std::io::{BufReader, Read};

use super::{Entry, Kind, Reader};
use crate::cancel::Cancel;
use crate::digest::{Digest, Hasher};
use crate::error::Result;

/// Bytes that are read and hashed at once.
const PART: usize = 256 * 1024;

/// An entry, with the digest of its content if it is a regular file and that was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub(crate) entry: Entry,
    pub(crate) digest: Option<Digest>,
}

/// Lists a tar, which is read to the end of its input.
pub(crate) fn list(tar: impl Read, digests: bool, cancel: &Cancel) -> Result<Vec<Listed>> {
    let mut listed = Vec::new();
    let mut reader = Reader::new(BufReader::with_capacity(PART, tar));
    let mut buffer = vec![0; PART];
    while let Some(member) = reader.next_member()? {
        cancel.check()?;
        let wanted = digests && member.entry.kind == Kind::Regular;
        let digest = if wanted { Some(digest(&mut reader, &mut buffer, cancel)?) } else { None };
        listed.push(Listed { entry: member.entry, digest });
    }
    reader.drain()?;
    Ok(listed)
}

/// The digest of the content that is next.
fn digest(reader: &mut Reader<impl Read>, buffer: &mut [u8], cancel: &Cancel) -> Result<Digest> {
    let mut hasher = Hasher::new();
    loop {
        cancel.check()?;
        match reader.read_content(buffer)? {
            0 => return Ok(hasher.finish()),
            count => hasher.update(&buffer[..count]),
        }
    }
}
