//! What happens to the entry of an archive between its reader and the layer.

use crate::edit::{Edits, Nature, Passed};
use crate::error::Result;
use crate::source::Policy;
use crate::tar::{Entry, Kind};

/// The policy and the edits of a layer.
#[derive(Clone, Debug, Default)]
pub struct Treatment {
    policy: Policy,
    edits: Edits,
}

impl Treatment {
    /// First the policy, then the edits.
    #[must_use]
    pub const fn new(policy: Policy, edits: Edits) -> Self {
        Self { policy, edits }
    }

    /// The edits, with what they met.
    #[must_use]
    pub fn into_edits(self) -> Edits {
        self.edits
    }

    pub(super) fn default_mtime(&self) -> i64 {
        self.policy.default_mtime()
    }

    pub(super) fn asks_nature(&self) -> bool {
        self.edits.ask_nature()
    }

    /// Gives an entry its place and metadata; a hard link has the nature of its target. `None`: it
    /// is left out.
    pub(super) fn treat(&mut self, entry: &mut Entry, nature: Nature) -> Result<Option<Passed>> {
        let exclude = &self.policy.exclude;
        let excluded = exclude.excludes(&entry.path);
        if excluded && !(entry.is_directory() && exclude.has_negation()) {
            return Ok(None);
        }
        let orphan = matches!(&entry.kind, Kind::HardLink(target) if exclude.excludes(target));
        self.policy.apply(entry)?;
        let Some(mut passed) = self.edits.pass_as(nature, entry) else { return Ok(None) };
        passed.optional |= excluded;
        passed.orphan |= orphan;
        Ok(Some(passed))
    }
}
