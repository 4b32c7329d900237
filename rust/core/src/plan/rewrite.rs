//! Files whose content edits change: read when the plan is finished, for their size decides where
//! all that follows them stands.

use super::place::{Opener, Place};
use super::{Content, Origin, PlanBuilder, Planned};
use crate::edit::{MAX_ALL_REWRITTEN, rewritable};
use crate::error::{Error, Result, display_path};
use crate::source::{CheckedFile, Stamp};
use crate::tar::{Entry, Kind};

/// An entry, by its place so far, and the places of the edits that rewrite it.
#[derive(Debug)]
pub(super) struct ToRewrite {
    index: usize,
    due: Vec<usize>,
}

impl PlanBuilder {
    /// Takes note of what edits ask for the content of the entry that is pushed next.
    pub(super) fn note_rewrites(&mut self, entry: &Entry) {
        let due = self.edits.take_due();
        if !due.is_empty() && entry.kind == Kind::Regular {
            self.rewrites.push(ToRewrite { index: self.entries.len(), due });
        }
    }

    /// Does all that was noted, while the entries are where they were pushed.
    pub(super) fn rewrite_all(&mut self) -> Result<()> {
        let mut size = 0;
        for ToRewrite { index, due } in std::mem::take(&mut self.rewrites) {
            let planned = &mut self.entries[index];
            let content = content_of(planned, &self.origins)?;
            let content = self.edits.rewrite(&due, &mut planned.entry, content)?;
            size += planned.entry.size;
            if size > MAX_ALL_REWRITTEN {
                let reason = format!(
                    "with it, edits have made more than {MAX_ALL_REWRITTEN} bytes of new content"
                );
                return Err(Error::unsupported(display_path(&planned.entry.path), reason));
            }
            planned.content = Content::Rewritten(content.into(), planned.content.identity());
        }
        Ok(())
    }
}

fn content_of(planned: &Planned, origins: &[Origin]) -> Result<Vec<u8>> {
    let mut content = rewritable(&planned.entry)?;
    match &planned.content {
        Content::None | Content::Shared(..) => {}
        Content::Bytes(bytes) | Content::Rewritten(bytes, _) => {
            let size = content.len();
            content.copy_from_slice(&bytes[..size]);
        }
        Content::File { origin, stamp } => {
            read(planned, &origins[*origin], stamp, &mut content)?;
        }
        Content::Described(file) => {
            read(planned, &origins[file.origin], &file.stamp, &mut content)?;
        }
        Content::Member { .. } => {
            let reason = "its content comes by in a stream, where no edit can change it";
            return Err(Error::unsupported(display_path(&planned.entry.path), reason));
        }
    }
    Ok(content)
}

fn read(planned: &Planned, origin: &Origin, stamp: &Stamp, content: &mut [u8]) -> Result<()> {
    let place = Place::of(origin, planned);
    let file = CheckedFile::new(Opener::default().open(&place), stamp, || place.shown())?;
    file.read(0, content)?;
    file.finish()
}
