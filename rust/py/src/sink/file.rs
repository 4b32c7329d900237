//! The file that a blob is written to, sent to disk while it still grows.

use std::fs::File;
use std::io::{self, ErrorKind, Seek, SeekFrom, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;

use fastlayer_core::{Cancel, blob};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// How often a wait for who reads a pipe looks whether the build is still wanted.
const TICK: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };

/// Bytes between two hints: large enough to be one good piece of work for a disk.
const STEP: u64 = 8 << 20;

/// Writes to a file, and has the kernel begin to send each piece to disk at once. The `fsync` that
/// makes the file durable would otherwise wait at its end for nearly all of it.
pub(crate) struct FileSink {
    file: File,
    identity: (u64, u64),
    /// Where the blob begins.
    start: Option<u64>,
    /// Where the next hint begins; `None` for what has no positions, such as a pipe.
    hinted: Option<u64>,
    /// Bytes written since.
    pending: u64,
    cancel: Cancel,
}

impl FileSink {
    /// A sink that goes on at the file's position.
    pub(crate) fn new(mut file: File, cancel: Cancel) -> io::Result<Self> {
        let metadata = file.metadata()?;
        let identity = (metadata.dev(), metadata.ino());
        let start = match file.stream_position() {
            Err(error) if error.kind() == ErrorKind::NotSeekable => None,
            position => Some(position?),
        };
        Ok(Self { file, identity, start, hinted: start, pending: 0, cancel })
    }

    /// Writes what there is room for. Whoever reads a pipe may take his time, or have none any more:
    /// one that does not block is waited for in short steps, so that a cancelled build ends.
    fn write_some(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.file.write(bytes) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if self.cancel.check().is_err() {
                        return Err(error);
                    }
                    poll(&mut [PollFd::new(&self.file, PollFlags::OUT)], Some(&TICK))?;
                }
                written => return written,
            }
        }
    }
}

impl blob::Sink for FileSink {
    fn restart(&mut self) -> io::Result<()> {
        let Some(start) = self.start else { return Err(ErrorKind::NotSeekable.into()) };
        self.file.seek(SeekFrom::Start(start))?;
        self.file.set_len(start)?;
        (self.hinted, self.pending) = (self.start, 0);
        Ok(())
    }

    fn identity(&self) -> Option<(u64, u64)> {
        Some(self.identity)
    }
}

impl Write for FileSink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.write_some(bytes)?;
        self.pending += written as u64;
        if let Some(start) = &mut self.hinted
            && self.pending >= STEP
        {
            begin_writeback(&self.file, *start, self.pending);
            *start += self.pending;
            self.pending = 0;
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Asks the kernel to begin writing a range to disk, without waiting. A hint: a failure of the disk
/// is told by the `fsync` at the end, and of a file that is not on a disk there is nothing to tell.
fn begin_writeback(file: &File, start: u64, length: u64) {
    let (start, length) = (start.cast_signed(), length.cast_signed());
    // SAFETY: no memory is handed over, and the descriptor is open for as long as `file` lives.
    #[allow(unsafe_code, reason = "no safe binding has this call")]
    unsafe {
        libc::sync_file_range(file.as_raw_fd(), start, length, libc::SYNC_FILE_RANGE_WRITE);
    }
}
