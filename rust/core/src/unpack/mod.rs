//! Layers → a directory on disk, with nothing made outside of it.
//!
//! The headers of all layers are read first (see [`Layers`]). What is then made is a tree: one entry
//! for a path, directories before what they hold, nothing below a link, and nothing that would have
//! to be removed again. So each entry is made where nothing was, in a directory that is reached
//! part by part from the handle of the top one, and never through a link. Anything that is there
//! already is an error.

mod attributes;
mod marks;
mod remove;
mod write;

use std::path::Path;

use crate::cancel::Cancel;
use crate::edit::Edits;
use crate::error::{Error, Result};
use crate::pipeline::Progress;
use crate::plan::{Plan, PlanBuilder, Warning};
use crate::source::{ArchiveFile, Layers, Policy};

use self::marks::Marks;
use self::write::Writer;

pub use remove::remove_tree;

/// What the directory is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A tree like any other.
    Tree,
    /// The lowest directory of an overlay in which something runs: it has no devices, and nothing
    /// that looks like one of the overlay's marks.
    Lowest,
    /// A directory above others in such an overlay, of one layer, whose whiteouts become marks. With
    /// `user`, those of mounts with the option `userxattr`.
    Above {
        /// Which of the two name spaces the marks have.
        user: bool,
    },
}

/// How layers are unpacked.
pub struct Unpack<'a> {
    /// What for.
    pub purpose: Purpose,
    /// Up to half of these decode.
    pub threads: usize,
    /// Stops the work from outside.
    pub cancel: &'a Cancel,
    /// Tells how far it is: bytes of content.
    pub progress: &'a Progress,
}

impl Unpack<'_> {
    /// Makes what is there when `layers` are applied, the lowest first, in the empty directory
    /// `directory`; returns what had to be left out.
    ///
    /// Owners are set as the layers say, which takes root, here or in a user namespace. The top
    /// directory stays as it is if no layer has an entry for it. After an error it holds a part, and
    /// is private: it is opened to others when all is made.
    pub fn run(&self, layers: &[ArchiveFile], directory: &Path) -> Result<Vec<Warning>> {
        let mut plan = PlanBuilder::new(Vec::new(), Edits::default());
        let layers = self.plan(&mut plan, layers)?;
        let (plan, _) = plan.finish(0)?;
        let plan = plan.in_order_of_members();
        self.progress.set_total(plan.members().map(|(entry, _)| entry.size).sum());
        let mut writer = Writer::open(directory, self)?;
        let mut contents = layers.contents();
        let mut marks = Marks::new(self.purpose);
        for (entry, number) in plan.members() {
            self.cancel.check()?;
            if marks.take(entry) {
                continue;
            }
            writer.make(entry, number, &mut contents)?;
        }
        contents.finish()?;
        marks.make(&mut writer)?;
        finish_directories(&plan, &mut writer, self.cancel)?;
        Ok(writer.into_warnings())
    }

    fn plan<'a>(&'a self, plan: &mut PlanBuilder, layers: &'a [ArchiveFile]) -> Result<Layers<'a>> {
        if let Purpose::Above { .. } = self.purpose {
            let [layer] = layers else {
                return Err(Error::Argument("one layer at a time goes above others".into()));
            };
            return Layers::add_alone(plan, layer, self.threads, self.cancel);
        }
        Layers::add(plan, layers, &Policy::default(), self.threads, self.cancel)
    }
}

/// Gives directories what they have to have, now that nothing more is made in them. Those inside
/// come first: a mode may lock out even who set it.
fn finish_directories(plan: &Plan, writer: &mut Writer<'_>, cancel: &Cancel) -> Result<()> {
    for (entry, _) in plan.members().rev().filter(|(entry, _)| entry.is_directory()) {
        cancel.check()?;
        writer.finish_directory(entry)?;
    }
    // Its entry would have been the last one: it holds all others.
    let described = plan.members().any(|(entry, _)| entry.path.is_empty());
    if described { Ok(()) } else { writer.finish_root() }
}

#[cfg(test)]
mod tests;
