// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is recorded: the fixture, made footage, and a sound card that is no card. What is missing is made, once.

use crate::support::process::{finish, limited};
use crate::support::programs::{root, without_cargo_variables};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Frames of the fixture.
pub(crate) const FIXTURE_FRAMES: u64 = 340;
/// Sound packets of the fixture.
pub(crate) const FIXTURE_PACKETS: u64 = 1595;
/// Width and height of the fixture's pictures.
pub(crate) const FIXTURE_SIZE: (u64, u64) = (768, 576);
/// Time between two frames of the fixture.
pub(crate) const FIXTURE_FRAME_NS: u64 = 100_000_000;

/// A street, 34 s, 10 frames a second, a key frame each second, with sound.
pub(crate) fn fixture() -> PathBuf {
    root().join("tests/fixtures/street-34s.mp4")
}

/// A file of `tests/footage/make`.
pub(crate) fn footage(name: &str) -> PathBuf {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    let folder = MADE.get_or_init(|| {
        let ended = finish(std::process::Command::new(root().join("tests/footage/make")));
        assert_eq!(ended.code, 0, "{}", ended.error);
        root().join("target/footage")
    });
    folder.join(name)
}

/// Settings that replay a file.
pub(crate) fn replay(file: &Path) -> Vec<String> {
    let file = file.display();
    vec![format!("video.source=replay:{file}"), format!("audio.source=replay:{file}")]
}

/// Settings for live test pictures and a tone, small enough for any machine.
pub(crate) fn live() -> Vec<String> {
    let settings = ["video.source=test:", "audio.source=test:", "video.width=320", "video.height=180"];
    let more = ["video.frame_rate=10", "video.bitrate_bps=200000"];
    settings.iter().chain(&more).map(|setting| (*setting).to_owned()).collect()
}

/// A sound card through the real alsa-lib, which is plugged in as long as the file `gate` is there.
pub(crate) fn sound_card(gate: &Path) -> Vec<(String, PathBuf)> {
    static PLUGIN: OnceLock<PathBuf> = OnceLock::new();
    let plugin = PLUGIN.get_or_init(|| made("target/alsa/libasound_module_pcm_sealcam_paced.so"));
    std::fs::write(gate, "").unwrap();
    vec![
        ("ALSA_CONFIG_PATH".into(), root().join("tests/alsa/asoundrc")),
        ("SEALCAM_ALSA_PLUGIN".into(), plugin.clone()),
        ("SEALCAM_ALSA_GATE".into(), gate.into()),
    ]
}

/// Makes what is written in C.
fn made(name: &str) -> PathBuf {
    let mut make = without_cargo_variables("make");
    make.args(["--silent", "-C"]).arg(root()).args(["--old-file=setup-test", name]);
    let ended = finish(make);
    assert_eq!(ended.code, 0, "{}", ended.error);
    root().join(name)
}

/// A storage that does not finish a write as long as the file `gate` is there.
pub(crate) fn stalling(gate: &Path) -> Vec<(String, PathBuf)> {
    static STALL: OnceLock<PathBuf> = OnceLock::new();
    let stall = STALL.get_or_init(|| made("target/preload/sealcam_stall.so"));
    vec![("LD_PRELOAD".into(), stall.clone()), ("SEALCAM_STALL".into(), gate.into())]
}

/// A machine whose clock is set, and that sleeps, by what the file `hands` says (`set_clocks`).
pub(crate) fn moving_clocks(hands: &Path) -> Vec<(String, PathBuf)> {
    static CLOCK: OnceLock<PathBuf> = OnceLock::new();
    let clock = CLOCK.get_or_init(|| made("target/preload/sealcam_clock.so"));
    vec![("LD_PRELOAD".into(), clock.clone()), ("SEALCAM_CLOCK".into(), hands.into())]
}

/// By how much UTC was set, and for how long the machine slept, in all. At once: nobody reads half of it.
pub(crate) fn set_clocks(hands: &Path, set_ns: i64, slept_ns: u64) {
    let whole = hands.with_extension("whole");
    std::fs::write(&whole, format!("{set_ns} {slept_ns}\n")).unwrap();
    std::fs::rename(whole, hands).unwrap();
}

/// The same card, which hangs instead when the file is removed: no sound, and no error for a long time.
pub(crate) fn silent_card(gate: &Path) -> Vec<(String, PathBuf)> {
    let mut variables = sound_card(gate);
    variables.push(("SEALCAM_ALSA_FAULT".into(), "silent".into()));
    variables
}

/// Two seconds of footage; a camera that is unplugged goes at the end of them.
pub(crate) fn plug_in(camera: &Path) {
    let mut make = std::process::Command::new("ffmpeg");
    make.args(["-v", "error", "-y", "-i"]).arg(fixture()).args(["-t", "2", "-an", "-c", "copy"]).arg(camera);
    crate::support::process::quietly(make);
}

/// A picture decodes without a word and has this size.
pub(crate) fn assert_picture(file: &Path, (width, height): (u64, u64)) {
    let mut probe = limited("ffprobe");
    probe.args(["-v", "error", "-show_entries", "stream=codec_name,width,height", "-of", "csv=p=0"]).arg(file);
    assert_eq!(crate::support::process::quietly(probe).trim(), format!("mjpeg,{width},{height}"));
    crate::support::probe::assert_decodes(file);
}
