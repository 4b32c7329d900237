//! Where the links of a path lead, for a process that has a tree for its root (symlink(7)).

use super::Tree;
use crate::error::{Error, Result, display_path};
use crate::tar::{Kind, join, parent_of};

/// Links that one path may lead through; more lead in a circle. Engines have the same limit.
const MAX_LINKS: usize = 255;

impl Tree {
    /// The path without links, `.` and `..`: absolute links begin at the root, `..` stops there, and
    /// what is missing stays as it is. Unless `follow_last`, a link at the very end stays.
    ///
    /// [`Error::Links`] for what leads in a circle.
    pub fn resolve(&self, path: &[u8], follow_last: bool) -> Result<Box<[u8]>> {
        if path.contains(&0) {
            let path = display_path(path).display();
            return Err(Error::Argument(format!("invalid path: `{path}` holds a NUL byte")));
        }
        let mut at: Box<[u8]> = Box::default();
        // The part that is next stands last.
        let mut rest: Vec<&[u8]> = parts(path).collect();
        let mut links = 0;
        while let Some(part) = rest.pop() {
            if part == b".." {
                at = parent_of(&at).unwrap_or_default().into();
                continue;
            }
            let next = join(&at, part);
            match self.link(&next).filter(|_| follow_last || !rest.is_empty()) {
                None => at = next,
                Some(_) if links == MAX_LINKS => {
                    return Err(Error::Links { path: display_path(path).to_path_buf() });
                }
                Some(target) => {
                    links += 1;
                    if target.starts_with(b"/") {
                        at = Box::default();
                    }
                    rest.extend(parts(target));
                }
            }
        }
        Ok(at)
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
