// SPDX-License-Identifier: MIT OR Apache-2.0
//! The ISO base media file boxes (ISO/IEC 14496-12) that the evidence chain needs: walking boxes, reading what a
//! fragment holds, moving its time base in place. Nothing here knows what a signature is.

mod fragment;
mod init;

pub use fragment::{Fragment, Run};
pub use init::{Init, TrackHeader};

/// Extended type of the box that carries a record or the session-start entry.
pub const RECORD_UUID: [u8; 16] =
    [0x7c, 0x1f, 0x0a, 0x52, 0x9b, 0x1e, 0x4d, 0x6e, 0x8f, 0x33, 0x5e, 0xa1, 0xca, 0x40, 0x00, 0x01];

/// Length of a record box in front of its envelope: size, `uuid`, extended type.
pub const RECORD_HEADER: usize = 24;

/// Why bytes are not the boxes that were expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BoxError {
    /// A box reaches beyond the bytes there are, or is shorter than its own header.
    #[error("box {name} at byte {offset} has a wrong size")]
    Size {
        /// The four letters of the box.
        name: String,
        /// Where it begins.
        offset: usize,
    },
    /// A box that must be there is not.
    #[error("box {0} is missing")]
    Missing(&'static str),
    /// A box has content that a Sealcam recording does not have.
    #[error("box {name}: {problem}")]
    Content {
        /// The four letters of the box.
        name: &'static str,
        /// What is wrong.
        problem: &'static str,
    },
}

/// The box around `envelope`.
#[must_use]
pub fn record_box(envelope: &[u8]) -> Vec<u8> {
    let size = u32::try_from(RECORD_HEADER + envelope.len()).unwrap_or(u32::MAX);
    [&size.to_be_bytes(), b"uuid".as_slice(), &RECORD_UUID, envelope].concat()
}

/// Size and type of a box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BoxHeader {
    /// The four letters.
    pub name: [u8; 4],
    /// Length of the header in bytes: 8, or 16 with a 64-bit size.
    pub header: u64,
    /// Length of the whole box in bytes.
    pub size: u64,
}

impl BoxHeader {
    /// Reads a header from the first bytes of a box. `None` for fewer bytes than a header has, for a box that runs to
    /// the end of the file (size 0), and for one shorter than its header: a recording has none of these.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<BoxHeader> {
        let name = bytes.get(4..8)?.try_into().ok()?;
        let (header, size) = match be32(bytes, 0)? {
            1 => (16, be64(bytes, 8)?),
            size => (8, u64::from(size)),
        };
        (size >= header).then_some(BoxHeader { name, header, size })
    }
}

/// A box in memory.
#[derive(Debug, Clone, Copy)]
pub struct BoxAt<'a> {
    /// The four letters.
    pub name: [u8; 4],
    /// Where the content begins, counted as the walk counts.
    pub content_offset: usize,
    /// What is in it.
    pub content: &'a [u8],
}

/// Walks the boxes that fill `bytes`, which begin at `offset` of something larger.
///
/// # Errors
/// [`BoxError::Size`] for the first box that does not fit.
pub fn boxes(bytes: &[u8], offset: usize) -> Result<Vec<BoxAt<'_>>, BoxError> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let wrong = || BoxError::Size { name: letters(rest), offset: offset + at };
        let header = BoxHeader::read(rest).ok_or_else(wrong)?;
        let size = usize::try_from(header.size).map_err(|_| wrong())?;
        let content = rest.get(header.header as usize..size).ok_or_else(wrong)?;
        found.push(BoxAt { name: header.name, content_offset: offset + at + header.header as usize, content });
        at += size;
    }
    Ok(found)
}

fn letters(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.get(4..8).unwrap_or_default()).escape_default().to_string()
}

fn children<'a>(parent: &BoxAt<'a>) -> Result<Vec<BoxAt<'a>>, BoxError> {
    boxes(parent.content, parent.content_offset)
}

fn child<'a>(all: &[BoxAt<'a>], name: &'static str) -> Result<BoxAt<'a>, BoxError> {
    all.iter().find(|b| b.name == name.as_bytes()).copied().ok_or(BoxError::Missing(name))
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn be64(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
}

fn field32(bytes: &[u8], at: usize, name: &'static str) -> Result<u32, BoxError> {
    be32(bytes, at).ok_or(BoxError::Content { name, problem: "cut off" })
}

fn field64(bytes: &[u8], at: usize, name: &'static str) -> Result<u64, BoxError> {
    be64(bytes, at).ok_or(BoxError::Content { name, problem: "cut off" })
}
