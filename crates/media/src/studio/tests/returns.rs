// SPDX-License-Identifier: MIT OR Apache-2.0
//! What could break: a source that fails takes frames of the other with it, the recording ends or stays without it for
//! ever, what returns is at the wrong time, in a file that cannot begin there, or lost up to a key frame.

use crate::frame::Frame;
use crate::inlet::Failure;
use crate::notice::FailureKind;
use crate::router::track::Wish;
use crate::router::{Offer, Turn};
use crate::studio::bench::*;
use crate::studio::*;

use gstreamer as gst;
use gstreamer::prelude::*;
use std::time::Instant;

const VIDEO: Medium = Medium::Video;
const AUDIO: Medium = Medium::Audio;

/// The device says that it is gone.
fn unplug(bench: &Bench, medium: Medium) {
    let device = bench.element(medium, "src");
    gst::element_error!(device, gst::ResourceError::Read, ["unplugged"]);
}

fn joined(event: &Event) -> Option<Medium> {
    match event {
        Event::Joined { medium } => Some(*medium),
        _ => None,
    }
}

/// The story of a recording, a letter for each event: `0` to `9` the generation of fragments, `V` and `A` what failed,
/// `v` and `a` what joined, `L` what was lost.
fn story(events: &[Event]) -> String {
    let letters = events.iter().map(|event| match event {
        Event::Fragment(fragment) => char::from_digit(fragment.generation, 10).unwrap(),
        Event::Failed { medium: VIDEO, .. } => 'V',
        Event::Failed { medium: AUDIO, .. } => 'A',
        Event::Joined { medium: VIDEO } => 'v',
        Event::Joined { medium: AUDIO } => 'a',
        Event::Lost { .. } => 'L',
        Event::Ended { .. } => 'E',
        Event::Finished => '.',
    });
    let mut story: Vec<char> = letters.collect();
    story.dedup();
    story.into_iter().collect()
}

/// Nothing lies between these runs and none lies in another; `tick` is how far clocks may differ.
fn check_seamless(runs: &[crate::fragment::reading::Track], tick: u64) {
    for pair in runs.windows(2) {
        assert!(pair[0].end.abs_diff(pair[1].begin) <= tick, "{pair:?}");
    }
}

fn frames(runs: &[crate::fragment::reading::Track]) -> u64 {
    runs.iter().map(|run| u64::from(run.samples)).sum()
}

#[test]
fn sound_loses_no_packet_when_the_camera_goes_and_returns() {
    let bench = Bench::up(NO_RING, &[video_plan(), audio_plan()]);
    let bound = bench.record(&Medium::BOTH);
    let mut seen = bound.until_generation(0);
    unplug(&bench, VIDEO);
    seen.extend(bound.until(|event| failed(event).is_some()));
    seen.extend(bound.until_generation(1));
    seen.extend(bound.until_generation(1));
    let opened = Instant::now();
    bench.open(&video_plan(), 10_000).unwrap();
    seen.extend(bound.until(|event| joined(event).is_some()));
    assert!(opened.elapsed() < Duration::from_secs(2), "{:?}", opened.elapsed());
    seen.extend(bound.until_generation(2));
    let (rest, counters) = bound.end();
    seen.extend(rest);
    assert!(["0V1v2.", "0V01v2."].contains(&story(&seen).as_str()), "{}", story(&seen));
    let behind = seen.iter().position(|event| failed(event).is_some()).unwrap();
    assert!(runs(&seen[behind..], 0, 1).is_empty(), "what it gave is told before its end");
    let sound = [runs(&seen, 0, 2), runs(&seen, 1, 1), runs(&seen, 2, 2)].concat();
    check_seamless(&sound, 0);
    assert_eq!(frames(&sound), counters.audio.muxed);
    assert_eq!((sound.last().unwrap().end - sound[0].begin).div_ceil(1024), counters.audio.muxed);
    assert_eq!((counters.audio.lost, counters.video.lost), (0, 0));
    let returned = runs(&seen, 2, 1);
    assert!(returned[0].starts_with_key);
    let last = runs(&seen, 0, 1).last().unwrap().end;
    assert!(returned[0].begin > last + 90_000 / 2, "the gap is as long as it was");
}

#[test]
fn the_picture_loses_no_frame_when_the_microphone_goes_and_returns() {
    let bench = Bench::up(NO_RING, &[video_plan(), audio_plan()]);
    let bound = bench.record(&Medium::BOTH);
    let mut seen = bound.until_generation(0);
    unplug(&bench, AUDIO);
    seen.extend(bound.until_generation(1));
    let opened = Instant::now();
    let opened_ns = bench.now_ns();
    bench.open(&audio_plan(), 10_000).unwrap();
    seen.extend(bound.until(|event| joined(event).is_some()));
    assert!(opened.elapsed() < Duration::from_secs(2), "{:?}", opened.elapsed());
    seen.extend(bound.until_generation(2));
    seen.extend(bound.until_generation(2));
    let zero_ns = bench.zero_ns(&bound);
    let (rest, counters) = bound.end();
    seen.extend(rest);
    assert!(story(&seen).ends_with("1a2."), "{}", story(&seen));
    let pictures = [runs(&seen, 0, 1), runs(&seen, 1, 1), runs(&seen, 2, 1)].concat();
    check_seamless(&pictures, 0);
    assert_eq!(frames(&pictures), counters.video.muxed);
    assert_eq!((pictures.last().unwrap().end - pictures[0].begin + 3000) / 6000, counters.video.muxed);
    assert!(runs(&seen, 1, 1)[0].starts_with_key && runs(&seen, 2, 1)[0].starts_with_key);
    let sound = runs(&seen, 2, 2);
    check_seamless(&sound, 0);
    let begin_ns = i64::try_from(sound[0].begin).unwrap() * 1_000_000 / 48 + zero_ns;
    assert!((begin_ns - opened_ns).abs() < 400_000_000, "sound waited for the key frame, and none of it is lost");
    assert_eq!((counters.audio.lost, counters.video.lost), (0, 0));
}

#[test]
fn when_all_are_gone_the_recording_stays_open_and_goes_on_with_the_first_that_returns() {
    let bench = Bench::up(NO_RING, &[video_plan(), audio_plan()]);
    let bound = bench.record(&Medium::BOTH);
    let mut seen = bound.until_generation(0);
    unplug(&bench, VIDEO);
    unplug(&bench, AUDIO);
    seen.extend(bound.until(|event| failed(event).is_some_and(|(medium, _)| medium == AUDIO)));
    assert!(bound.events.recv_timeout(Duration::from_millis(1500)).is_err(), "it gives nothing");
    bench.open(&audio_plan(), 10_000).unwrap();
    seen.extend(bound.until_generation(1));
    bench.open(&video_plan(), 10_000).unwrap();
    seen.extend(bound.until_generation(2));
    let (rest, counters) = bound.end();
    seen.extend(rest);
    assert!(["0VAa1v2.", "0V0Aa1v2."].contains(&story(&seen).as_str()), "{}", story(&seen));
    assert_eq!(samples(&seen), counters.video.muxed + counters.audio.muxed);
    let (before, after) = (runs(&seen, 0, 2), runs(&seen, 1, 1));
    assert!(after[0].begin > before.last().unwrap().end + 48_000, "the gap is as long as it was");
}

#[test]
fn a_source_that_was_not_there_joins_when_it_comes() {
    for (there, absent) in [(audio_plan(), video_plan()), (video_plan(), audio_plan())] {
        let (medium, missing) = (there.medium, absent.medium);
        let bench = Bench::up(NO_RING, &[there]);
        let bound = bench.record_without(&[medium], &[missing]);
        let media = |bound: &Bound| bound.recording.tracks().iter().map(|track| track.medium).collect::<Vec<_>>();
        assert_eq!(media(&bound), [medium]);
        let mut seen = bound.until_generation(0);
        bench.open(&absent, 10_000).unwrap();
        seen.extend(bound.until_generation(1));
        assert_eq!(media(&bound), Medium::BOTH);
        let (rest, counters) = bound.end();
        seen.extend(rest);
        let story = story(&seen);
        assert!(["0v1.", "0a1."].contains(&story.as_str()), "{story}");
        assert_eq!(
            (samples(&seen), counters.audio.lost + counters.video.lost),
            (counters.video.muxed + counters.audio.muxed, 0)
        );
        let number = if medium == VIDEO { 1 } else { 2 };
        let there = [runs(&seen, 0, 1), runs(&seen, 1, number)].concat();
        check_seamless(&there, 1);
    }
}

#[test]
fn a_recording_does_not_wait_for_what_is_absent_and_gives_up_what_must_be_there() {
    let bench = Bench::up(NO_RING, &[audio_plan()]);
    let refused = |media: &[Medium], absent: &[Medium]| {
        let begun = bench.studio.record(media, absent, &settings(), Arc::new(|_| ()));
        begun.err().map(|error| error.to_string())
    };
    assert!(refused(&Medium::BOTH, &[]).is_some_and(|text| text.contains("video")));
    assert!(refused(&[], &Medium::BOTH).is_some());
    assert_eq!(refused(&[AUDIO], &[VIDEO]), None);
}

#[test]
fn what_returns_together_is_taken_in_together() {
    let bench = Bench::up(NO_RING, &[video_plan(), audio_plan()]);
    let bound = bench.record(&Medium::BOTH);
    let mut seen = bound.until_generation(0);
    unplug(&bench, VIDEO);
    unplug(&bench, AUDIO);
    let studio = &bench.studio;
    std::thread::scope(|scope| {
        scope.spawn(|| studio.open_plan(&video_plan(), 10_000).unwrap());
        scope.spawn(|| studio.open_plan(&audio_plan(), 10_000).unwrap());
    });
    seen.extend(bound.until_generation(1));
    let (rest, _) = bound.end();
    seen.extend(rest);
    assert!(["0VAva1.", "0V0Ava1."].contains(&story(&seen).as_str()), "{}", story(&seen));
    assert!(!runs(&seen, 1, 1).is_empty() && !runs(&seen, 1, 2).is_empty());
}

#[test]
fn a_source_that_is_back_at_once_makes_one_new_generation() {
    let bench = Bench::up(NO_RING, &[video_plan(), audio_plan()]);
    let bound = bench.record(&Medium::BOTH);
    let mut seen = bound.until_generation(0);
    unplug(&bench, VIDEO);
    bench.open(&video_plan(), 10_000).unwrap();
    seen.extend(bound.until_generation(1));
    seen.extend(bound.until_generation(1));
    let (rest, counters) = bound.end();
    seen.extend(rest);
    assert!(["0Vv1.", "0V0v1."].contains(&story(&seen).as_str()), "{}", story(&seen));
    let sound = [runs(&seen, 0, 2), runs(&seen, 1, 2)].concat();
    check_seamless(&sound, 0);
    assert_eq!(frames(&sound), counters.audio.muxed);
}

#[test]
fn a_recording_of_one_medium_goes_on_with_it() {
    let bench = Bench::up(NO_RING, &[video_plan()]);
    let bound = bench.record(&[VIDEO]);
    let mut seen = bound.until_generation(0);
    unplug(&bench, VIDEO);
    bench.open(&video_plan(), 10_000).unwrap();
    seen.extend(bound.until_generation(1));
    let (rest, counters) = bound.end();
    seen.extend(rest);
    assert_eq!(story(&seen), "0Vv1.");
    assert_eq!(samples(&seen), counters.video.muxed);
    let inits: Vec<_> =
        seen.iter().filter_map(|event| if let Event::Fragment(f) = event { Some(&f.init) } else { None }).collect();
    assert!(!Arc::ptr_eq(inits[0], inits[inits.len() - 1]), "each generation has a header of its own");
}

fn seldom_key_frames() -> LivePlan {
    let plan = video_plan();
    LivePlan { description: plan.description.replace("key-int-max=15", "key-int-max=9999"), ..plan }
}

#[test]
fn an_encoder_is_asked_for_the_key_frame_for_which_sound_waits() {
    let bench = Bench::up(NO_RING, &[seldom_key_frames(), audio_plan()]);
    let bound = bench.record(&Medium::BOTH);
    bound.until_generation(0);
    unplug(&bench, AUDIO);
    bound.until(|event| failed(event).is_some());
    let opened = Instant::now();
    bench.open(&audio_plan(), 10_000).unwrap();
    bound.until(|event| joined(event).is_some());
    assert!(opened.elapsed() < Duration::from_secs(2), "{:?}", opened.elapsed());
}

#[test]
fn sound_that_waits_for_a_key_frame_is_delivered_at_the_end() {
    let bench = Bench::up(NO_RING, &[seldom_key_frames(), audio_plan()]);
    // Its encoder does not hear that one is wanted.
    let deaf = bench.element(VIDEO, "out").static_pad("sink").unwrap().peer().unwrap();
    deaf.add_probe(gst::PadProbeType::EVENT_UPSTREAM, |_, _| gst::PadProbeReturn::Handled);
    let bound = bench.record(&Medium::BOTH);
    let mut seen = bound.until_generation(0);
    unplug(&bench, AUDIO);
    seen.extend(bound.until(|event| failed(event).is_some()));
    bench.open(&audio_plan(), 10_000).unwrap();
    seen.extend(bound.until(is_fragment));
    let (rest, counters) = bound.end();
    seen.extend(rest);
    assert!(story(&seen).ends_with("0a1."), "{}", story(&seen));
    assert_eq!(samples(&seen), counters.video.muxed + counters.audio.muxed);
    assert!(frames(&runs(&seen, 1, 1)) > 10);
    assert_eq!(counters.audio.lost, 0);
}

#[test]
fn closing_lets_the_encoder_give_out_what_it_holds() {
    let mut slow = video_plan();
    // It holds ten pictures before it gives the first one out.
    slow.description =
        slow.description.replace("tune=zerolatency", "rc-lookahead=10 sync-lookahead=0 threads=1 bframes=0");
    let bench = Bench::up(NO_RING, &[slow]);
    let bound = bench.record(&[VIDEO]);
    let mut seen = bound.until(is_fragment);
    let taken = bound.recording.counters().video.muxed;
    bench.studio.close(VIDEO);
    bench.studio.close(VIDEO);
    assert!(!bench.studio.is_up(VIDEO));
    let (rest, counters) = bound.end();
    seen.extend(rest);
    assert!(counters.video.muxed >= taken + 8, "{taken} {counters:?}");
    assert_eq!((story(&seen).as_str(), samples(&seen)), ("0.", counters.video.muxed));
    assert_eq!(bench.notices.try_iter().collect::<Vec<_>>(), [], "who closes knows it");
}

#[test]
fn a_camera_that_returns_does_not_wait_for_a_silent_microphone() {
    let bench = Bench::up(NO_RING, &[video_plan(), audio_plan()]);
    let bound = bench.record(&Medium::BOTH);
    bound.until_generation(0);
    unplug(&bench, VIDEO);
    bound.until(|event| failed(event).is_some());
    bench.shut(AUDIO, "valve", true);
    std::thread::sleep(Duration::from_millis(200));
    bench.open(&video_plan(), 10_000).unwrap();
    let seen = bound.until(|event| joined(event).is_some());
    assert!(seen.iter().all(|event| failed(event).is_none()), "{}", story(&seen));
}

#[test]
fn a_source_that_failed_is_not_recorded() {
    let bench = Bench::up(NO_RING, &[video_plan(), audio_plan()]);
    unplug(&bench, VIDEO);
    bench.failure();
    let refused = bench.studio.record(&Medium::BOTH, &[], &settings(), Arc::new(|_| ())).err();
    assert!(matches!(refused, Some(MediaError::NotOpen { medium: VIDEO })), "{refused:?}");
    let bound = bench.record(&[AUDIO]);
    bound.until(is_fragment);
}

/// A router and two sources of one medium that were opened on it, one after the other.
fn opened_twice(live: bool) -> [Inlet; 2] {
    crate::init().unwrap();
    let router = Router::new(NO_RING, Notices::new(Arc::new(|_| ())).unwrap());
    [(); 2].map(|()| Inlet::open(&router, Wish { live, ..audio_plan().wish() }))
}

fn any_frame() -> (gst::Caps, Frame) {
    let buffer = gst::Buffer::from_slice([0_u8]);
    (gst::Caps::new_any(), Frame { buffer, pts_ns: 0, dts_ns: None, duration_ns: 1, key: true, timed: true })
}

#[test]
fn a_source_that_was_given_up_cannot_speak_for_the_next() {
    let [old, new] = opened_twice(true);
    let (caps, frame) = any_frame();
    assert!(old.push(&caps, frame.clone()).is_err());
    new.push(&caps, frame.clone()).unwrap();
    old.fail(Failure { kind: FailureKind::Gone, reason: "unplugged".to_owned(), error: None });
    old.end();
    old.close();
    assert!(new.is_open() && !old.is_open());
    new.push(&caps, frame.later_by(1)).unwrap();
}

#[test]
fn what_waits_is_not_taken_where_nothing_is_recorded() {
    let [_, inlet] = opened_twice(false);
    let (caps, frame) = any_frame();
    assert!(matches!(inlet.offer(Turn::default(), &caps, frame), Offer::NotNow));
}
