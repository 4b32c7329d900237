//! From a source to a blob: the call that everything else is for.

use std::io::{self, BufReader, Read, Write};
use std::path::PathBuf;

use crate::cancel::Cancel;
use crate::compress::{Compression, Encoding};
use crate::edit::Edits;
use crate::error::{Error, Result};
use crate::pipeline::{self, Input, Output, Progress, Seat, Stream};
use crate::plan::{PlanBuilder, Warning};
use crate::source::{
    ArchiveFile, ArchiveStream, FileSource, Policy, Survey, Treatment, add_diff, add_files,
    add_mtree, add_overlay, add_tree, decode_ahead,
};

/// What a layer is made of.
pub enum Source {
    /// A directory tree.
    Directory(PathBuf),
    /// What is different in one directory tree from another, with whiteouts for what is gone.
    Diff {
        /// The tree that lower layers hold.
        lower: PathBuf,
        /// The tree that they hold together with this layer.
        upper: PathBuf,
    },
    /// The upper directory of an overlayfs.
    Overlay(PathBuf),
    /// Files and bytes, each with its destination.
    Files(Vec<(Vec<u8>, FileSource)>),
    /// A description in the form of mtree(5), and the directory with the content, if that is not
    /// the one that the description is in.
    Mtree(PathBuf, Option<PathBuf>),
    /// A tar in a file, plain or compressed.
    Archive(PathBuf),
    /// A tar that is read as it comes, plain or compressed.
    Stream(Box<dyn Read + Send>),
}

impl Source {
    /// The same source, if it is one that can be read ahead of its turn, and once more: this takes
    /// no more memory and threads than the pipeline does, and nothing is gone when it is read.
    pub(super) fn again(&self) -> Option<Self> {
        match self {
            Self::Directory(path) => Some(Self::Directory(path.clone())),
            Self::Overlay(path) => Some(Self::Overlay(path.clone())),
            Self::Files(files) => Some(Self::Files(files.clone())),
            Self::Mtree(file, base) if file.is_file() => {
                Some(Self::Mtree(file.clone(), base.clone()))
            }
            Self::Diff { .. } | Self::Mtree(..) | Self::Archive(_) | Self::Stream(_) => None,
        }
    }
}

/// Where a blob goes.
pub trait Sink: Write + Send {
    /// Takes back all that was written.
    fn restart(&mut self) -> io::Result<()>;

    /// Device and inode of the file that it writes to, if it is one.
    fn identity(&self) -> Option<(u64, u64)> {
        None
    }
}

impl Sink for Vec<u8> {
    fn restart(&mut self) -> io::Result<()> {
        self.clear();
        Ok(())
    }
}

impl Sink for io::Sink {
    fn restart(&mut self) -> io::Result<()> {
        Ok(())
    }
}

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
        let mut plan = PlanBuilder::new(self.outputs.clone(), self.edits.clone());
        let (policy, cancel) = (&self.policy, &self.cancel);
        let mut threads = seat.threads();
        if !seat.in_turn() {
            threads = 1;
            plan.set_limit(MOST_AHEAD, cancel.clone());
        }
        match source {
            Source::Directory(path) => add_tree(&mut plan, &path, policy, threads, cancel)?,
            Source::Diff { lower, upper } => {
                add_diff(&mut plan, &lower, &upper, policy, threads, cancel)?;
            }
            Source::Overlay(path) => add_overlay(&mut plan, &path, policy, threads, cancel)?,
            Source::Files(files) => add_files(&mut plan, files, policy)?,
            Source::Mtree(file, base) => {
                add_mtree(&mut plan, &file, base.as_deref(), policy, cancel)?;
            }
            Source::Archive(path) => {
                let made = self.run_archive(seat, &ArchiveFile::open(&path)?, sink);
                return made.map_err(|error| error.in_archive(&path));
            }
            Source::Stream(stream) => {
                return self.run_stream(seat, stream, &self.edits, Survey::default(), sink);
            }
        }
        Edits::put_all(&mut plan, policy)?;
        let (plan, edits) = plan.finish(policy.default_mtime())?;
        let output = self.pipe(seat, Input::Plan(&plan), sink)?;
        let warnings = plan.warnings().to_vec();
        Ok(LayerBlob { output, entries: plan.entries(), warnings, unmatched: edits.unmatched() })
    }

    /// Reads an archive once, and only if that can't be enough, surveys it and reads it again.
    fn run_archive(
        &self,
        seat: &Seat,
        archive: &ArchiveFile,
        sink: &mut impl Sink,
    ) -> Result<LayerBlob> {
        let stream = archive.reader()?;
        let error = match self.run_stream(seat, stream, &self.edits, Survey::default(), sink) {
            Err(error @ Error::OutOfOrder { .. }) if archive.rereadable() => error,
            result => return result,
        };
        if sink.restart().is_err() {
            // What went into a pipe is gone.
            return Err(error);
        }
        self.progress.restart();
        let mut treatment = Treatment::new(self.policy.clone(), self.edits.clone());
        let input = self.decode(seat, archive.reader()?)?;
        let survey = Survey::of(input, &mut treatment, &self.cancel)?;
        let edits = treatment.into_edits();
        self.run_stream(seat, archive.reader()?, &edits, survey, sink).map_err(
            |error| match error {
                // All that the archive says is known by now: the edits ask for this.
                Error::OutOfOrder { path, reason } => Error::Unsupported { path, reason },
                other => other,
            },
        )
    }

    fn run_stream(
        &self,
        seat: &Seat,
        stream: impl Read + Send + 'static,
        edits: &Edits,
        survey: Survey,
        sink: &mut impl Sink,
    ) -> Result<LayerBlob> {
        let mut plan = PlanBuilder::new(self.outputs.clone(), edits.clone());
        Edits::put_all(&mut plan, &self.policy)?;
        let (additions, edits) = plan.finish(self.policy.default_mtime())?;
        let mut treatment = Treatment::new(self.policy.clone(), edits);
        let input = self.decode(seat, stream)?;
        let mut stream = ArchiveStream::new(input, &mut treatment, &additions, survey);
        let output = self.pipe(seat, Input::Stream(&mut stream), sink)?;
        let entries = stream.entries();
        let unmatched = treatment.into_edits().unmatched();
        Ok(LayerBlob { output, entries, warnings: Vec::new(), unmatched })
    }

    fn decode(
        &self,
        seat: &Seat,
        stream: impl Read + Send + 'static,
    ) -> Result<Box<dyn Read + Send>> {
        decode_ahead(BufReader::with_capacity(READ, stream), seat.threads(), &self.cancel)
    }

    fn pipe<'b>(
        &'b self,
        seat: &'b Seat,
        input: Input<'b>,
        sink: &'b mut impl Sink,
    ) -> Result<Output> {
        let encoding = Encoding { compression: self.compression, verify: self.verify };
        pipeline::run(input, encoding, seat, sink, &self.cancel, &self.progress)
    }
}

/// Bytes that archives are read by.
const READ: usize = 256 * 1024;

/// Entries of a layer that may be planned ahead of its turn: no more memory than a block. A larger
/// plan is begun again, on all threads, when nobody else has one.
const MOST_AHEAD: usize = 4096;

impl<R: Read + Send> Stream for ArchiveStream<'_, R> {
    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize> {
        ArchiveStream::fill(self, buffer)
    }
}
