//! From a source to a blob: the call that everything else is for.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;

use crate::cancel::Cancel;
use crate::compress::Compression;
use crate::error::{Error, Result};
use crate::pipeline::{self, Input, Output, Progress, Stream};
use crate::plan::{PlanBuilder, Warning};
use crate::source::{ArchiveStream, Decoder, FileSource, Policy, add_files, add_tree};

/// What a layer is made of.
pub enum Source {
    /// A directory tree.
    Directory(PathBuf),
    /// Files and bytes, each with its destination.
    Files(Vec<(Vec<u8>, FileSource)>),
    /// A tar in a file, plain or compressed.
    Archive(PathBuf),
    /// A tar that is read as it comes, plain or compressed.
    Stream(Box<dyn Read + Send>),
}

/// How a layer is made.
pub struct Build<'a> {
    /// What happens to metadata.
    pub policy: Policy,
    /// Compression and its level.
    pub compression: Compression,
    /// Number of threads; zstd has as many of its own.
    pub threads: usize,
    /// Device and inode of every file that this build writes: none may be read as input.
    pub outputs: Vec<(u64, u64)>,
    /// Stops the build from outside.
    pub cancel: &'a Cancel,
    /// Tells how far it is.
    pub progress: &'a Progress,
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
}

impl Build<'_> {
    /// Makes a layer of `source` and writes it to `sink`.
    pub fn run(self, source: Source, sink: &mut (dyn Write + Send)) -> Result<LayerBlob> {
        let mut plan = PlanBuilder::new(self.outputs.clone());
        match source {
            Source::Directory(path) => {
                add_tree(&mut plan, &path, &self.policy, self.threads, self.cancel)?;
            }
            Source::Files(files) => add_files(&mut plan, files, &self.policy)?,
            Source::Archive(path) => {
                let file = File::open(&path).map_err(|error| Error::io("open", &path, error))?;
                return self.run_stream(file, sink).map_err(|error| error.in_archive(&path));
            }
            Source::Stream(stream) => return self.run_stream(stream, sink),
        }
        let plan = plan.finish();
        let output = self.pipe(Input::Plan(&plan), sink)?;
        let warnings = plan.warnings().to_vec();
        Ok(LayerBlob { output, entries: plan.entries(), warnings })
    }

    fn run_stream(
        &self,
        stream: impl Read + Send,
        sink: &mut (dyn Write + Send),
    ) -> Result<LayerBlob> {
        let input = Decoder::new(BufReader::with_capacity(READ, stream))?;
        let mut stream = ArchiveStream::new(input, self.policy.clone());
        let output = self.pipe(Input::Stream(&mut stream), sink)?;
        Ok(LayerBlob { output, entries: stream.entries(), warnings: Vec::new() })
    }

    fn pipe<'b>(&'b self, input: Input<'b>, sink: &'b mut (dyn Write + Send)) -> Result<Output> {
        pipeline::run(input, self.compression, self.threads, sink, self.cancel, self.progress)
    }
}

/// Bytes that archives are read by.
const READ: usize = 256 * 1024;

impl<R: BufRead + Send> Stream for ArchiveStream<Decoder<R>> {
    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize> {
        ArchiveStream::fill(self, buffer)
    }
}
