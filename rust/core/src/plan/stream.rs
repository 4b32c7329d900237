//! The planned tar from its first byte to its last, for whoever reads tars.

use std::io::{self, Read};

use super::{Plan, PlanReader};

/// See [`Plan::stream`].
pub(crate) struct PlanStream<'a> {
    reader: PlanReader<'a>,
    position: u64,
    size: u64,
}

impl Plan {
    /// The tar as a stream. Errors of the plan come out of it inside of `io::Error`.
    pub(crate) fn stream(&self) -> PlanStream<'_> {
        PlanStream { reader: self.reader(), position: 0, size: self.size() }
    }
}

impl Read for PlanStream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.size - self.position).unwrap_or(usize::MAX);
        let length = left.min(buffer.len());
        self.reader.fill(self.position, &mut buffer[..length]).map_err(io::Error::other)?;
        self.position += length as u64;
        Ok(length)
    }
}
