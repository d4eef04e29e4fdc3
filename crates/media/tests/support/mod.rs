// SPDX-License-Identifier: MIT OR Apache-2.0
//! Records into memory, makes footage with ffmpeg, and reads results with ffprobe and by box.

// Each test file uses its own part of this, and may fail anywhere.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use media::{
    AudioSettings, Counters, Event, Fragment, MediaError, Medium, Notice, Pace, Recording, ReplaySettings, RingLimits,
    Settings, Studio, VideoSettings,
};

/// No test recording takes longer.
pub(crate) const TEST_LIMIT: Duration = Duration::from_secs(60);

pub(crate) fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/street-34s.mp4")
}

pub(crate) fn replay(path: &Path) -> String {
    format!("replay:{}", path.display())
}

pub(crate) fn settings(video: Option<&str>, audio: Option<&str>, pace: Pace, repeat: bool) -> Settings {
    let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect();
    Settings {
        video: video.map(|source| VideoSettings {
            source: source.parse().unwrap(),
            width: 320,
            height: 180,
            frame_rate: 10,
            bitrate_bps: 300_000,
            key_interval_ms: 1000,
            encoders: names(&["v4l2h264enc", "vah264enc", "x264enc", "openh264enc"]),
        }),
        audio: audio.map(|source| AudioSettings {
            source: source.parse().unwrap(),
            rate_hz: 48_000,
            channels: 1,
            bitrate_bps: 64_000,
            encoders: names(&["fdkaacenc", "avenc_aac", "voaacenc"]),
        }),
        replay: ReplaySettings { pace, repeat },
        chunk_ms: 500,
        start_timeout_ms: 5000,
    }
}

pub(crate) const NO_RING: RingLimits = RingLimits { ns: 0, bytes: 16 << 20, sound: true };

/// A ring that holds this many seconds and as much as it likes.
pub(crate) fn ring_of(seconds: u64) -> RingLimits {
    RingLimits { ns: seconds * 1_000_000_000, bytes: usize::MAX, sound: true }
}

/// A studio and what it tells.
pub(crate) fn studio(ring: RingLimits) -> (Studio, Receiver<Notice>) {
    let (sender, notices) = channel();
    let sender = Mutex::new(sender);
    // The receiver may be gone at the end.
    let tell = move |notice| sender.lock().unwrap().send(notice).unwrap_or_default();
    (Studio::new(ring, Arc::new(tell)).unwrap(), notices)
}

pub(crate) fn wanted(settings: &Settings) -> Vec<Medium> {
    let video = settings.video.as_ref().map(|_| Medium::Video);
    video.into_iter().chain(settings.audio.as_ref().map(|_| Medium::Audio)).collect()
}

/// Opens everything that the settings name.
pub(crate) fn open_all(studio: &Studio, settings: &Settings) -> Result<(), MediaError> {
    wanted(settings).into_iter().try_for_each(|medium| studio.open(medium, settings))
}

/// Records everything that the settings name.
pub(crate) fn record(studio: &Studio, settings: &Settings) -> (Recording, Receiver<Event>) {
    let (sender, events) = channel();
    let sender = Mutex::new(sender);
    let send = move |event| sender.lock().unwrap().send(event).unwrap_or_default();
    (studio.record(&wanted(settings), &[], settings, Arc::new(send)).unwrap(), events)
}

/// Waits until this is true of what was counted; no such wait may take long.
pub(crate) fn wait_until(recording: &Recording, fits: impl Fn(Counters) -> bool) {
    wait_for(|| fits(recording.counters()), || format!("{:?}", recording.counters()));
}

/// Waits until this is so.
pub(crate) fn wait_for(fits: impl Fn() -> bool, words: impl Fn() -> String) {
    let deadline = Instant::now() + TEST_LIMIT;
    while !fits() {
        assert!(Instant::now() < deadline, "{}", words());
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Waits for a notice that fits.
pub(crate) fn notice_of<T>(notices: &Receiver<Notice>, fits: impl Fn(&Notice) -> Option<T>) -> T {
    loop {
        let notice = notices.recv_timeout(TEST_LIMIT).expect("no such notice came");
        if let Some(found) = fits(&notice) {
            return found;
        }
    }
}

pub(crate) fn boot_ns() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    (now.tv_sec * 1_000_000_000 + now.tv_nsec).unsigned_abs()
}

/// What a recording gave.
pub(crate) struct Take {
    pub(crate) fragments: Vec<Fragment>,
    pub(crate) events: Vec<Event>,
    pub(crate) counters: Counters,
}

impl Take {
    /// Until the sources end by themselves.
    pub(crate) fn whole(settings: &Settings) -> Self {
        Self::until(settings, |_| false)
    }

    /// Until this is true of the fragments so far, or the sources end; then it is ended.
    pub(crate) fn until(settings: &Settings, enough: impl Fn(&[Fragment]) -> bool) -> Self {
        let (studio, _notices) = studio(NO_RING);
        open_all(&studio, settings).unwrap();
        let (recording, events) = record(&studio, settings);
        let take = Self::follow(recording, &events, wanted(settings).len(), enough);
        assert!(events.recv_timeout(Duration::from_millis(200)).is_err(), "after Finished");
        take
    }

    /// Follows a recording of so many tracks until this is true of its fragments, or all tracks ended; then ends it.
    pub(crate) fn follow(
        recording: Recording,
        events: &Receiver<Event>,
        tracks: usize,
        enough: impl Fn(&[Fragment]) -> bool,
    ) -> Self {
        let recording = Arc::new(recording);
        let mut take = Self { fragments: Vec::new(), events: Vec::new(), counters: Counters::default() };
        let (mut ending, deadline) = (None, Instant::now() + TEST_LIMIT);
        loop {
            assert!(Instant::now() < deadline, "{:?}", take.events);
            match events.recv_timeout(TEST_LIMIT).expect("events stopped coming") {
                Event::Fragment(fragment) => take.fragments.push(fragment),
                Event::Finished => break,
                other => take.events.push(other),
            }
            if ending.is_none() && (enough(&take.fragments) || take.ended().len() == tracks) {
                let recording = Arc::clone(&recording);
                ending = Some(std::thread::spawn(move || recording.end()));
            }
        }
        ending.into_iter().for_each(|thread| thread.join().unwrap());
        take.counters = recording.counters();
        take
    }

    /// Writes one generation as a file.
    pub(crate) fn write(&self, generation: u32, path: &Path) {
        let mut bytes = Vec::new();
        for fragment in self.fragments.iter().filter(|f| f.generation == generation) {
            if bytes.is_empty() {
                bytes.extend_from_slice(&fragment.init);
            }
            bytes.extend_from_slice(&fragment.data);
        }
        std::fs::write(path, bytes).unwrap();
    }

    /// All runs of samples of the track with this number, in this generation.
    pub(crate) fn runs(&self, generation: u32, track: u32) -> Vec<Run> {
        let of_generation = self.fragments.iter().filter(|f| f.generation == generation);
        of_generation.flat_map(|f| runs(&f.data)).filter(|run| run.track == track).collect()
    }

    pub(crate) fn ended(&self) -> Vec<Medium> {
        let ended = |event: &Event| match event {
            Event::Ended { medium } => Some(*medium),
            _ => None,
        };
        self.events.iter().filter_map(ended).collect()
    }
}

/// One run of samples, in ticks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) track: u32,
    pub(crate) start: u64,
    pub(crate) durations: Vec<u32>,
    pub(crate) starts_with_key: bool,
}

/// Whether a file can begin with this fragment: its pictures, if it has any, begin with a key frame.
pub(crate) fn starts_with_key(fragment: &Fragment) -> bool {
    runs(&fragment.data).iter().all(|run| run.starts_with_key)
}

impl Run {
    pub(crate) fn end(&self) -> u64 {
        self.start + self.durations.iter().map(|ticks| u64::from(*ticks)).sum::<u64>()
    }

    pub(crate) fn length_ms(&self, timescale_hz: u64) -> u64 {
        (self.end() - self.start) * 1000 / timescale_hz
    }
}

pub(crate) fn samples(runs: &[Run]) -> usize {
    runs.iter().map(|run| run.durations.len()).sum()
}

fn runs(data: &[u8]) -> Vec<Run> {
    let kinds: Vec<&[u8]> = boxes(data).map(|(kind, _)| kind).collect();
    assert_eq!(kinds, [b"styp", b"moof", b"mdat"]);
    let moof = boxes(data).find(|(kind, _)| kind == b"moof").unwrap().1;
    boxes(moof).filter(|(kind, _)| kind == b"traf").map(|(_, traf)| run(traf)).collect()
}

fn run(traf: &[u8]) -> Run {
    let kinds: Vec<&[u8]> = boxes(traf).map(|(kind, _)| kind).collect();
    assert_eq!(kinds, [b"tfhd", b"tfdt", b"trun"], "one run per track");
    let bodies: Vec<&[u8]> = boxes(traf).map(|(_, body)| body).collect();
    let (tfhd, tfdt, trun) = (bodies[0], bodies[1], bodies[2]);
    assert_eq!(word(tfhd, 0) & 0x02_0001, 0x02_0000, "default-base-is-moof");
    let start = u64::from(word(tfdt, 4)) << 32 | u64::from(word(tfdt, 8));
    let (flags, count) = (word(trun, 0), word(trun, 4) as usize);
    let entry = (flags & 0xf00).count_ones() as usize * 4;
    let first = 12 + (flags & 4) as usize;
    let (even, each_duration) = (word(tfhd, 0) & 8 != 0, flags & 0x100 != 0);
    let duration = |n: usize| if each_duration { word(trun, first + n * entry) } else { word(tfhd, 8) };
    let first_flags = match flags & 0x404 {
        0 => word(tfhd, if even { 12 } else { 8 }),
        4 => word(trun, 12),
        _ => word(trun, first + 4 + 4 * usize::from(each_duration)),
    };
    let starts_with_key = first_flags & 0x1_0000 == 0;
    Run { track: word(tfhd, 4), start, durations: (0..count).map(duration).collect(), starts_with_key }
}

fn boxes(bytes: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let size = word(rest.get(..4)?, 0) as usize;
        let (found, after) = rest.split_at(size);
        rest = after;
        Some((&found[4..8], &found[8..]))
    })
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// Runs ffmpeg with these arguments, separated by blanks, into `out`.
pub(crate) fn ffmpeg(arguments: &str, out: &Path) {
    let status = Command::new("ffmpeg")
        .args(["-v", "error", "-y"])
        .args(arguments.split_whitespace())
        .arg(out)
        .status()
        .unwrap();
    assert!(status.success());
}

/// Number of packets per stream, as ffprobe counts them; its complaints fail the test.
pub(crate) fn packets(path: &Path) -> Vec<usize> {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-count_packets", "-show_entries", "stream=nb_read_packets"])
        .args(["-of", "csv=p=0"])
        .arg(path)
        .output()
        .unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| line.trim_matches(',').parse().unwrap()).collect()
}

/// Decodes everything; any complaint fails the test. Returns a hash per picture.
pub(crate) fn pictures(path: &Path) -> Vec<String> {
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(path)
        .args(["-map", "0:v?", "-vsync", "passthrough", "-f", "framemd5", "-"])
        .output()
        .unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.rsplit(',').next().unwrap().trim().to_owned()).collect()
}
