//! Layers applied to a tree: those that were made before, and those that are only described.

use std::io::Read;

use super::build::Build;
use super::source::{Blob, Source};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::source::{ArchiveFile, Form};
use crate::stack::{Listing, Tree, list_layer, list_plan};

/// Applies a layer that was made before, plain or compressed, to `tree`. Only an error of the last
/// step, a hard link to what is not there, leaves `tree` changed.
pub fn apply_blob(
    tree: &mut Tree,
    blob: &ArchiveFile,
    threads: usize,
    cancel: &Cancel,
) -> Result<()> {
    let applied = list_blob(blob, threads, cancel).and_then(|layer| tree.apply(layer, cancel));
    applied.map_err(|error| error.in_archive(blob.path()))
}

fn list_blob(blob: &ArchiveFile, threads: usize, cancel: &Cancel) -> Result<Vec<Listing>> {
    list_layer(blob.verified(threads, cancel)?, cancel)
}

impl Build {
    /// Applies the layer that would be made of `source` now to `tree`; see [`apply_blob`].
    ///
    /// Little more than headers is read, but an archive is decoded. What can be read only once is
    /// refused.
    pub fn apply_to(&self, tree: &mut Tree, source: Source) -> Result<()> {
        self.check(&source)?;
        tree.apply(self.list(source)?, &self.cancel)
    }

    fn list(&self, source: Source) -> Result<Vec<Listing>> {
        match source {
            Source::Archive(path) => self.list_archive(&ArchiveFile::open(&path)?, Form::Tree),
            Source::ArchivePart(path, offset, size) => {
                self.list_archive(&ArchiveFile::open_part(&path, offset, size)?, Form::Tree)
            }
            Source::Rewrite(Blob::File(file)) => self.list_archive(&file, Form::Layer),
            Source::Transcode(Blob::File(file)) => list_blob(&file, self.threads, &self.cancel)
                .map_err(|error| error.in_archive(file.path())),
            Source::Stream(_) | Source::Transcode(_) | Source::Rewrite(_) => Err(once()),
            planned => self.with_plan(&planned, self.threads, None, |plan, _, layers| {
                match (list_plan(plan)?, layers) {
                    (Some(listed), _) => Ok(listed),
                    (None, Some(layers)) => list_layer(layers.stream(plan), &self.cancel),
                    (None, None) => Err(Error::Internal("content that nothing gives".into())),
                }
            }),
        }
    }

    fn list_archive(&self, archive: &ArchiveFile, form: Form) -> Result<Vec<Listing>> {
        if !archive.rereadable() {
            return Err(once());
        }
        let list = |tar: Box<dyn Read + Send>, told| {
            let listed = self.with_stream(tar, told, |stream| list_layer(stream, &self.cancel));
            listed.map(|(_, _, listed)| listed)
        };
        match archive
            .verified(self.threads, &self.cancel)
            .and_then(|tar| list(tar, self.untold(form)))
        {
            Err(Error::OutOfOrder { .. }) => self.again(archive, form, self.threads, list),
            listed => listed.map_err(|error| error.in_archive(archive.path())),
        }
    }
}

fn once() -> Error {
    let reason = "a layer of what can be read only once, a stream or pipe, cannot be looked at \
                  before it is made: give a file";
    Error::Argument(reason.into())
}
