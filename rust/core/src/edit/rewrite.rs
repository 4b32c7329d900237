//! Content that is made of the content that was there.

use std::fmt;
use std::io;
use std::sync::Arc;

use super::{Edit, Edits, inner_path};
use crate::error::{Error, Result, display_path};
use crate::tar::Entry;

/// Bytes that a file may have before and after: it is held in memory, which text like
/// configuration fits in.
pub(crate) const MAX_REWRITTEN: u64 = 4 << 20;

/// Bytes that all rewritten files of a layer may have together where they are held until its end.
pub(crate) const MAX_ALL_REWRITTEN: u64 = 64 << 20;

type Function = dyn Fn(&[u8]) -> io::Result<Vec<u8>> + Send + Sync;

/// A function of the content of one file. The file keeps its metadata, its time too.
#[derive(Clone)]
pub struct Rewrite {
    pub(super) path: Box<[u8]>,
    function: Arc<Function>,
}

impl fmt::Debug for Rewrite {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Rewrite").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Rewrite {
    /// What `function` makes of the regular file at `path`, as users write it. It may be called
    /// several times for one layer.
    pub fn new(
        path: &[u8],
        function: impl Fn(&[u8]) -> io::Result<Vec<u8>> + Send + Sync + 'static,
    ) -> Result<Self> {
        Ok(Self { path: inner_path(path)?, function: Arc::new(function) })
    }
}

impl Edits {
    /// The places of the edits that are to rewrite the entry that went through last.
    pub(crate) fn take_due(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.due)
    }

    /// Applies the edits at the places `due` to the content of `entry`, which gets its new size.
    /// An edit that leaves it as it is has met nothing.
    pub(crate) fn rewrite(
        &mut self,
        due: &[usize],
        entry: &mut Entry,
        mut content: Vec<u8>,
    ) -> Result<Vec<u8>> {
        for &place in due {
            let Some(step) = self.steps.get_mut(place) else { continue };
            let Edit::Rewrite(edit) = &step.edit else { continue };
            let rewritten = (edit.function)(&content)
                .map_err(|error| Error::io("edit", display_path(&entry.path), error))?;
            step.met |= rewritten != content;
            content = rewritten;
            entry.size = content.len() as u64;
            check_size(entry)?;
        }
        Ok(content)
    }
}

/// Memory for the content of an entry that is to be rewritten.
pub(crate) fn rewritable(entry: &Entry) -> Result<Vec<u8>> {
    Ok(vec![0; check_size(entry)?])
}

fn check_size(entry: &Entry) -> Result<usize> {
    let size = usize::try_from(entry.size).unwrap_or(usize::MAX);
    if entry.size > MAX_REWRITTEN {
        let reason =
            format!("an edit of its content takes at most {MAX_REWRITTEN} bytes, before and after");
        return Err(Error::unsupported(display_path(&entry.path), reason));
    }
    Ok(size)
}
