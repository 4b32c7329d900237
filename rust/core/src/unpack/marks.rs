//! Whiteouts and opaque directories in the notation of overlayfs
//! (Documentation/filesystems/overlayfs.rst, "whiteouts and opaque directories").

use rustix::fs::{FileType, Mode, XattrFlags, fsetxattr, makedev, mknodat};
use rustix::io::Errno;

use super::Purpose;
use super::write::Writer;
use crate::error::Result;
use crate::stack::{Whiteout, is_whiteout, whiteout};
use crate::tar::Entry;

/// What a layer removes of those below it, to be marked when all else is made.
pub(super) struct Marks<'a> {
    /// The attribute of an opaque directory, where whiteouts are entries.
    opaque: Option<&'static str>,
    whiteouts: Vec<Whiteout<'a>>,
}

impl<'a> Marks<'a> {
    pub(super) const fn new(purpose: Purpose) -> Self {
        let opaque = match purpose {
            Purpose::Tree | Purpose::Lowest => None,
            Purpose::Above { user: false } => Some("trusted.overlay.opaque"),
            Purpose::Above { user: true } => Some("user.overlay.opaque"),
        };
        Self { opaque, whiteouts: Vec::new() }
    }

    /// Takes note of a whiteout; returns whether `entry` is one.
    pub(super) fn take(&mut self, entry: &'a Entry) -> bool {
        if !is_whiteout(&entry.path) {
            return false;
        }
        self.whiteouts.extend(whiteout(&entry.path));
        true
    }

    pub(super) fn make(self, writer: &mut Writer<'_>) -> Result<()> {
        let Some(opaque) = self.opaque else { return Ok(()) };
        for whiteout in self.whiteouts {
            let made = match &whiteout {
                Whiteout::Below(directory) => mark(writer, directory, opaque),
                Whiteout::Name(path) => hide(writer, path, opaque),
            };
            made.map_err(|error| writer.error("make the whiteout of", whiteout.path(), error))?;
        }
        Ok(())
    }
}

/// Puts the device that hides a name. Where the layer has something of this name itself, that does
/// it; a directory has to be told to.
fn hide(writer: &mut Writer<'_>, path: &[u8], opaque: &str) -> Result<(), Errno> {
    let device = makedev(0, 0);
    let made = writer.within(path, |parent, name| {
        mknodat(parent, name, FileType::CharacterDevice, Mode::empty(), device)
    });
    match made {
        Err(Errno::EXIST) => match mark(writer, path, opaque) {
            Err(Errno::NOTDIR | Errno::LOOP) => Ok(()),
            marked => marked,
        },
        made => made,
    }
}

fn mark(writer: &mut Writer<'_>, directory: &[u8], opaque: &str) -> Result<(), Errno> {
    fsetxattr(writer.enter(directory)?, opaque, b"y", XattrFlags::empty())
}
