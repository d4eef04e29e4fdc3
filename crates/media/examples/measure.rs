// SPDX-License-Identifier: MIT OR Apache-2.0
//! Captures from given sources and prints what came out, how late, and what it cost.
//!
//! `measure VIDEO AUDIO fast|real|repeat SECONDS [OUT.mp4] [WIDTHxHEIGHT] [STANDBY_SECONDS]`; `-` for no source. With the
//! last, the sources are first open for so long while nothing is recorded, and the ring holds all of it.

use std::io::Write as _;
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use media::{
    AudioSettings, Event, Fragment, Medium, Pace, ReplaySettings, RingLimits, Settings, Studio, VideoSettings,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let arg = |index: usize| args.get(index).map_or("-", String::as_str);
    let settings = settings(arg(0), arg(1), arg(2), arg(5))?;
    let seconds: u64 = arg(3).parse().unwrap_or(10);
    let mut out = (arg(4) != "-").then(|| std::fs::File::create(arg(4))).transpose()?;
    let (sender, receiver) = mpsc::sync_channel(4);
    let sender = Mutex::new(sender);
    let started = Instant::now();
    let standby: u64 = arg(6).parse().unwrap_or(0);
    let ring = RingLimits { ns: standby * 1_000_000_000, bytes: 1 << 30, sound: true };
    let studio = Studio::new(ring, Arc::new(|notice| println!("{notice:?}")))?;
    let media = Medium::BOTH.into_iter().zip([settings.video.is_some(), settings.audio.is_some()]);
    let media: Vec<Medium> = media.filter_map(|(medium, wanted)| wanted.then_some(medium)).collect();
    media.iter().try_for_each(|medium| studio.open(*medium, &settings))?;
    println!("open after {:?}", started.elapsed());
    std::thread::sleep(Duration::from_secs(standby));
    println!("standby: {}", cost());
    let pressed = Instant::now();
    let recording = studio.record(
        &media,
        &[],
        &settings,
        Arc::new(move |event| {
            if let Ok(sender) = sender.lock() {
                let _ = sender.send((boot_ns(), event));
            }
        }),
    )?;
    println!("recording after {:?}: {:?}", pressed.elapsed(), recording.tracks());
    let zero_ns = recording.zero_ns();
    let recording = Arc::new(recording);
    let ender = Arc::clone(&recording);
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(seconds));
        ender.end();
    });
    let (mut chunks, mut bytes, mut late_ms, mut generation) = (0, 0, Vec::new(), None);
    for (at_ns, event) in receiver {
        match event {
            Event::Fragment(fragment) => {
                chunks += 1;
                bytes += fragment.data.len();
                late_ms.push(lateness_ms(&fragment, at_ns, zero_ns));
                if let Some(out) = &mut out {
                    if generation.replace(fragment.generation) != Some(fragment.generation) {
                        out.write_all(&fragment.init)?;
                    }
                    out.write_all(&fragment.data)?;
                }
            }
            Event::Finished => break,
            other => println!("{other:?}"),
        }
    }
    println!("{chunks} chunks, {bytes} bytes, {:?}", recording.counters());
    late_ms.sort_by(f64::total_cmp);
    if let (Some(median), Some(worst)) = (late_ms.get(late_ms.len() / 2), late_ms.last()) {
        println!("last video frame begins -> fragment: median {median:.1} ms, worst {worst:.1} ms");
    }
    println!("{}", cost());
    Ok(())
}

/// Memory and processor time so far.
fn cost() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let memory = status.lines().filter(|line| line.starts_with("VmHWM") || line.starts_with("VmRSS"));
    let memory: Vec<&str> = memory.collect();
    let clock = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    format!("{memory:?}, {:.2} CPU s", clock.tv_sec as f64 + clock.tv_nsec as f64 / 1e9)
}

fn settings(video: &str, audio: &str, pace: &str, size: &str) -> Result<Settings, Box<dyn std::error::Error>> {
    let (width, height) = size.split_once('x').unwrap_or(("640", "360"));
    let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let video = (video != "-").then(|| video.parse()).transpose()?.map(|source| VideoSettings {
        source,
        width: width.parse().unwrap_or(640),
        height: height.parse().unwrap_or(360),
        frame_rate: 30,
        bitrate_bps: 2_000_000,
        key_interval_ms: 1000,
        encoders: list(&["v4l2h264enc", "vah264enc", "x264enc", "openh264enc"]),
    });
    let audio = (audio != "-").then(|| audio.parse()).transpose()?.map(|source| AudioSettings {
        source,
        rate_hz: 48_000,
        channels: 1,
        bitrate_bps: 64_000,
        encoders: list(&["fdkaacenc", "avenc_aac", "voaacenc"]),
    });
    let pace_kind = if pace == "fast" { Pace::Fast } else { Pace::Real };
    let replay = ReplaySettings { pace: pace_kind, repeat: pace == "repeat" };
    Ok(Settings { video, audio, replay, chunk_ms: 500, start_timeout_ms: 5000 })
}

fn boot_ns() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    (now.tv_sec * 1_000_000_000 + now.tv_nsec) as u64
}

/// From the time of the last sample of the first track to the fragment's arrival.
fn lateness_ms(fragment: &Fragment, at_ns: u64, zero_ns: u64) -> f64 {
    let last_ns = last_sample_ns(&fragment.data).unwrap_or(0);
    (at_ns as f64 - (zero_ns + last_ns) as f64) / 1e6
}

fn last_sample_ns(data: &[u8]) -> Option<u64> {
    const SCALE_HZ: u64 = 90_000;
    let at = |kind: &[u8]| data.windows(4).position(|bytes| bytes == kind);
    let word = |at: usize| Some(u64::from(u32::from_be_bytes(data.get(at..at + 4)?.try_into().ok()?)));
    let (tfhd, tfdt, trun) = (at(b"tfhd")? + 4, at(b"tfdt")? + 4, at(b"trun")? + 4);
    let (count, flags) = (word(trun + 4)?, word(trun)?);
    let start = word(tfdt + 4)? << 32 | word(tfdt + 8)?;
    if flags & 0x100 == 0 {
        return Some((start + (count - 1) * word(tfhd + 8)?) * 1_000_000_000 / SCALE_HZ);
    }
    let entry = (flags & 0xf00).count_ones() as usize * 4;
    let first = trun + 12 + if flags & 4 == 0 { 0 } else { 4 };
    let mut time = start;
    for index in 0..count as usize - 1 {
        time += word(first + index * entry)?;
    }
    Some(time * 1_000_000_000 / SCALE_HZ)
}
