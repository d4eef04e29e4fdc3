// SPDX-License-Identifier: MIT OR Apache-2.0
//! Finds MP4 boxes in bytes.
//!
//! Must not know what a box means. Files come from outside: no length is trusted. Unlike `evidence::mp4`, which takes only
//! what a recording has, this reads the headers of anybody's files; and `media` must not know `evidence`.

/// One box: its type and what is in it.
pub(crate) struct Mp4Box<'a> {
    pub(crate) kind: [u8; 4],
    pub(crate) body: &'a [u8],
}

/// The boxes lying side by side in `bytes`; stops at the first that does not fit.
pub(crate) fn boxes(bytes: &[u8]) -> impl Iterator<Item = Mp4Box<'_>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (found, after) = split_box(rest)?;
        rest = after;
        Some(found)
    })
}

fn split_box(bytes: &[u8]) -> Option<(Mp4Box<'_>, &[u8])> {
    let size = usize::try_from(be32(bytes, 0)?).ok()?;
    let kind = bytes.get(4..8)?.try_into().ok()?;
    let (header, size) = match size {
        0 => (8, bytes.len()),
        1 => (16, usize::try_from(be64(bytes, 8)?).ok()?),
        _ => (8, size),
    };
    let body = bytes.get(header..size)?;
    Some((Mp4Box { kind, body }, bytes.get(size..)?))
}

pub(crate) fn child<'a>(body: &'a [u8], kind: &[u8; 4]) -> Option<&'a [u8]> {
    boxes(body).find(|found| &found.kind == kind).map(|found| found.body)
}

pub(crate) fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

pub(crate) fn be64(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_lie_side_by_side_and_cut_ones_are_left_out() {
        let bytes = b"\0\0\0\x0aabcdxy\0\0\0\x01wide\0\0\0\0\0\0\0\x11z\0\0\0\x09cut_";
        let found: Vec<_> = boxes(bytes).map(|one| (one.kind, one.body.to_vec())).collect();
        assert_eq!(found, [(*b"abcd", b"xy".to_vec()), (*b"wide", b"z".to_vec())]);
        assert_eq!(child(bytes, b"wide"), Some(&b"z"[..]));
    }

    #[test]
    fn wrong_sizes_end_the_list() {
        for size in [2_u32, 7, 9, u32::MAX] {
            let bytes = [&size.to_be_bytes()[..], b"abcd"].concat();
            assert_eq!(boxes(&bytes).count(), 0);
        }
    }
}
