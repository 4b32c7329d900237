//! Decoding on a thread of its own, a little ahead of who reads.

use std::io::{self, BufRead, Read};
use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{Builder, JoinHandle};

use super::{Decoder, Encoding, read_on};
use crate::cancel::Cancel;
use crate::error::{Error, Result};

/// Bytes that are handed over at a time, and how many such pieces there are: enough that neither
/// side waits for the other while the other has work, and a quarter of it in nobody's hands.
const PIECE: usize = 256 << 10;
const PIECES: usize = 4;

/// What was compressed in `input`, or `input` itself if it is not compressed.
///
/// Compressed input is decoded on a thread of its own, which ends when the reader is dropped, and
/// with an error once `cancel` is raised. `threads`: how many the whole build has.
pub fn decode_ahead(
    input: impl BufRead + Send + 'static,
    threads: usize,
    cancel: &Cancel,
) -> Result<Box<dyn Read + Send>> {
    let unwanted = Cancel::default();
    let input = Guarded { input, flags: [cancel.clone(), unwanted.clone()] };
    // What comes out is hashed and compressed again, so this gets half of the threads. On two
    // processors a second one for xz would save a sixth of the time and take three times the memory.
    let decoder = Decoder::with_threads(input, threads / 2)?;
    if decoder.encoding() == Encoding::Plain {
        return Ok(Box::new(decoder));
    }
    Ok(Box::new(Ahead::start(decoder, unwanted)?))
}

/// The compressed stream until one of the flags is raised. Decoders may read much and give nothing.
struct Guarded<R> {
    input: R,
    flags: [Cancel; 2],
}

impl<R> Guarded<R> {
    fn check(&self) -> io::Result<()> {
        self.flags.iter().try_for_each(Cancel::check).map_err(io::Error::other)
    }
}

impl<R: Read> Read for Guarded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.check()?;
        self.input.read(buffer)
    }
}

impl<R: BufRead> BufRead for Guarded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.check()?;
        self.input.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.input.consume(count);
    }
}

/// The reader's side. Pieces go round: filled ones come in, used ones go back.
struct Ahead {
    filled: Receiver<Vec<u8>>,
    used: Sender<Vec<u8>>,
    /// The piece that is being read, of which all before `taken` was.
    piece: Vec<u8>,
    taken: usize,
    /// Last, so that the thread finds its channels closed when it is waited for.
    thread: Thread,
}

impl Ahead {
    fn start<R: BufRead + Send + 'static>(decoder: Decoder<R>, unwanted: Cancel) -> Result<Self> {
        let (send_filled, filled) = channel();
        let (used, take_used) = channel();
        let handle = Builder::new()
            .name("fastlayer-decode".to_owned())
            .spawn(move || decode(decoder, &take_used, &send_filled))
            .map_err(Error::no_thread)?;
        // The one that is being read is one of them, though nothing is in it yet.
        for _ in 1..PIECES {
            let _ = used.send(Vec::new());
        }
        let thread = Thread { handle: Some(handle), failed: false, unwanted };
        Ok(Self { filled, used, piece: Vec::new(), taken: 0, thread })
    }
}

impl Read for Ahead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.piece.len() {
            // Nobody takes it when the thread has ended.
            let _ = self.used.send(std::mem::take(&mut self.piece));
            self.taken = 0;
            let Ok(piece) = self.filled.recv() else {
                return self.thread.end().map(|()| 0);
            };
            self.piece = piece;
        }
        let count = (&self.piece[self.taken..]).read(buffer)?;
        self.taken += count;
        Ok(count)
    }
}

/// What the thread does: fills pieces until there are no more, or nobody takes them.
fn decode(
    mut input: impl Read,
    used: &Receiver<Vec<u8>>,
    filled: &Sender<Vec<u8>>,
) -> io::Result<()> {
    while let Ok(mut piece) = used.recv() {
        piece.resize(PIECE, 0);
        let count = input.read(&mut piece)?;
        piece.truncate(count);
        if count == 0 || filled.send(piece).is_err() {
            break;
        }
    }
    Ok(())
}

/// The thread, which never outlives this.
struct Thread {
    /// `None` once it has ended.
    handle: Option<JoinHandle<io::Result<()>>>,
    failed: bool,
    unwanted: Cancel,
}

impl Thread {
    /// Tells how the thread ended, also if it panicked.
    fn end(&mut self) -> io::Result<()> {
        match self.handle.take().map(JoinHandle::join) {
            Some(Ok(result)) => {
                self.failed = result.is_err();
                result
            }
            Some(Err(panic)) => resume_unwind(panic),
            None if self.failed => Err(read_on()),
            None => Ok(()),
        }
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.unwanted.raise();
        if let Some(handle) = self.handle.take() {
            // Whatever it says, nobody asks any more.
            let _ = handle.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, ErrorKind, repeat};
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread::{current, sleep};
    use std::time::Duration;

    use super::super::tests::{FORMATS, SKIPPABLE, gzip, noise, xz, xz_of_blocks};
    use super::*;

    fn ahead(input: impl Read + Send + 'static, cancel: &Cancel) -> Box<dyn Read + Send> {
        decode_ahead(BufReader::with_capacity(1000, input), 4, cancel).unwrap()
    }

    /// Gives `piece` over and over, and counts what was taken.
    struct Endless {
        piece: Vec<u8>,
        at: usize,
        taken: Arc<AtomicUsize>,
    }

    impl Endless {
        fn new(piece: Vec<u8>) -> (Self, Arc<AtomicUsize>) {
            let taken = Arc::new(AtomicUsize::new(0));
            (Self { piece, at: 0, taken: Arc::clone(&taken) }, taken)
        }
    }

    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = (&self.piece[self.at..]).read(buffer)?;
            self.at = (self.at + count) % self.piece.len();
            self.taken.fetch_add(count, Ordering::Relaxed);
            Ok(count)
        }
    }

    #[test]
    fn what_is_read_is_what_was_compressed() {
        // Of many pieces, since the input comes in small ones.
        let content = noise(300_000);
        for (_, encode) in FORMATS {
            let mut reader = ahead(io::Cursor::new(encode(&content)), &Cancel::default());
            let mut read = Vec::new();
            reader.read_to_end(&mut read).unwrap();
            assert!(read == content);
            // The end stays the end.
            assert_eq!(reader.read(&mut [0; 9]).unwrap(), 0);
        }
    }

    #[test]
    fn a_plain_tar_is_read_by_who_asks_for_it() {
        struct Where;
        impl Read for Where {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                buffer[0] = u8::from(current().name() == Some("fastlayer-decode"));
                Ok(1)
            }
        }
        let mut reader = ahead(Where, &Cancel::default());
        let mut read = [9; 100];
        reader.read_exact(&mut read).unwrap();
        assert_eq!(read, [0; 100]);
    }

    #[test]
    fn an_error_of_the_input_comes_after_what_was_before_it_and_is_itself() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::new(ErrorKind::ConnectionReset, "by the test"))
            }
        }
        let input = io::Cursor::new(gzip(b"one")).chain(Broken);
        let mut reader = ahead(input, &Cancel::default());
        let mut read = Vec::new();
        let error = reader.read_to_end(&mut read).unwrap_err();
        assert_eq!((read.as_slice(), error.kind()), (&b"one"[..], ErrorKind::ConnectionReset));
        assert_eq!(error.get_ref().unwrap().to_string(), "by the test");
        assert!(reader.read(&mut [0; 9]).is_err());
    }

    #[test]
    fn a_panic_of_the_input_is_one_of_the_reader() {
        struct Panics;
        impl Read for Panics {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                panic!("by the test")
            }
        }
        let mut reader = ahead(io::Cursor::new(xz(b"one")).chain(Panics), &Cancel::default());
        let read = AssertUnwindSafe(|| reader.read_to_end(&mut Vec::new()));
        let panic = catch_unwind(read).unwrap_err();
        assert_eq!(panic.downcast_ref(), Some(&"by the test"));
    }

    #[test]
    fn no_more_is_decoded_than_there_are_pieces() {
        let (input, taken) = Endless::new(gzip(&noise(100_000)));
        let mut reader = ahead(input, &Cancel::default());
        reader.read_exact(&mut [0; 9]).unwrap();
        // Long enough for much more.
        sleep(Duration::from_millis(100));
        assert!(taken.load(Ordering::Relaxed) <= (PIECES + 1) * PIECE);
    }

    #[test]
    fn the_thread_ends_when_the_reader_is_dropped() {
        let blocks = xz_of_blocks(&noise(500_000));
        // The last one has nothing to hand over, so only its input can stop it.
        for piece in [gzip(&noise(100_000)), blocks, SKIPPABLE.to_vec()] {
            let waits = piece != SKIPPABLE;
            let (input, taken) = Endless::new(piece);
            let mut reader = ahead(input, &Cancel::default());
            if waits {
                reader.read_exact(&mut [0; 9]).unwrap();
            }
            drop(reader);
            // The input went with the thread.
            assert_eq!(Arc::strong_count(&taken), 1);
        }
    }

    #[test]
    fn a_raised_flag_ends_the_reading() {
        let streams = [Endless::new(gzip(b"one")).0, Endless::new(SKIPPABLE.to_vec()).0];
        for input in streams {
            let cancel = Cancel::default();
            let mut reader = ahead(input, &cancel);
            let raised = std::thread::spawn({
                let cancel = cancel.clone();
                move || {
                    sleep(Duration::from_millis(20));
                    cancel.raise();
                }
            });
            let error = io::copy(&mut reader, &mut io::sink()).unwrap_err();
            assert!(matches!(Error::from_read(error), Error::Cancelled));
            raised.join().unwrap();
        }
        let cancel = Cancel::default();
        let mut plain = ahead(repeat(b'a'), &cancel);
        cancel.raise();
        assert!(io::copy(&mut plain, &mut io::sink()).is_err());
    }
}
