//! Trees as lists of entries with the digests of their content.

use std::io::{BufReader, Read};
use std::path::Path;

use crate::cancel::Cancel;
use crate::digest::Digest;
use crate::error::Result;
use crate::plan::{PlanBuilder, Warning};
use crate::source::{ArchiveFile, Decoder, Policy, add_tree};
use crate::stack::{Merged, Node, is_whiteout};
use crate::tar::{Listed, list};

/// Bytes that are read at once.
const PART: usize = 256 * 1024;

/// An entry of a tree, with the digest of its content if it is a regular file.
pub(super) type TreeNode = Node<Option<Digest>>;

/// A tree: about 300 bytes for each entry, whatever the files hold.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    pub(super) nodes: Merged<Option<Digest>>,
}

impl Tree {
    /// Adds all that is in a directory, every file read once; returns what had to be left out.
    pub fn add_directory(
        &mut self,
        path: &Path,
        threads: usize,
        cancel: &Cancel,
    ) -> Result<Vec<Warning>> {
        let mut plan = PlanBuilder::default();
        add_tree(&mut plan, path, &Policy::default(), threads, cancel)?;
        let (plan, _) = plan.finish(0)?;
        // The plan is a tar, so that a directory is read as archives are.
        self.put_all(list(plan.stream(), true, cancel)?)?;
        Ok(plan.warnings().to_vec())
    }

    /// Adds the entries of an archive, plain or compressed. Whiteouts are entries like others.
    pub fn add_archive(&mut self, input: impl Read, cancel: &Cancel) -> Result<()> {
        self.put_all(list(tar_of(input)?, true, cancel)?)
    }

    /// Applies a layer, plain or compressed, to what is there.
    pub fn apply_layer(&mut self, input: impl Read, cancel: &Cancel) -> Result<()> {
        self.apply_tar(tar_of(input)?, cancel)
    }

    /// Applies the layer of an image; its tar has to be the one that the config says.
    pub fn apply_blob(&mut self, blob: &ArchiveFile, cancel: &Cancel) -> Result<()> {
        let applied = blob.verified(1, cancel).and_then(|tar| self.apply_tar(tar, cancel));
        applied.map_err(|error| error.in_archive(blob.path()))
    }

    fn apply_tar(&mut self, tar: impl Read, cancel: &Cancel) -> Result<()> {
        let mut members = list(tar, true, cancel)?;
        self.nodes.remove_for(members.iter().map(|member| &*member.entry.path));
        members.retain(|member| !is_whiteout(&member.entry.path));
        self.put_all(members)
    }

    fn put_all(&mut self, members: Vec<Listed>) -> Result<()> {
        members.into_iter().try_for_each(|member| self.put(member))
    }

    fn put(&mut self, Listed { mut entry, digest }: Listed) -> Result<()> {
        entry.xattrs.sort();
        self.nodes.put(entry, digest)
    }
}

/// The tar of an archive, plain or compressed.
fn tar_of<'a>(input: impl Read + 'a) -> Result<impl Read + 'a> {
    Decoder::new(BufReader::with_capacity(PART, input))
}

#[cfg(test)]
mod tests {
    use super::super::{Change, differences};
    use super::*;
    use crate::error::Error;
    use crate::tar::{Entry, Kind, append_header};

    fn tar(entries: &[(&str, Kind)]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (path, kind) in entries {
            let bare = Entry::implied_directory(path.as_bytes(), 0);
            append_header(&Entry { kind: kind.clone(), ..bare }, &mut bytes).unwrap();
        }
        bytes.resize(bytes.len() + 1024, 0);
        bytes
    }

    fn link(to: &str) -> Kind {
        Kind::HardLink(to.as_bytes().into())
    }

    #[test]
    fn layers_are_applied_and_archives_are_not() {
        let base = tar(&[("d", Kind::Directory), ("d/a", Kind::Regular), ("b", link("d/a"))]);
        let next = tar(&[("d/.wh.a", Kind::Regular), ("c", link("b"))]);
        let never = Cancel::default();
        let (mut one, mut other) = (Tree::default(), Tree::default());
        one.add_archive(&base[..], &never).unwrap();
        other.apply_layer(&base[..], &never).unwrap();
        assert_eq!(differences(&one, &other), []);
        other.apply_layer(&next[..], &never).unwrap();
        let found = differences(&one, &other);
        let changes: Vec<(&[u8], bool)> = found
            .iter()
            .map(|found| (&*found.path, matches!(found.change, Change::Modified(_))))
            .collect();
        // `b` is the first name of its inode as before.
        assert_eq!(changes, [(&b"c"[..], false), (b"d/a", false)]);
        one.add_archive(&tar(&[(".wh.x", Kind::Regular)])[..], &never).unwrap();
        assert!(one.nodes.get(b".wh.x").is_some());
    }

    #[test]
    fn a_link_to_nothing_and_a_raised_flag_are_errors() {
        let bytes = tar(&[("a", link("b"))]);
        let cancel = Cancel::default();
        let error = Tree::default().apply_layer(&bytes[..], &cancel).unwrap_err();
        assert!(matches!(error, Error::Malformed { .. }), "{error}");
        cancel.raise();
        let bytes = tar(&[("a", Kind::Regular)]);
        let error = Tree::default().apply_layer(&bytes[..], &cancel).unwrap_err();
        assert!(matches!(error, Error::Cancelled), "{error}");
    }
}
