//! Edits of a layer on its way: what a shell would do to an unpacked tree, in the one pass and
//! without root.
//!
//! Edits are a list. Each one sees what those before it made, as if the whole tree went through
//! one after the other; in truth every entry goes through all of them at once.

mod pass;
mod put;
mod rewrite;
mod rules;
mod wildcard;

use crate::error::{Error, Result, display_path};
use crate::source::Patterns;
use crate::tar::{is_within, normalize_path};

pub(crate) use pass::{Nature, Passed};
pub(crate) use rewrite::{MAX_ALL_REWRITTEN, rewritable};

pub use put::{Put, What};
pub use rewrite::Rewrite;
pub use rules::PathRules;

/// One edit. Paths are those of the layer, in normal form.
#[derive(Clone, Debug)]
pub enum Edit {
    /// Leaves out what these patterns of the `.dockerignore` dialect match.
    Exclude(Patterns),
    /// Leaves out what dpkg would not unpack under such rules.
    PathRules(PathRules),
    /// Leaves out this path and all that it holds.
    Remove(Box<[u8]>),
    /// Moves this path and all that it holds; hard links follow.
    Rename {
        /// What is moved.
        from: Box<[u8]>,
        /// Where to.
        to: Box<[u8]>,
    },
    /// Adds an entry, in the place of what has its path.
    Put(Put),
    /// Sets the permission bits of what the patterns match, but symbolic links.
    Mode(Patterns, u32),
    /// Sets the owner and group of what the patterns match.
    Owner(Patterns, u32, u32),
    /// Empties the regular files that the patterns match.
    Truncate(Patterns),
    /// Makes new content of what a regular file has.
    Rewrite(Rewrite),
    /// Makes no modification time later than this one.
    ClampMtime(i64),
}

impl Edit {
    /// Moves `from` to `to`, as users write them.
    pub fn rename(from: &[u8], to: &[u8]) -> Result<Self> {
        let (from, to) = (inner_path(from)?, inner_path(to)?);
        if from == to || is_within(&to, &from) {
            return Err(Error::Argument(format!(
                "cannot rename `{}` to `{}`: it lies in itself",
                display_path(&from).display(),
                display_path(&to).display()
            )));
        }
        Ok(Self::Rename { from, to })
    }

    /// Leaves out `path`, as users write it.
    pub fn remove(path: &[u8]) -> Result<Self> {
        inner_path(path).map(Self::Remove)
    }

    const fn is_rename(&self) -> bool {
        matches!(self, Self::Rename { .. })
    }
}

/// A path that an edit names: any but the root.
fn inner_path(path: &[u8]) -> Result<Box<[u8]>> {
    let normal =
        normalize_path(path).map_err(|error| Error::Argument(format!("invalid path: {error}")))?;
    if normal.is_empty() {
        let path = display_path(path).display();
        return Err(Error::Argument(format!("invalid path: `{path}` is the root of the layer")));
    }
    Ok(normal)
}

/// The edits of one build, and what they met so far.
#[derive(Clone, Debug, Default)]
pub struct Edits {
    steps: Vec<Step>,
    /// The places of those that are to rewrite the entry that went through last.
    due: Vec<usize>,
}

#[derive(Clone, Debug)]
struct Step {
    edit: Edit,
    /// Whether an entry was affected.
    met: bool,
}

impl Edits {
    /// These edits, in this order.
    #[must_use]
    pub fn new(edits: Vec<Edit>) -> Self {
        let steps = edits.into_iter().map(|edit| Step { edit, met: false }).collect();
        Self { steps, due: Vec::new() }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whether an entry may get another path.
    pub(crate) fn can_move(&self) -> bool {
        self.steps.iter().any(|step| step.edit.is_rename())
    }

    /// Whether it matters what an entry is.
    pub(crate) fn ask_nature(&self) -> bool {
        let asks = |step: &Step| {
            matches!(step.edit, Edit::PathRules(_) | Edit::Mode(..) | Edit::Truncate(_))
        };
        self.steps.iter().any(asks)
    }

    /// The places, in the list, of the edits that matched nothing.
    #[must_use]
    pub fn unmatched(&self) -> Vec<usize> {
        let steps = self.steps.iter().enumerate();
        steps.filter(|(_, step)| !step.met).map(|(index, _)| index).collect()
    }
}

#[cfg(test)]
mod corners;
#[cfg(test)]
mod tests;
