//! From a source to a blob: the call that everything else is for.

use super::source::{Blob, Sink, Source};
use crate::cancel::Cancel;
use crate::compress::{Compression, Encoding};
use crate::edit::Edits;
use crate::error::{Error, Result};
use crate::pipeline::{self, Input, Output, Progress, Seat};
use crate::plan::Warning;
use crate::source::{ArchiveFile, Form, Policy};
use crate::stack::Tree;

/// How a layer is made.
#[derive(Clone)]
pub struct Build {
    /// What happens to metadata.
    pub policy: Policy,
    /// What happens to entries after that.
    pub edits: Edits,
    /// Compression and its level.
    pub compression: Compression,
    /// Whether what was compressed is decoded again and compared, before it is written.
    pub verify: bool,
    /// Number of threads; zstd has as many of its own.
    pub threads: usize,
    /// What is there below this layer, if that is known: parents that the source lacks are as they
    /// are there, and entries of archives go where its links lead.
    pub ground: Option<Tree>,
    /// Device and inode of every file that this build writes, but that of the sink: none may be
    /// read as input.
    pub outputs: Vec<(u64, u64)>,
    /// Stops the build from outside.
    pub cancel: Cancel,
    /// Tells how far it is.
    pub progress: Progress,
}

/// A layer that was made.
#[derive(Clone, Debug)]
pub struct LayerBlob {
    /// Digests and sizes.
    pub output: Output,
    /// Number of entries in the tar.
    pub entries: u64,
    /// What was left out.
    pub warnings: Vec<Warning>,
    /// The places, in their list, of edits that matched nothing.
    pub unmatched: Vec<usize>,
}

impl Build {
    /// Refuses what would change the entries of `source`, if that stays as it is.
    pub fn check(&self, source: &Source) -> Result<()> {
        let keeps_all = self.policy.keeps_all() && self.edits.is_empty();
        if matches!(source, Source::Transcode(_)) && !keeps_all {
            let reason = "a layer that gets another compression keeps its entries as they are: no \
                          option or edit may change them";
            return Err(Error::Argument(reason.into()));
        }
        Ok(())
    }

    /// Makes a layer of `source` and writes it to `sink`.
    pub fn run(mut self, source: Source, sink: &mut impl Sink) -> Result<LayerBlob> {
        self.outputs.extend(sink.identity());
        self.run_on(&Seat::alone(self.threads), source, sink)
    }

    /// Makes a layer on the threads of `seat`, of which it has the first one.
    pub(super) fn run_on(
        &self,
        seat: &Seat,
        source: Source,
        sink: &mut impl Sink,
    ) -> Result<LayerBlob> {
        self.check(&source)?;
        match source {
            Source::Archive(path) => {
                self.run_archive(seat, &ArchiveFile::open(&path)?, Form::Tree, sink)
            }
            Source::ArchivePart(path, offset, size) => {
                let part = ArchiveFile::open_part(&path, offset, size)?;
                self.run_archive(seat, &part, Form::Tree, sink)
            }
            Source::Stream(stream) => self.run_stream(seat, stream, Form::Tree, sink),
            Source::Transcode(Blob::File(file)) => {
                let made = file.reader().and_then(|tar| self.run_tar(seat, tar, sink));
                let made = made.map_err(|error| error.in_archive(file.path()))?;
                // The tar stays as it is, so that its digest is known by now.
                file.check(made.output.diff_id)?;
                Ok(made)
            }
            Source::Transcode(Blob::Stream(stream)) => self.run_tar(seat, stream, sink),
            Source::Rewrite(Blob::File(file)) => self.run_archive(seat, &file, Form::Layer, sink),
            Source::Rewrite(Blob::Stream(stream)) => {
                self.run_stream(seat, stream, Form::Layer, sink)
            }
            planned => self.run_plan(seat, &planned, sink),
        }
    }

    fn run_plan(&self, seat: &Seat, source: &Source, sink: &mut impl Sink) -> Result<LayerBlob> {
        let mut limit = None;
        let mut threads = seat.threads();
        if !seat.in_turn() {
            threads = 1;
            limit = Some(MOST_AHEAD);
        }
        self.with_plan(source, threads, limit, |plan, edits, layers| {
            let output = match layers {
                None => self.pipe(seat, Input::Plan(plan), sink)?,
                Some(layers) => {
                    self.progress.set_total(plan.size());
                    self.pipe(seat, Input::Stream(&mut layers.stream(plan)), sink)?
                }
            };
            let (entries, warnings) = (plan.entries(), plan.warnings().to_vec());
            Ok(LayerBlob { output, entries, warnings, unmatched: edits.unmatched() })
        })
    }

    pub(super) fn pipe<'b>(
        &'b self,
        seat: &'b Seat,
        input: Input<'b>,
        sink: &'b mut impl Sink,
    ) -> Result<Output> {
        let encoding = Encoding { compression: self.compression, verify: self.verify };
        pipeline::run(input, encoding, seat, sink, &self.cancel, &self.progress)
    }
}

/// Entries of a layer that may be planned ahead of its turn: no more memory than a block. A larger
/// plan is begun again, on all threads, when nobody else has one.
const MOST_AHEAD: usize = 4096;
