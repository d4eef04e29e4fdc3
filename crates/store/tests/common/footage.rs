// SPDX-License-Identifier: MIT OR Apache-2.0
//! Footage without a media framework: a fragmented MP4's header and fragments, byte by byte, with noise for pictures
//! and sound. Players would find nothing to show in it; the boxes and times are those of a recording.

use std::sync::Arc;

const VIDEO_SCALE: u32 = 10_000;
const FRAME_TICKS: u32 = 1_000;
const FRAMES_A_CHUNK: u64 = 5;
const AUDIO_SCALE: u32 = 48_000;
const PACKET_TICKS: u32 = 1_024;
const CHUNK_MS: u64 = 500;
const SYNC: u32 = 0x0200_0000;
const NOT_SYNC: u32 = 0x0101_0000;

/// What a camera and a microphone would give: ten frames and 46.875 packets a second, in chunks of half a second.
#[derive(Clone, Copy)]
pub struct Footage {
    pub video: bool,
    pub audio: bool,
    /// Every how many chunks a picture is one that a decoder can begin at.
    pub gop_chunks: u64,
    /// Length of a frame; a packet has a quarter of it.
    pub frame_bytes: usize,
}

impl Footage {
    pub const BOTH: Footage = Footage { video: true, audio: true, gop_chunks: 2, frame_bytes: 64 };
    pub const VIDEO: Footage = Footage { audio: false, ..Footage::BOTH };
    pub const SOUND: Footage = Footage { video: false, ..Footage::BOTH };

    /// `ftyp` and `moov`.
    pub fn init(&self) -> Arc<[u8]> {
        let tracks = self.tracks();
        let traks = tracks.iter().flat_map(trak);
        let trexes = tracks.iter().flat_map(|t| full_box("trex", 0, 0, &words(&[t.id, 1, t.ticks, 0, 0])));
        let mvex = boxed("mvex", &trexes.collect::<Vec<_>>());
        let moov = [mvhd(), traks.collect(), mvex].concat();
        [boxed("ftyp", b"iso6\0\0\0\0iso6cmfcmp41"), boxed("moov", &moov)].concat().into()
    }

    /// Chunk `n` of the session: `styp`, `moof` and `mdat`.
    pub fn fragment(&self, n: u64) -> Vec<u8> {
        let runs: Vec<_> = self.tracks().into_iter().map(|track| self.run(track, n)).collect();
        let measured = moof(n, &runs, 0);
        let mdat: Vec<u8> = runs.iter().flat_map(|run| run.media.clone()).collect();
        [boxed("styp", b"msdh\0\0\0\0msdhcmfc"), moof(n, &runs, measured.len() + 8), boxed("mdat", &mdat)].concat()
    }

    /// How many frames and packets the chunks before `n` hold.
    pub fn samples_before(&self, n: u64) -> (u64, u64) {
        (if self.video { n * FRAMES_A_CHUNK } else { 0 }, if self.audio { packets_before(n) } else { 0 })
    }

    fn tracks(&self) -> Vec<TrackPlan> {
        let video = TrackPlan { id: 1, handler: "vide", scale: VIDEO_SCALE, ticks: FRAME_TICKS };
        let audio = TrackPlan { id: 2, handler: "soun", scale: AUDIO_SCALE, ticks: PACKET_TICKS };
        [(self.video, video), (self.audio, audio)].into_iter().filter(|(on, _)| *on).map(|(_, track)| track).collect()
    }

    fn run(&self, track: TrackPlan, n: u64) -> RunPlan {
        let (from, to, bytes) = match track.handler {
            "vide" => (n * FRAMES_A_CHUNK, (n + 1) * FRAMES_A_CHUNK, self.frame_bytes),
            _ => (packets_before(n), packets_before(n + 1), self.frame_bytes / 4),
        };
        let first_flags = if track.handler == "soun" || n.is_multiple_of(self.gop_chunks) { SYNC } else { NOT_SYNC };
        let sample = |i: u64| Sample { bytes, flags: if i == from { first_flags } else { NOT_SYNC } };
        let media = (from..to).flat_map(|i| noise(u64::from(track.id) << 40 | i, bytes)).collect();
        let start = from * u64::from(track.ticks);
        RunPlan { track, start, samples: (from..to).map(sample).collect(), media }
    }
}

struct TrackPlan {
    id: u32,
    handler: &'static str,
    scale: u32,
    ticks: u32,
}

struct Sample {
    bytes: usize,
    flags: u32,
}

struct RunPlan {
    track: TrackPlan,
    start: u64,
    samples: Vec<Sample>,
    media: Vec<u8>,
}

fn packets_before(chunk: u64) -> u64 {
    (chunk * CHUNK_MS * u64::from(AUDIO_SCALE)).div_ceil(1000 * u64::from(PACKET_TICKS))
}

fn moof(n: u64, runs: &[RunPlan], data_offset: usize) -> Vec<u8> {
    let mut offset = data_offset;
    let mut content = full_box("mfhd", 0, 0, &words(&[n as u32 + 1]));
    for run in runs {
        content.extend(traf(run, offset));
        offset += run.media.len();
    }
    boxed("moof", &content)
}

fn traf(run: &RunPlan, data_offset: usize) -> Vec<u8> {
    let tfhd = full_box("tfhd", 0, 0x2_0000, &words(&[run.track.id]));
    let tfdt = full_box("tfdt", 1, 0, &run.start.to_be_bytes());
    let mut trun = words(&[run.samples.len() as u32, data_offset as u32]);
    for sample in &run.samples {
        trun.extend(words(&[run.track.ticks, sample.bytes as u32, sample.flags]));
    }
    boxed("traf", &[tfhd, tfdt, full_box("trun", 0, 0x701, &trun)].concat())
}

fn mvhd() -> Vec<u8> {
    full_box(
        "mvhd",
        0,
        0,
        &[words(&[0, 0, 1000, 0, 0x1_0000, 0x100_0000, 0, 0]), matrix(), words(&[0; 6]), words(&[3])].concat(),
    )
}

fn matrix() -> Vec<u8> {
    words(&[0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000])
}

fn trak(track: &TrackPlan) -> Vec<u8> {
    let tkhd = full_box("tkhd", 0, 7, &[words(&[0, 0, track.id, 0, 0, 0, 0, 0, 0]), matrix(), words(&[0, 0])].concat());
    let mdhd = full_box("mdhd", 0, 0, &words(&[0, 0, track.scale, 0, 0x55c4_0000]));
    let hdlr = full_box("hdlr", 0, 0, &[words(&[0]), track.handler.into(), words(&[0, 0, 0]), vec![0]].concat());
    let mdia = boxed("mdia", &[mdhd, hdlr, minf(track)].concat());
    boxed("trak", &[tkhd, mdia].concat())
}

fn minf(track: &TrackPlan) -> Vec<u8> {
    let (header, entry) = match track.handler {
        "vide" => (full_box("vmhd", 0, 1, &words(&[0, 0])), boxed("avc1", &[0; 78])),
        _ => (full_box("smhd", 0, 0, &words(&[0])), boxed("mp4a", &[0; 28])),
    };
    let dref = full_box("dref", 0, 0, &[words(&[1]), full_box("url ", 0, 1, &[])].concat());
    let stsd = full_box("stsd", 0, 0, &[words(&[1]), entry].concat());
    let tables = ["stts", "stsc", "stco"].map(|name| full_box(name, 0, 0, &words(&[0]))).concat();
    let stbl = boxed("stbl", &[stsd, tables, full_box("stsz", 0, 0, &words(&[0, 0]))].concat());
    boxed("minf", &[header, boxed("dinf", &dref), stbl].concat())
}

pub fn boxed(name: &str, content: &[u8]) -> Vec<u8> {
    [&(8 + content.len() as u32).to_be_bytes(), name.as_bytes(), content].concat()
}

fn full_box(name: &str, version: u8, flags: u32, content: &[u8]) -> Vec<u8> {
    boxed(name, &[&(u32::from(version) << 24 | flags).to_be_bytes(), content].concat())
}

fn words(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_be_bytes()).collect()
}

/// The same bytes for the same seed (splitmix64).
pub fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ (mixed >> 27)) as u8
    };
    (0..length).map(|_| next()).collect()
}
