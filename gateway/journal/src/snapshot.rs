//! Snapshots: the state that a segment begins with, so that a start need not replay what was before.
//!
//! A snapshot is derived data. It is written by a second exchange that replayed the journal, it is compared with the
//! journal when it is read, and one that is damaged, of another format or does not fit is passed over for an older one,
//! or for a replay from the first segment on. Losing all of them loses nothing but time.
//!
//! ```text
//! offset  bytes
//!      0      8  "GOLVSNAP"
//!      8      2  format, [`FORMAT`]
//!     10      2  zero
//!     12      4  number of the segment that begins with this state
//!     16      8  sequence of the last command in it
//!     24     32  chain after that command's batch
//!     56     32  state digest
//!     88      8  length of the payload
//!     96      4  CRC-32C of the payload
//!    100     24  zeros
//!    124      4  CRC-32C of 0..124
//!    128         payload: exchange, a rehearsal's time, counts of events
//! ```

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use golv_engine::Exchange;
use golv_engine::digest::Digest;
use golv_engine::event::EventCounts;
use golv_engine::id::Sequence;
use golv_engine::time::Instant;
use golv_protocol::{DecodeError, EncodeError, decode_from, encode_to};

use crate::directory;
use crate::disk::{Directory, Disk, DiskFile};
use crate::format::{put, take};
use crate::replay::{Replay, Replayed};

const MAGIC: [u8; 8] = *b"GOLVSNAP";
const FORMAT: u16 = 5;
const HEADER: usize = 128;

/// What a snapshot says of itself, before anything of its payload is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotHeader {
    /// The segment that begins with this state.
    pub segment: u32,
    /// The last command in it.
    pub sequence: Sequence,
    /// The chain after that command's batch.
    pub chain: Digest,
    /// The state digest.
    pub state: Digest,
    /// The payload's length in bytes.
    pub length: u64,
    payload_crc: u32,
}

/// A snapshot that was read and found to be what it says.
#[derive(Debug)]
pub struct Snapshot {
    /// The segment that begins with this state.
    pub segment: u32,
    /// The state digest.
    pub state: Digest,
    /// What a replay up to there comes to.
    pub replayed: Replayed,
}

/// Why a snapshot is of no use. The journal is the truth, so that is no error of the exchange's.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// It could not be read.
    #[error("{} cannot be read", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It does not begin as a snapshot does, or a checksum does not hold.
    #[error("{} is damaged", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
    },
    /// It has another format.
    #[error("{} has format {found}, and this version reads format {FORMAT}", file.display())]
    UnknownFormat {
        /// The file.
        file: PathBuf,
        /// The format that it names.
        found: u16,
    },
    /// Its payload is no state that this version knows: it was written by another one.
    #[error("the state in {} does not decode", file.display())]
    Decode {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        source: DecodeError,
    },
    /// The state in it is not the one that it says.
    #[error("the state in {} is not the one that its header tells", file.display())]
    OtherState {
        /// The file.
        file: PathBuf,
    },
    /// The segment that it is for does not continue it, or is not there.
    #[error("{} is not of the state that segment {segment} begins with", file.display())]
    OtherJournal {
        /// The file.
        file: PathBuf,
        /// The segment.
        segment: u32,
    },
}

/// Why a snapshot was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteSnapshotError {
    /// The system failed.
    #[error("{} was not written", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The state has no encoding.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The books do not balance.
    #[error("the state before segment {segment} is not conserved: postings do not balance")]
    NotConserved {
        /// The segment that begins with it.
        segment: u32,
    },
}

impl SnapshotHeader {
    fn to_bytes(self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        let mut rest = bytes.as_mut_slice();
        put(&mut rest, MAGIC);
        put(&mut rest, FORMAT.to_le_bytes());
        put(&mut rest, [0; 2]);
        put(&mut rest, self.segment.to_le_bytes());
        put(&mut rest, self.sequence.0.to_le_bytes());
        put(&mut rest, self.chain.0);
        put(&mut rest, self.state.0);
        put(&mut rest, self.length.to_le_bytes());
        put(&mut rest, self.payload_crc.to_le_bytes());
        put(&mut rest, [0; 24]);
        let crc = crc32c::crc32c(&bytes[..HEADER - 4]);
        bytes[HEADER - 4..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    fn from_bytes(file: &Path, bytes: &[u8; HEADER]) -> Result<Self, SnapshotError> {
        let damaged = || SnapshotError::Damaged { file: file.to_owned() };
        let mut rest = bytes.as_slice();
        if take(&mut rest) != MAGIC {
            return Err(damaged());
        }
        let found = u16::from_le_bytes(take(&mut rest));
        if found != FORMAT {
            return Err(SnapshotError::UnknownFormat { file: file.to_owned(), found });
        }
        let zero: [u8; 2] = take(&mut rest);
        let segment = u32::from_le_bytes(take(&mut rest));
        let sequence = Sequence(u64::from_le_bytes(take(&mut rest)));
        let chain = Digest(take(&mut rest));
        let state = Digest(take(&mut rest));
        let length = u64::from_le_bytes(take(&mut rest));
        let payload_crc = u32::from_le_bytes(take(&mut rest));
        let zeros: [u8; 24] = take(&mut rest);
        let crc = u32::from_le_bytes(take(&mut rest));
        let sound = zero == [0; 2] && zeros == [0; 24] && crc == crc32c::crc32c(&bytes[..HEADER - 4]);
        let header = Self { segment, sequence, chain, state, length, payload_crc };
        if sound { Ok(header) } else { Err(damaged()) }
    }

    /// Reads the header of a snapshot.
    ///
    /// # Errors
    /// If the file cannot be read or is no snapshot.
    pub fn read(file: &Path) -> Result<Self, SnapshotError> {
        let io = |source| SnapshotError::Io { file: file.to_owned(), source };
        let mut bytes = [0; HEADER];
        match File::open(file).map_err(io)?.read_exact(&mut bytes) {
            Ok(()) => Self::from_bytes(file, &bytes),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Err(SnapshotError::Damaged { file: file.to_owned() })
            }
            Err(error) => Err(io(error)),
        }
    }
}

/// Reads a snapshot and looks whether it is what it says: checksums, state digest, sequence, and that its books balance.
///
/// # Errors
/// If it is of no use.
pub fn read(file: &Path) -> Result<Snapshot, SnapshotError> {
    let header = SnapshotHeader::read(file)?;
    let io = |source| SnapshotError::Io { file: file.to_owned(), source };
    let mut open = File::open(file).map_err(io)?;
    // The checksum first, so that nothing is decoded that was not written so.
    open.seek(SeekFrom::Start(HEADER as u64)).map_err(io)?;
    let mut checked = Checked { inner: &open, crc: 0, length: 0 };
    io::copy(&mut BufReader::new(&mut checked), &mut io::sink()).map_err(io)?;
    if (checked.crc, checked.length) != (header.payload_crc, header.length) {
        return Err(SnapshotError::Damaged { file: file.to_owned() });
    }
    open.seek(SeekFrom::Start(HEADER as u64)).map_err(io)?;
    let mut payload = BufReader::new(&open);
    let (exchange, now, counts): (Exchange, Instant, EventCounts) = decode_from(&mut payload)
        .map_err(|source| SnapshotError::Decode { file: file.to_owned(), source })?;
    let at_end = payload.fill_buf().map_err(io)?.is_empty();
    let is_it = at_end
        && exchange.sequence() == header.sequence
        && exchange.state_digest() == header.state
        && exchange.is_conserved();
    if !is_it {
        return Err(SnapshotError::OtherState { file: file.to_owned() });
    }
    let SnapshotHeader { segment, state, chain, .. } = header;
    Ok(Snapshot { segment, state, replayed: Replayed { exchange, chain, now, counts } })
}

/// Writes the snapshot of a replay that stands at the beginning of a segment, durably: to another name first, then
/// renamed, so that a file of a snapshot's name is whole.
///
/// # Errors
/// If the state's books do not balance, or the system fails.
pub(crate) fn write(
    dir: &Directory,
    segment: u32,
    replay: &Replay,
) -> Result<SnapshotHeader, WriteSnapshotError> {
    if !replay.exchange().is_conserved() {
        return Err(WriteSnapshotError::NotConserved { segment });
    }
    let (disk, path) = (dir.disk(), directory::snapshot_path(dir.path(), segment));
    let temporary = dir.path().join(directory::SNAPSHOT_PART);
    let io = |source| WriteSnapshotError::Io { file: path.clone(), source };
    let written = write_to(disk, &temporary, segment, replay, io);
    let renamed = written.and_then(|header| {
        disk.rename(&temporary, &path).and_then(|()| disk.flush_dir(dir.path())).map_err(io)?;
        Ok(header)
    });
    if renamed.is_err() {
        // A disk that is full needs the room; if it stays, the next one takes its place.
        let _ = disk.remove(&temporary);
    }
    renamed
}

fn write_to(
    disk: &dyn Disk,
    temporary: &Path,
    segment: u32,
    replay: &Replay,
    io: impl Fn(io::Error) -> WriteSnapshotError,
) -> Result<SnapshotHeader, WriteSnapshotError> {
    let exchange = replay.exchange();
    // One that an earlier process left is begun anew.
    let open = disk.create(temporary).map_err(&io)?;
    open.write_all_at(0, &[0; HEADER]).map_err(&io)?;
    let mut checked = Checked { inner: Behind(&*open, HEADER as u64), crc: 0, length: 0 };
    let mut payload = BufWriter::with_capacity(256 * 1024, &mut checked);
    encode_to(&(exchange, replay.now(), replay.counts()), &mut payload)?;
    payload.flush().map_err(&io)?;
    drop(payload);
    let header = SnapshotHeader {
        segment,
        sequence: exchange.sequence(),
        chain: replay.chain(),
        state: exchange.state_digest(),
        length: checked.length,
        payload_crc: checked.crc,
    };
    open.write_all_at(0, &header.to_bytes()).map_err(&io)?;
    open.flush_all().map_err(io)?;
    Ok(header)
}

/// Counts what goes through, and its checksum.
struct Checked<T> {
    inner: T,
    crc: u32,
    length: u64,
}

impl<T> Checked<T> {
    fn went(&mut self, bytes: &[u8]) {
        self.crc = crc32c::crc32c_append(self.crc, bytes);
        self.length += bytes.len() as u64;
    }
}

impl<T: Read> Read for Checked<T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.went(&buffer[..length]);
        Ok(length)
    }
}

impl<T: Write> Write for Checked<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = self.inner.write(bytes)?;
        self.went(&bytes[..length]);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Writes behind a place of a file.
struct Behind<'a>(&'a dyn DiskFile, u64);

impl Write for Behind<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.0.write_at(self.1, bytes)?;
        self.1 += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
