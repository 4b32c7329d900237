//! The last step of each compression: blob bytes in order, their digest, the sink.

use std::io::{self, Write};

use super::stock::Stock;
use crate::cancel::Cancel;
use crate::compress::{
    Compression, EncodedBlock, Encoding, FrameEncoder, GzipTrailer, gzip_header,
};
use crate::digest::{Digest, Hasher};
use crate::error::{Error, Result};

/// Writes to the sink and hashes what was written.
struct Blob<'a> {
    sink: &'a mut (dyn Write + Send),
    /// `None` when the blob is the tar, whose digest is known already.
    hasher: Option<Hasher>,
    size: u64,
}

impl Write for Blob<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.sink.write(bytes)?;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&bytes[..written]);
        }
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}

enum Form {
    Plain,
    Gzip { level: u32, trailer: GzipTrailer },
    Zstd(Box<FrameEncoder>),
}

/// Takes blocks in order and makes the blob of them.
pub(super) struct Emitter<'a> {
    form: Form,
    blob: Blob<'a>,
    cancel: &'a Cancel,
}

impl<'a> Emitter<'a> {
    /// `workers`: how many threads of its own zstd has.
    pub(super) fn new(
        encoding: Encoding,
        workers: usize,
        stock: &Stock,
        sink: &'a mut (dyn Write + Send),
        cancel: &'a Cancel,
    ) -> Result<Self> {
        let form = match encoding.compression {
            Compression::None => Form::Plain,
            Compression::Gzip(level) => Form::Gzip { level, trailer: GzipTrailer::default() },
            Compression::Zstd(level) => {
                let workers = u32::try_from(workers).unwrap_or(u32::MAX);
                let mut frame = stock.take_frame(level, workers)?;
                if encoding.verify {
                    frame.check()?;
                }
                Form::Zstd(Box::new(frame))
            }
        };
        let hasher = (!matches!(form, Form::Plain)).then(Hasher::new);
        Ok(Self { form, blob: Blob { sink, hasher, size: 0 }, cancel })
    }

    /// Emits a block: `input` is its tar, `encoded` its compressed form where blocks have one.
    pub(super) fn emit(&mut self, input: &[u8], encoded: &EncodedBlock, last: bool) -> Result<()> {
        let blob = &mut self.blob;
        match &mut self.form {
            Form::Plain => blob.write_all(input).map_err(Error::Write)?,
            Form::Gzip { level, trailer } => {
                if blob.size == 0 {
                    blob.write_all(&gzip_header(*level)).map_err(Error::Write)?;
                }
                blob.write_all(&encoded.bytes).map_err(Error::Write)?;
                trailer.add(encoded);
                if last {
                    blob.write_all(&trailer.finish()).map_err(Error::Write)?;
                }
            }
            Form::Zstd(frame) => {
                frame.write(input, blob, self.cancel)?;
                if last {
                    frame.finish(blob)?;
                }
            }
        }
        if last { blob.flush().map_err(Error::Write) } else { Ok(()) }
    }

    /// Digest and size of the blob, whose tar has the digest `diff_id`.
    pub(super) fn finish(self, diff_id: Digest, stock: &Stock) -> Result<(Digest, u64)> {
        if let Form::Zstd(mut frame) = self.form {
            frame.verify(diff_id)?;
            stock.return_frame(*frame);
        }
        Ok((self.blob.hasher.map_or(diff_id, Hasher::finish), self.blob.size))
    }
}
