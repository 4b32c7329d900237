//! Content with a digest that was stated beforehand: compared while the tar goes by.

use std::path::Path;
use std::sync::Arc;

use super::fill::usize_of;
use super::{Content, Plan, Planned};
use crate::digest::{Digest, Hasher};
use crate::error::{Error, Result, display_path};
use crate::source::Stamp;

/// A file of one of the plan's origins, as a description names it.
#[derive(Clone, Debug)]
pub(crate) struct Described {
    pub(crate) origin: usize,
    pub(crate) stamp: Stamp,
    /// Device and number of the inode, when it has several names.
    pub(crate) identity: Option<(u64, u64)>,
    pub(crate) promise: Option<Promise>,
}

/// The digest that a line of a description states.
#[derive(Clone, Debug)]
pub(crate) struct Promise {
    pub(crate) digest: Digest,
    pub(crate) file: Arc<Path>,
    pub(crate) line: u64,
}

impl Planned {
    /// What was promised of the content that stands in the tar: nothing once an edit has cut it.
    fn promise(&self) -> Option<&Promise> {
        match &self.content {
            Content::Described(file) if file.stamp.size() == self.entry.size => {
                file.promise.as_ref()
            }
            _ => None,
        }
    }
}

/// Compares what was promised with the bytes of the tar. It takes them in order, as the `diff_id`
/// does: threads read a large file in pieces, and no file is read for this.
pub(crate) struct Verifier<'a> {
    plan: &'a Plan,
    /// The first entry that does not end before `offset`.
    index: usize,
    /// Bytes of the tar that went by.
    offset: u64,
    /// The content of that entry so far.
    hasher: Hasher,
}

impl<'a> Verifier<'a> {
    /// `None` when nothing was promised.
    pub(crate) fn of(plan: &'a Plan) -> Option<Self> {
        let promised = plan.entries.iter().any(|planned| planned.promise().is_some());
        promised.then(|| Self { plan, index: 0, offset: 0, hasher: Hasher::new() })
    }

    /// Takes the next bytes of the tar.
    pub(crate) fn update(&mut self, bytes: &[u8]) -> Result<()> {
        let start = self.offset;
        let end = start + bytes.len() as u64;
        while let Some(planned) = self.plan.entries.get(self.index) {
            let from = planned.content_offset();
            let to = from + planned.entry.size;
            if let Some(promise) = planned.promise() {
                let part = [from, to].map(|at| usize_of(at.clamp(start, end) - start));
                self.hasher.update(&bytes[part[0]..part[1]]);
                if to <= end {
                    check(planned, promise, std::mem::take(&mut self.hasher).finish())?;
                }
            }
            if to > end {
                break;
            }
            self.index += 1;
        }
        self.offset = end;
        Ok(())
    }
}

fn check(planned: &Planned, promise: &Promise, found: Digest) -> Result<()> {
    if found == promise.digest {
        return Ok(());
    }
    let path = display_path(&planned.entry.path).display();
    let reason = format!("`{path}` has the digest `{found}`, expected `{}`", promise.digest);
    Err(Error::mtree(&promise.file, promise.line, reason))
}
