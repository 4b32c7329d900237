//! Layers of what can only be read from its start: archives, and layers that were made before.

use std::io::Read;

use super::build::{Build, LayerBlob};
use super::source::{Sink, not_again};
use crate::edit::Edits;
use crate::error::{Error, Result};
use crate::pipeline::{Input, Seat, Stream};
use crate::plan::PlanBuilder;
use crate::source::{
    ArchiveFile, ArchiveStream, Form, LayersStream, Survey, TarStream, Treatment, decoded,
};

/// What is known of the tar in a stream before it is read.
pub(super) struct Told {
    form: Form,
    edits: Edits,
    survey: Survey,
}

impl Build {
    /// Reads an archive once, and only if that can't be enough, surveys it and reads it again.
    pub(super) fn run_archive(
        &self,
        seat: &Seat,
        archive: &ArchiveFile,
        form: Form,
        sink: &mut impl Sink,
    ) -> Result<LayerBlob> {
        let tar = archive.verified(seat.threads(), &self.cancel);
        let once = tar.and_then(|tar| self.run_members(seat, tar, self.untold(form), sink));
        let error = match once {
            Err(error @ Error::OutOfOrder { .. }) if archive.rereadable() => error,
            result => return result.map_err(|error| error.in_archive(archive.path())),
        };
        if let Err(failed) = sink.restart() {
            return Err(not_again(error, failed));
        }
        self.progress.restart();
        self.again(archive, form, seat.threads(), |tar, told| {
            self.run_members(seat, tar, told, sink)
        })
    }

    /// Surveys an archive, and has `read` read it with all that is known by then.
    pub(super) fn again<T>(
        &self,
        archive: &ArchiveFile,
        form: Form,
        threads: usize,
        read: impl FnOnce(Box<dyn Read + Send>, Told) -> Result<T>,
    ) -> Result<T> {
        let survey = || {
            let mut treatment = Treatment::new(self.policy.clone(), self.edits.clone(), form);
            let input = archive.verified(threads, &self.cancel)?;
            let survey = Survey::of(input, &mut treatment, &self.cancel)?;
            Ok(Told { form, edits: treatment.into_edits(), survey })
        };
        let again = survey().and_then(|told| read(archive.decoded(threads, &self.cancel)?, told));
        again.map_err(|error| {
            match error {
                // All that the archive says is known by now: the edits ask for this.
                Error::OutOfOrder { path, reason } => Error::unsupported(path, reason),
                other => other,
            }
            .in_archive(archive.path())
        })
    }

    /// What is known of a stream before it is read.
    pub(super) fn untold(&self, form: Form) -> Told {
        Told { form, edits: self.edits.clone(), survey: Survey::default() }
    }

    pub(super) fn run_stream(
        &self,
        seat: &Seat,
        stream: impl Read + Send + 'static,
        form: Form,
        sink: &mut impl Sink,
    ) -> Result<LayerBlob> {
        let tar = decoded(stream, seat.threads(), &self.cancel)?;
        self.run_members(seat, tar, self.untold(form), sink)
    }

    fn run_members(
        &self,
        seat: &Seat,
        tar: Box<dyn Read + Send>,
        told: Told,
        sink: &mut impl Sink,
    ) -> Result<LayerBlob> {
        let (entries, unmatched, output) =
            self.with_stream(tar, told, |stream| self.pipe(seat, Input::Stream(stream), sink))?;
        Ok(LayerBlob { output, entries, warnings: Vec::new(), unmatched })
    }

    /// Gives `read` the tar of the layer of an archive, which `tar` has. Returns how many entries it
    /// has, which edits matched nothing, and what was made of it.
    pub(super) fn with_stream<T>(
        &self,
        tar: Box<dyn Read + Send>,
        told: Told,
        read: impl FnOnce(&mut ArchiveStream<'_, Box<dyn Read + Send>>) -> Result<T>,
    ) -> Result<(u64, Vec<usize>, T)> {
        let mut plan = PlanBuilder::new(self.outputs.clone(), told.edits);
        Edits::put_all(&mut plan, &self.policy)?;
        let (additions, edits) = plan.finish(self.policy.default_mtime())?;
        let mut treatment = Treatment::new(self.policy.clone(), edits, told.form);
        let (ground, survey) = (self.ground(), told.survey);
        let mut stream = ArchiveStream::above(ground, tar, &mut treatment, &additions, survey);
        let made = read(&mut stream)?;
        let entries = stream.entries();
        Ok((entries, treatment.into_edits().unmatched(), made))
    }

    pub(super) fn run_tar(
        &self,
        seat: &Seat,
        stream: impl Read + Send + 'static,
        sink: &mut impl Sink,
    ) -> Result<LayerBlob> {
        let mut tar = TarStream::new(decoded(stream, seat.threads(), &self.cancel)?);
        let output = self.pipe(seat, Input::Stream(&mut tar), sink)?;
        let entries = tar.entries();
        Ok(LayerBlob { output, entries, warnings: Vec::new(), unmatched: Vec::new() })
    }
}

impl<R: Read + Send> Stream for ArchiveStream<'_, R> {
    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize> {
        ArchiveStream::fill(self, buffer)
    }
}

impl<R: Read + Send> Stream for TarStream<R> {
    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize> {
        TarStream::fill(self, buffer)
    }
}

impl Stream for LayersStream<'_> {
    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize> {
        LayersStream::fill(self, buffer)
    }
}
