//! The entries of a layer, with what is in very few of its files.

use std::io::{BufReader, Read};
use std::sync::Arc;

use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::plan::Plan;
use crate::tar::{Entry, Kind, Reader};

/// The files whose content is kept: who is who, by name.
const KEPT: [&[u8]; 2] = [b"etc/passwd", b"etc/group"];

/// The most bytes of content that are kept of a file.
const MAX_KEPT: u64 = 1 << 20;

/// Headers are read a block at a time; content, which is passed over, by this.
const BUFFER: usize = 256 << 10;

/// The content of a file, if that is kept.
pub(super) type Kept = Option<Arc<[u8]>>;

/// An entry of a layer.
#[derive(Clone, Debug)]
pub(crate) struct Listing {
    pub(super) entry: Entry,
    pub(super) content: Kept,
}

/// Lists the tar of a layer, which is read to the end of its input.
pub(crate) fn list_layer(tar: impl Read, cancel: &Cancel) -> Result<Vec<Listing>> {
    let mut listed = Vec::new();
    let mut reader = Reader::new(BufReader::with_capacity(BUFFER, tar));
    while let Some(member) = reader.next_member()? {
        cancel.check()?;
        let content = match kept_size(&member.entry) {
            Some(size) => Some(content(&mut reader, size)?),
            None => None,
        };
        listed.push(Listing { entry: member.entry, content });
    }
    if reader.position() == 0 {
        return Err(Error::empty_archive());
    }
    reader.drain()?;
    Ok(listed)
}

fn content(reader: &mut Reader<impl Read>, size: usize) -> Result<Arc<[u8]>> {
    let mut content = vec![0; size];
    let mut filled = 0;
    while filled < size {
        match reader.read_content(&mut content[filled..])? {
            0 => return Err(Error::Internal("a file that ends before its size".into())),
            count => filled += count,
        }
    }
    Ok(content.into())
}

/// Lists the layer of a plan without reading any file but those whose content is kept. `None`: one
/// of these comes in a stream.
pub(crate) fn list_plan(plan: &Plan) -> Result<Option<Vec<Listing>>> {
    let mut reader = plan.reader();
    let mut listed = Vec::new();
    for index in 0..plan.list_entries().len() {
        let (entry, start, _) = plan.placed(index);
        let content = match kept_size(entry) {
            None => None,
            Some(_) if plan.is_streamed(index) => return Ok(None),
            Some(size) => {
                let mut content = vec![0; size];
                reader.fill(start, &mut content)?;
                Some(content.into())
            }
        };
        listed.push(Listing { entry: entry.clone(), content });
    }
    Ok(Some(listed))
}

/// Bytes of a file whose content is kept.
fn kept_size(entry: &Entry) -> Option<usize> {
    let keeps = entry.kind == Kind::Regular && entry.size <= MAX_KEPT;
    let keeps = keeps && KEPT.contains(&&*entry.path);
    keeps.then(|| usize::try_from(entry.size).ok()).flatten()
}
