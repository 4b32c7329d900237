//! Layers of what can only be read from its start: archives, and layers that were made before.

use std::io::Read;

use super::build::{Build, LayerBlob};
use super::source::Sink;
use crate::edit::Edits;
use crate::error::{Error, Result};
use crate::pipeline::{Input, Seat, Stream};
use crate::plan::PlanBuilder;
use crate::source::{
    ArchiveFile, ArchiveStream, Form, Layers, LayersStream, Survey, TarStream, Treatment, decoded,
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
        let tar = archive.reader();
        let once = tar.and_then(|tar| self.run_stream(seat, tar, self.untold(form), sink));
        let error = match once {
            Err(error @ Error::OutOfOrder { .. }) if archive.rereadable() => error,
            result => return result.map_err(|error| error.in_archive(archive.path())),
        };
        if sink.restart().is_err() {
            // What went into a pipe is gone.
            return Err(error);
        }
        self.progress.restart();
        let again = self.run_again(seat, archive, form, sink).map_err(|error| match error {
            // All that the archive says is known by now: the edits ask for this.
            Error::OutOfOrder { path, reason } => Error::Unsupported { path, reason },
            other => other,
        });
        again.map_err(|error| error.in_archive(archive.path()))
    }

    fn run_again(
        &self,
        seat: &Seat,
        archive: &ArchiveFile,
        form: Form,
        sink: &mut impl Sink,
    ) -> Result<LayerBlob> {
        let mut treatment = Treatment::new(self.policy.clone(), self.edits.clone(), form);
        let input = archive.decoded(seat.threads(), &self.cancel)?;
        let survey = Survey::of(input, &mut treatment, &self.cancel)?;
        let told = Told { form, edits: treatment.into_edits(), survey };
        self.run_stream(seat, archive.reader()?, told, sink)
    }

    /// What is known of a stream before it is read.
    pub(super) fn untold(&self, form: Form) -> Told {
        Told { form, edits: self.edits.clone(), survey: Survey::default() }
    }

    pub(super) fn run_stream(
        &self,
        seat: &Seat,
        stream: impl Read + Send + 'static,
        told: Told,
        sink: &mut impl Sink,
    ) -> Result<LayerBlob> {
        let mut plan = PlanBuilder::new(self.outputs.clone(), told.edits);
        Edits::put_all(&mut plan, &self.policy)?;
        let (additions, edits) = plan.finish(self.policy.default_mtime())?;
        let mut treatment = Treatment::new(self.policy.clone(), edits, told.form);
        let input = decoded(stream, seat.threads(), &self.cancel)?;
        let mut stream = ArchiveStream::new(input, &mut treatment, &additions, told.survey);
        let output = self.pipe(seat, Input::Stream(&mut stream), sink)?;
        let entries = stream.entries();
        let unmatched = treatment.into_edits().unmatched();
        Ok(LayerBlob { output, entries, warnings: Vec::new(), unmatched })
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

    pub(super) fn run_layers(
        &self,
        seat: &Seat,
        mut plan: PlanBuilder,
        files: &[ArchiveFile],
        sink: &mut impl Sink,
    ) -> Result<LayerBlob> {
        let layers = Layers::add(&mut plan, files, &self.policy, seat.threads(), &self.cancel)?;
        Edits::put_all(&mut plan, &self.policy)?;
        let (plan, edits) = plan.finish(self.policy.default_mtime())?;
        let plan = plan.in_order_of_members();
        self.progress.set_total(plan.size());
        let mut stream = layers.stream(&plan);
        let output = self.pipe(seat, Input::Stream(&mut stream), sink)?;
        let warnings = plan.warnings().to_vec();
        Ok(LayerBlob { output, entries: plan.entries(), warnings, unmatched: edits.unmatched() })
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
