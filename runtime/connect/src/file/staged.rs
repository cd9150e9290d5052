//! One file on its way: lines gather in memory and are written block by block under a name that no one looks at.
//!
//! A compressed block is a gzip member or a zstd frame of its own: both formats are made to be joined end to end, a file that
//! waits for its next line holds no compressor, and a block that could not be written is simply kept.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::mem;
use std::path::PathBuf;

use flate2::write::GzEncoder;
use tamis_config::spec::Compression;
use tamis_core::sink::SinkError;
use zstd::bulk::Compressor;

use crate::disk;

/// Bytes of lines that are written at once: few enough to be still in the processor's cache.
const PLAIN_BLOCK_BYTES: usize = 256 << 10;
/// Bytes of lines that are compressed at once: enough that more would compress little better.
const COMPRESSED_BLOCK_BYTES: usize = 1 << 20;

/// What all files of one sink and lane share.
pub(crate) struct Encoder {
    codec: Codec,
    /// How many more files may stay open between two writes.
    pub(crate) handles_left: usize,
}

enum Codec {
    Plain,
    Gzip(flate2::Compression),
    Zstd(Box<Compressor<'static>>),
}

impl Encoder {
    pub(crate) fn new(compression: Compression, handles_max: usize) -> io::Result<Self> {
        let codec = match compression {
            Compression::None => Codec::Plain,
            Compression::Gzip(level) => Codec::Gzip(flate2::Compression::new(level)),
            Compression::Zstd(level) => {
                let mut compressor = Compressor::new(level)?;
                compressor.include_checksum(true)?;
                Codec::Zstd(Box::new(compressor))
            }
        };
        Ok(Self {
            codec,
            handles_left: handles_max,
        })
    }

    /// From how many bytes on the lines of a file are a block.
    pub(crate) fn block_bytes(&self) -> usize {
        match self.codec {
            Codec::Plain => PLAIN_BLOCK_BYTES,
            Codec::Gzip(_) | Codec::Zstd(_) => COMPRESSED_BLOCK_BYTES,
        }
    }

    /// Makes `block` of `lines`, which are empty then.
    fn encode(&mut self, lines: &mut Vec<u8>, block: &mut Vec<u8>) {
        block.clear();
        match &mut self.codec {
            Codec::Plain => mem::swap(lines, block),
            Codec::Gzip(level) => {
                let mut encoder = GzEncoder::new(mem::take(block), *level);
                let encoded = encoder.write_all(lines).and_then(|()| encoder.finish());
                *block = encoded.expect("memory takes everything");
            }
            Codec::Zstd(compressor) => {
                block.reserve(zstd::zstd_safe::compress_bound(lines.len()));
                compressor
                    .compress_to_buffer(lines, block)
                    .expect("the bound holds every block");
            }
        }
        lines.clear();
    }
}

/// A file in the staging folder.
pub(crate) struct StagedFile {
    pub(crate) path: PathBuf,
    /// Where it will be seen, relative to the root and without its name.
    pub(crate) folder: String,
    lines: Vec<u8>,
    block: Block,
    /// Bytes in the file.
    bytes: u64,
    handle: Option<File>,
}

impl StagedFile {
    pub(crate) fn new(path: PathBuf, folder: String) -> Self {
        Self {
            path,
            folder,
            lines: Vec::new(),
            block: Block::default(),
            bytes: 0,
            handle: None,
        }
    }

    /// Adds a line; returns how many bytes of lines are there now.
    pub(crate) fn push(&mut self, value: &[u8]) -> usize {
        self.lines.extend_from_slice(value);
        self.lines.push(b'\n');
        self.lines.len()
    }

    /// Writes all lines; after a failure the next call goes on where this one stopped.
    pub(crate) fn write(&mut self, encoder: &mut Encoder) -> Result<(), SinkError> {
        loop {
            if !self.block.is_written() {
                self.write_block(encoder)?;
            }
            if self.lines.is_empty() {
                return Ok(());
            }
            encoder.encode(&mut self.lines, &mut self.block.bytes);
            self.block.written = 0;
        }
    }

    fn write_block(&mut self, encoder: &mut Encoder) -> Result<(), SinkError> {
        let mut handle = match self.close(encoder) {
            Some(handle) => handle,
            None => {
                // Were it gone once something is in it, a new one would lack that.
                let opened = OpenOptions::new()
                    .create(self.bytes == 0)
                    .append(true)
                    .open(&self.path);
                opened.map_err(disk::failed("open", &self.path))?
            }
        };
        let before = self.block.written;
        let written = self.block.write_to(&mut handle);
        self.bytes += (self.block.written - before) as u64;
        let written = written.map_err(disk::failed("write", &self.path));
        // A file that does not stay open must be safe first: once it is closed, no one would hear of a failure.
        if encoder.handles_left > 0 {
            encoder.handles_left -= 1;
            self.handle = Some(handle);
        } else {
            disk::sync(&handle, &self.path)?;
        }
        written
    }

    /// Makes safe what was written, closes the file, and sees that it is there as it should be: an open file is written to even
    /// when it was removed.
    pub(crate) fn sync(&mut self, encoder: &mut Encoder) -> Result<(), SinkError> {
        if let Some(handle) = self.close(encoder) {
            disk::sync(&handle, &self.path)?;
        }
        let found = fs::metadata(&self.path).map_err(disk::failed("look at", &self.path))?;
        if found.len() == self.bytes {
            return Ok(());
        }
        let (path, found, wanted) = (self.path.display(), found.len(), self.bytes);
        let message = format!("{path} was changed by someone: it has {found} bytes, not {wanted}");
        Err(SinkError::Unavailable(message.into()))
    }

    /// Whether what was written is no longer there, as far as can be seen.
    pub(crate) fn is_gone(&self) -> bool {
        match fs::metadata(&self.path) {
            Ok(found) => found.len() != self.bytes,
            Err(error) => error.kind() == io::ErrorKind::NotFound && self.bytes > 0,
        }
    }

    /// What is open of the file.
    pub(crate) fn close(&mut self, encoder: &mut Encoder) -> Option<File> {
        let handle = self.handle.take()?;
        encoder.handles_left += 1;
        Some(handle)
    }

    /// Gives back the memory that it holds for lines to come; they must be written.
    pub(crate) fn shrink(&mut self) {
        self.lines = Vec::new();
        self.block = Block::default();
    }
}

/// Encoded bytes and how many of them are in the file.
#[derive(Debug, Default)]
struct Block {
    bytes: Vec<u8>,
    written: usize,
}

impl Block {
    fn is_written(&self) -> bool {
        self.written == self.bytes.len()
    }

    /// Writes what is not written yet, and keeps count, so that a full disk neither doubles nor loses a byte.
    fn write_to(&mut self, file: &mut impl Write) -> io::Result<()> {
        while !self.is_written() {
            match file.write(&self.bytes[self.written..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => self.written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
