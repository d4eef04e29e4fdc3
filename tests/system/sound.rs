// SPDX-License-Identifier: MIT OR Apache-2.0
//! A sound card through the real alsa-lib.
//!
//! What could break: sound at another speed or pitch than it had (the tone is not 440 Hz), sound that is shorter than the
//! time it was recorded, a card that is pulled out: the pictures stop with it, or nothing in the record tells of it.

use crate::support::bench::{Bench, INTACT, WITH_GAPS};
use crate::support::footage::{live, sound_card};
use crate::support::mp4::{Medium, Run, runs_of};
use crate::support::probe;

fn bench_with_card() -> Bench {
    let bench = Bench::new(live()).with(&["audio.source=alsa:paced"]);
    let card = sound_card(&bench.path("plugged"));
    bench.with_environment(card)
}

/// The pitch of a tone, by how often it rises through zero.
fn pitch_hz(samples: &[i16]) -> f64 {
    let rises = samples.windows(2).filter(|pair| pair[0] < 0 && pair[1] >= 0).count();
    rises as f64 * 48_000.0 / samples.len() as f64
}

#[test]
fn the_card_is_listed_with_what_it_gives_and_without_while_it_is_in_use() {
    let bench = bench_with_card().with_environment(vec![("SEALCAM_ALSA_EXCLUSIVE".into(), "yes".into())]);
    let daemon = bench.start();
    let card = || {
        let devices = bench.ctl(&["devices"]).good()["devices"].clone();
        let found = devices.as_array().unwrap().iter().find(|device| device["source"] == "alsa:paced").cloned();
        found.unwrap_or_else(|| panic!("not listed: {devices}"))
    };
    let rates_hz = [8000, 11025, 16000, 22050, 32000, 44100, 48000];
    let format = serde_json::json!({"encoding": "S16_LE", "rates_hz": rates_hz, "channels_max": 2});
    let idle = card();
    assert_eq!((&idle["formats"], &idle["in_use"]), (&serde_json::json!([format]), &false.into()));
    let text = bench.ctl_text(&["devices"]).out;
    assert!(text.contains("S16_LE, 8000/11025/16000/22050/32000/44100/48000 Hz"), "{text}");

    bench.ctl(&["start", "--media", "audio"]).good();
    let busy = card();
    assert_eq!((&busy["formats"], &busy["in_use"]), (&serde_json::json!([]), &true.into()));
    bench.ctl(&["stop"]).good();
    assert_eq!(card(), idle);
    assert_eq!(daemon.stop(), 0);
    assert_eq!(bench.verify_all().short(), INTACT);
}

#[test]
fn the_tone_of_the_card_is_on_the_recording() {
    let bench = bench_with_card();
    let daemon = bench.start();
    let mut watch = bench.watch();
    bench.ctl(&["start", "--media", "audio"]).good();
    watch.until("chunk_recorded", |event| event["recorded_up_to_ns"].as_u64().unwrap() >= 3_000_000_000);
    let session = bench.ctl(&["stop"]).good();
    assert_eq!(daemon.stop(), 0);
    assert_eq!(bench.verify_all().short(), INTACT);

    let file = &bench.segments(&session)[0];
    let samples = probe::samples(file);
    // The first and last packets of AAC fade in and out.
    let pitch = pitch_hz(&samples[4800..samples.len() - 4800]);
    assert!((pitch - 440.0).abs() < 2.0, "the tone is at {pitch} Hz");
    // Each packet is 1024 samples; the last is as long as the sound that was left.
    let packets = session["audio_packets"].as_u64().unwrap();
    let length: u64 = runs_of(file, Medium::Audio).iter().map(|run| run.duration).sum();
    assert_eq!(length.div_ceil(1024), packets, "{length} samples in {packets} packets");
    let chunks = watch.chunks();
    let (first, last) = (&chunks[0], &chunks[chunks.len() - 1]);
    let recorded_ns = last.up_to_ns - first.up_to_ns;
    let elapsed_ns = u64::try_from(last.at.duration_since(first.at).as_nanos()).unwrap();
    assert!(recorded_ns.abs_diff(elapsed_ns) < 1_000_000_000, "{recorded_ns} ns recorded in {elapsed_ns} ns");
}

#[test]
fn pictures_go_on_when_the_card_is_pulled_out() {
    let bench = bench_with_card();
    let daemon = bench.start();
    let mut watch = bench.watch();
    bench.ctl(&["start"]).good();
    watch.until_chunk(2);
    std::fs::remove_file(bench.path("plugged")).unwrap();
    let before = watch.chunks().len() as u64;
    watch.until_chunk(before + 5);
    assert_eq!(bench.ctl(&["status"]).good()["state"], "degraded");
    let session = bench.ctl(&["stop"]).good();
    assert_eq!(session["cause"], "stop");
    assert_eq!(daemon.stop(), 0);

    let verdict = bench.verify_all();
    assert_eq!(verdict.short(), WITH_GAPS, "{}", verdict.report);
    let gaps = verdict.report["gaps"].as_array().unwrap();
    assert!(gaps.iter().any(|gap| gap["medium"] == "audio"), "{gaps:?}");
    assert!(gaps.iter().all(|gap| gap["medium"] != "video"), "{gaps:?}");
    let segments = bench.segments(&session);
    let runs = |medium| segments.iter().flat_map(move |file| runs_of(file, medium));
    let length = |medium| runs(medium).map(|run: Run| run.duration_ns()).sum::<u64>();
    let (video, audio) = (length(Medium::Video), length(Medium::Audio));
    assert!(audio > 500_000_000 && video > audio + 1_000_000_000, "{video} ns of pictures, {audio} ns of sound");
    segments.iter().for_each(|file| probe::assert_decodes(file));
    assert!(segments.iter().any(|file| has(file, b"source-failed")), "no event in the records");
    bench.assert_invariants();
}

#[test]
fn sound_alone_waits_for_its_card_and_goes_on() {
    let bench = bench_with_card();
    let daemon = bench.start();
    let mut watch = bench.watch();
    bench.ctl(&["start", "--media", "audio"]).good();
    watch.until_chunk(2);
    std::fs::remove_file(bench.path("plugged")).unwrap();
    watch.until("alarm_raised", |event| event["kind"] == "microphone");
    let announced = watch.chunks().last().unwrap().number;
    // Plugged in again, it records again, in the same session.
    std::fs::write(bench.path("plugged"), "").unwrap();
    watch.until("alarm_quiet", |event| event["kind"] == "microphone");
    watch.until_chunk(announced + 2);
    let session = bench.ctl(&["stop"]).good();
    assert_eq!((session["cause"].as_str(), session["segments"].as_array().unwrap().len()), (Some("stop"), 2));
    assert_eq!(daemon.stop(), 0);
    let verdict = bench.verify_all();
    assert_eq!(verdict.short(), WITH_GAPS, "{}", verdict.report);
    bench.assert_invariants();
}

fn has(file: &std::path::Path, word: &[u8]) -> bool {
    std::fs::read(file).unwrap().windows(word.len()).any(|bytes| bytes == word)
}
