//! What happens to the entry of an archive between its reader and the layer.

use crate::edit::{Edits, Nature, Passed};
use crate::error::Result;
use crate::source::Policy;
use crate::source::whiteout::placed;
use crate::stack::{is_whiteout, whiteout};
use crate::tar::{Entry, Kind};

/// What a tar stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Form {
    /// A whole tree. The parents that it lacks are put in, and no name may be that of a whiteout.
    #[default]
    Tree,
    /// A layer above others: whiteouts stay, and parents that it lacks are those of lower layers.
    Layer,
}

/// The policy and the edits of a layer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Treatment {
    policy: Policy,
    edits: Edits,
    form: Form,
}

impl Treatment {
    /// First the policy, then the edits.
    #[must_use]
    pub(crate) const fn new(policy: Policy, edits: Edits, form: Form) -> Self {
        Self { policy, edits, form }
    }

    /// The edits, with what they met.
    #[must_use]
    pub(crate) fn into_edits(self) -> Edits {
        self.edits
    }

    pub(super) const fn form(&self) -> Form {
        self.form
    }

    /// Where the root of the archive goes.
    pub(super) fn root(&self) -> Box<[u8]> {
        self.policy.prefix.clone()
    }

    pub(super) fn default_mtime(&self) -> i64 {
        self.policy.default_mtime()
    }

    /// What is to be made of the content of the regular file that was treated last: the places of
    /// edits.
    pub(super) fn take_due(&mut self) -> Vec<usize> {
        self.edits.take_due()
    }

    /// Makes it; the entry gets its new size.
    pub(super) fn rewrite(
        &mut self,
        due: &[usize],
        entry: &mut Entry,
        content: Vec<u8>,
    ) -> Result<Vec<u8>> {
        self.edits.rewrite(due, entry, content)
    }

    pub(super) fn asks_nature(&self) -> bool {
        self.edits.ask_nature()
    }

    /// An entry as the archive means it: a whiteout is a name and nothing else, even if it is a
    /// hard link to the one whiteout that there is, as AUFS made them.
    pub(super) fn admit(&self, entry: Entry) -> Entry {
        if !self.keeps_whiteout(&entry.path) {
            return entry;
        }
        Entry { kind: Kind::Regular, size: 0, xattrs: Box::default(), ..entry }
    }

    fn keeps_whiteout(&self, path: &[u8]) -> bool {
        self.form == Form::Layer && is_whiteout(path)
    }

    /// Gives an entry its place and metadata; a hard link has the nature of its target. `None`: it
    /// is left out.
    pub(super) fn treat(&mut self, entry: &mut Entry, nature: Nature) -> Result<Option<Passed>> {
        if self.keeps_whiteout(&entry.path) {
            return Ok(self.treat_whiteout(entry));
        }
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

    /// The same for a whiteout. It is left out with what it is about.
    fn treat_whiteout(&mut self, entry: &mut Entry) -> Option<Passed> {
        let about = whiteout(&entry.path);
        if about.is_some_and(|about| self.policy.exclude.excludes(about.path())) {
            return None;
        }
        *entry = placed(&entry.path, &self.policy);
        self.edits.pass(entry)
    }
}
