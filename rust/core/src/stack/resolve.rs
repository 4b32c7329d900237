//! Where the links of a path lead, for a process that has a tree for its root (symlink(7)).

use super::Tree;
use crate::error::{Error, Result, display_path};
use crate::tar::{Kind, join, parent_of};

/// Links that one path may lead through; more lead in a circle. Engines have the same limit.
const MAX_LINKS: usize = 255;

/// No kernel has a target of as many bytes (`PATH_MAX`), but an archive may.
const MAX_TARGET: usize = 4096;

/// Bytes that a path and the targets that it leads through may have together: every part of them
/// is looked up with all before it.
pub(super) const MAX_BYTES: usize = 8192;

/// What the walk along one path has come through so far.
#[derive(Debug, Default)]
pub(super) struct Followed {
    links: usize,
    bytes: usize,
}

impl Followed {
    /// The same with one more link; `None` if that is too much.
    fn add(&mut self, target: &[u8]) -> Option<()> {
        self.links += 1;
        self.bytes += target.len();
        let followed = self.links <= MAX_LINKS && self.bytes <= MAX_BYTES;
        (followed && target.len() < MAX_TARGET).then_some(())
    }
}

impl Tree {
    /// The path without links, `.` and `..`: absolute links begin at the root, `..` stops there, and
    /// what is missing stays as it is. Unless `follow_last`, a link at the very end stays.
    ///
    /// [`Error::Links`] for what leads in a circle, through a target of 4096 bytes or more, or
    /// through more than 8192 bytes in all.
    pub fn resolve(&self, path: &[u8], follow_last: bool) -> Result<Box<[u8]>> {
        if path.contains(&0) {
            let path = display_path(path).display();
            return Err(Error::Argument(format!("invalid path: `{path}` holds a NUL byte")));
        }
        let mut followed = Followed { links: 0, bytes: path.len() };
        Some(path)
            .filter(|path| path.len() <= MAX_BYTES)
            .and_then(|path| self.follow(Box::default(), path, follow_last, &mut followed))
            .ok_or_else(|| Error::Links { path: display_path(path).to_path_buf() })
    }

    /// The same from `at` on, which is a path without links. `None` if it is too long.
    pub(super) fn follow(
        &self,
        mut at: Box<[u8]>,
        path: &[u8],
        follow_last: bool,
        followed: &mut Followed,
    ) -> Option<Box<[u8]>> {
        // The part that is next stands last.
        let mut rest: Vec<&[u8]> = parts(path).collect();
        while let Some(part) = rest.pop() {
            if part == b".." {
                at = parent_of(&at).unwrap_or_default().into();
                continue;
            }
            let next = join(&at, part);
            match self.link(&next).filter(|_| follow_last || !rest.is_empty()) {
                None => at = next,
                Some(target) => {
                    followed.add(target)?;
                    if target.starts_with(b"/") {
                        at = Box::default();
                    }
                    rest.extend(parts(target));
                }
            }
        }
        Some(at)
    }

    /// The target of the symbolic link at `path`, if there is one that leads anywhere.
    fn link(&self, path: &[u8]) -> Option<&[u8]> {
        match &self.get(path)?.kind {
            Kind::Symlink(target) if !target.contains(&0) => Some(target),
            _ => None,
        }
    }
}

/// The parts of a path that say anything, the last one first.
fn parts(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.rsplit(|&byte| byte == b'/').filter(|part| !matches!(*part, b"" | b"."))
}
