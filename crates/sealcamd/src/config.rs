// SPDX-License-Identifier: MIT OR Apache-2.0
//! The configuration: one TOML file over embedded defaults, with single values overridden on the command line. Whatever
//! is not known or not allowed is refused, with its place and what is allowed.

mod error;
mod layers;
mod values;

use bus::Media;
pub(crate) use error::ConfigError;
use evidence::time::UtcNs;
use evidence::{Hash, SessionId};
use layers::Layers;
use media::{AudioSettings, Pace, ReplaySettings, Settings, Source, VideoSettings};
use std::path::{Path, PathBuf};
use store::Place;
use store::names::Template;
use toml::Value;

/// The defaults, as shipped and documented.
pub(crate) const DEFAULTS: &str = include_str!("../../../config/sealcam.toml");

/// Sample rates that AAC has, in Hz.
const AAC_RATES_HZ: [u32; 12] =
    [8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 64_000, 88_200, 96_000];

/// Longest name that file systems take, in bytes.
const NAME_MAX_BYTES: usize = 255;

/// The longest that is ever added to a name from the template, in bytes: beside a segment, what a power cut tore off it.
const SUFFIX_MAX_BYTES: usize = ".4194304000.torn.part".len();

const VIDEO_SOURCES: &str = r#""v4l2:/dev/videoN", "replay:FILE.mp4", "test:" or "test:PATTERN""#;
const AUDIO_SOURCES: &str = r#""alsa:DEVICE", "replay:FILE.mp4", "test:" or "test:WAVE""#;

/// The configuration in force.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) device: Device,
    pub(crate) evidence: EvidencePlace,
    pub(crate) recording: Recording,
    pub(crate) video: VideoSettings,
    pub(crate) audio: AudioSettings,
    replay: ReplaySettings,
    /// SHA-256 of the whole configuration in force, for the ledger.
    pub(crate) hash: Hash,
}

#[derive(Debug, Clone)]
pub(crate) struct Device {
    pub(crate) id: String,
}

#[derive(Debug, Clone)]
pub(crate) struct EvidencePlace {
    pub(crate) place: Place,
    /// Where recording goes on when the first place fails.
    pub(crate) fallback: Option<Place>,
    /// Minutes of recording for which there is room, at which a warning is given.
    pub(crate) warn_min: Vec<u32>,
    pub(crate) names: Template,
    pub(crate) segment_s: u32,
    pub(crate) segment_mib: u32,
}

#[derive(Debug, Clone)]
pub(crate) struct Recording {
    pub(crate) media: Media,
    chunk_ms: u32,
    pub(crate) start_timeout_ms: u32,
    pub(crate) prerecord_s: u32,
    pub(crate) prerecord_mib: u32,
    pub(crate) prerecord_sound: bool,
    pub(crate) postrecord_s: u32,
    pub(crate) resume_within_s: u32,
}

impl Config {
    /// Reads `file`, if given, over the defaults, and then the settings `section.key=value`.
    pub(crate) fn load(file: Option<&Path>, settings: &[String]) -> Result<Config, ConfigError> {
        let mut layers = Layers::defaults()?;
        if let Some(path) = file {
            layers.lay_file(path, &read(path)?)?;
            // What is wrong in the file is wrong even where a setting replaces it.
            Config::of(&layers)?;
        }
        settings.iter().try_for_each(|setting| layers.set(setting))?;
        let config = Config::of(&layers)?;
        config.check_folders(&layers)?;
        config.check_names(&layers)?;
        Ok(config)
    }

    fn of(layers: &Layers) -> Result<Config, ConfigError> {
        Ok(Config {
            device: Device { id: layers.text("device.id", "1 to 40 letters, digits, '-' and '_'", label)? },
            evidence: evidence_place(layers)?,
            recording: recording(layers)?,
            video: video(layers)?,
            audio: audio(layers)?,
            replay: replay(layers)?,
            hash: layers.hash(),
        })
    }

    /// Keys beside the evidence would be carried away with it, and evidence beside the keys with them.
    fn check_folders(&self, layers: &Layers) -> Result<(), ConfigError> {
        let EvidencePlace { place, fallback, .. } = &self.evidence;
        let first = [("folder", &place.evidence), ("state", &place.state)];
        let second =
            fallback.iter().flat_map(|place| [("fallback_folder", &place.evidence), ("fallback_state", &place.state)]);
        let folders: Vec<_> = first.into_iter().chain(second).collect();
        let pairs = (1..folders.len()).flat_map(|n| folders[..n].iter().map(move |before| (*before, n)));
        let together = pairs.map(|(before, n)| (before, folders[n]));
        let meet = |((_, one), (_, other)): &((&str, &PathBuf), (&str, &PathBuf))| {
            one.starts_with(other) || other.starts_with(one)
        };
        let mut together = together.filter(meet);
        let Some(((one_key, one), (other_key, other))) = together.next() else { return Ok(()) };
        let other_is_chosen = layers.is_chosen(&format!("evidence.{other_key}"));
        let key = format!("evidence.{}", if other_is_chosen { other_key } else { one_key });
        let (one, other) = (one.display(), other.display());
        let problem = format!("{other} ({other_key}) and {one} ({one_key}) must be apart, neither within the other");
        Err(layers.wrong(&key, None, problem))
    }

    /// A name that is too long would be noticed only when something is to be recorded.
    fn check_names(&self, layers: &Layers) -> Result<(), ConfigError> {
        // The longest letter takes four bytes; the name cuts what is too long.
        let officer = "\u{20000}".repeat(bus::OFFICER_MAX_CHARACTERS);
        let session = Some(SessionId([0xff; 16]));
        let name = self.evidence.names.name(&self.device.id, &officer, session, UtcNs(0), u32::MAX);
        let bytes = name.len() + SUFFIX_MAX_BYTES;
        if bytes <= NAME_MAX_BYTES {
            return Ok(());
        }
        let key = if layers.is_chosen("evidence.names") { "evidence.names" } else { "device.id" };
        let problem = format!(
            "names of files could come to {bytes} bytes, with this device.id and a long officer; allowed is {NAME_MAX_BYTES}: shorten device.id or evidence.names"
        );
        Err(layers.wrong(key, None, problem))
    }

    /// What the media side is asked for.
    pub(crate) fn settings(&self, media: Media) -> Settings {
        Settings {
            video: (media != Media::Audio).then(|| self.video.clone()),
            audio: (media != Media::Video).then(|| self.audio.clone()),
            replay: self.replay,
            chunk_ms: self.recording.chunk_ms,
            start_timeout_ms: self.recording.start_timeout_ms,
        }
    }
}

fn evidence_place(layers: &Layers) -> Result<EvidencePlace, ConfigError> {
    Ok(EvidencePlace {
        place: Place { evidence: layers.folder("evidence.folder")?, state: layers.folder("evidence.state")? },
        fallback: fallback(layers)?,
        warn_min: layers.numbers("evidence.warn_min", 1, 1440)?,
        names: layers.parsed("evidence.names", "a text with variables, such as \"{device}_{utc}_{number}\"")?,
        segment_s: layers.number("evidence.segment_s", 1, 3600)?,
        segment_mib: layers.number("evidence.segment_mib", 1, 4000)?,
    })
}

fn fallback(layers: &Layers) -> Result<Option<Place>, ConfigError> {
    let (folder, state) = ("evidence.fallback_folder", "evidence.fallback_state");
    match (layers.folder_or_none(folder)?, layers.folder_or_none(state)?) {
        (Some(evidence), Some(state)) => Ok(Some(Place { evidence, state })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(layers.wrong(folder, None, format!("{state} is needed with it"))),
        (None, Some(_)) => Err(layers.wrong(state, None, format!("{folder} is needed with it"))),
    }
}

fn recording(layers: &Layers) -> Result<Recording, ConfigError> {
    let media = r#""video+audio", "video" or "audio""#;
    Ok(Recording {
        media: layers.text("recording.media", media, |word| word.parse().ok())?,
        chunk_ms: layers.number("recording.chunk_ms", 100, 950)?,
        start_timeout_ms: layers.number("recording.start_timeout_ms", 100, 60_000)?,
        prerecord_s: layers.number("recording.prerecord_s", 0, 120)?,
        prerecord_mib: layers.number("recording.prerecord_mib", 1, 512)?,
        prerecord_sound: layers.flag("recording.prerecord_sound")?,
        postrecord_s: layers.number("recording.postrecord_s", 0, 120)?,
        resume_within_s: layers.number("recording.resume_within_s", 0, 86_400)?,
    })
}

fn video(layers: &Layers) -> Result<VideoSettings, ConfigError> {
    let source = |text: &str| text.parse().ok().filter(|source| !matches!(source, Source::Alsa(_)));
    Ok(VideoSettings {
        source: layers.text("video.source", VIDEO_SOURCES, source)?,
        width: layers.number("video.width", 16, 3840)?,
        height: layers.number("video.height", 16, 2160)?,
        // A chunk is a second at most, and has to end between two frames.
        frame_rate: layers.number("video.frame_rate", 5, 120)?,
        bitrate_bps: layers.number("video.bitrate_bps", 100_000, 50_000_000)?,
        key_interval_ms: layers.number("video.key_interval_ms", 100, 10_000)?,
        encoders: layers.names("video.encoders", &known_encoders("video.encoders")?)?,
    })
}

fn audio(layers: &Layers) -> Result<AudioSettings, ConfigError> {
    let source = |text: &str| text.parse().ok().filter(|source| !matches!(source, Source::V4l2(_)));
    Ok(AudioSettings {
        source: layers.text("audio.source", AUDIO_SOURCES, source)?,
        rate_hz: layers.one_of("audio.rate_hz", &AAC_RATES_HZ)?,
        channels: layers.number("audio.channels", 1, 2)?,
        bitrate_bps: layers.number("audio.bitrate_bps", 16_000, 320_000)?,
        encoders: layers.names("audio.encoders", &known_encoders("audio.encoders")?)?,
    })
}

fn replay(layers: &Layers) -> Result<ReplaySettings, ConfigError> {
    let pace = |word: &str| match word {
        "real" => Some(Pace::Real),
        "fast" => Some(Pace::Fast),
        _ => None,
    };
    let pace = layers.text("replay.pace", r#""real" or "fast""#, pace)?;
    Ok(ReplaySettings { pace, repeat: layers.flag("replay.repeat")? })
}

/// The defaults name every encoder that the media side knows.
fn known_encoders(key: &str) -> Result<Vec<String>, ConfigError> {
    let defaults = Layers::defaults()?;
    let names = defaults.value(key)?.as_array().into_iter().flatten();
    Ok(names.filter_map(Value::as_str).map(str::to_owned).collect())
}

fn read(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.into(), source })
}

fn label(text: &str) -> Option<String> {
    let fits = (1..=40).contains(&text.chars().count());
    let is_plain = text.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_');
    (fits && is_plain).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The one line in which this file is refused, without its folder.
    fn refused(text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sealcam.toml");
        std::fs::write(&path, text).unwrap();
        let line = Config::load(Some(&path), &[]).unwrap_err().to_string();
        assert!(!line.contains('\n'), "{line}");
        line.replace(&format!("{}/", folder.path().display()), "")
    }

    fn set(setting: &str) -> Result<Config, String> {
        Config::load(None, &[setting.to_owned()]).map_err(|error| error.to_string())
    }

    #[test]
    fn the_documented_defaults_are_the_configuration() {
        let config = Config::load(None, &[]).unwrap();
        assert_eq!((config.device.id.as_str(), config.recording.chunk_ms), ("SC0001", 500));
    }

    #[test]
    fn every_way_to_write_a_key_has_its_place() {
        let cases = [
            ("[video]\nwidth = 1280\n  hight = 720\n", "sealcam.toml:3:3: video.hight: there is no such key"),
            ("\n\nvideo.hight = 720\n", "sealcam.toml:3:7: video.hight: there is no such key"),
            ("video = { height = 720, width = 99999 }\n", "sealcam.toml:1:25: video.width: 99999 is not allowed"),
            ("[video]\n\"width\" = 99999\n", "sealcam.toml:2:1: video.width: 99999"),
            ("[\"video\"]\n'width' = 99999\n", "sealcam.toml:2:1: video.width: 99999"),
            ("video.\"width\" = 99999\n", "sealcam.toml:1:7: video.width: 99999"),
            ("# 长\n[recording]\nchunk_ms = 2000\n", "sealcam.toml:3:1: recording.chunk_ms: 2000"),
            ("video = { encoders = [\"x264enc\", \"长\", 5] }\n", "sealcam.toml:1:34: video.encoders: \"长\""),
            ("[video]\nencoders = [\n  \"x264enc\",\n  5,\n]\n", "sealcam.toml:4:3: video.encoders: 5"),
            ("device.id = \"长\"\nvideo = {source=\"长\",width=9}\n", "sealcam.toml:2:10: video.source: \"长\""),
            ("device = { id = \"警\", nr = 1 }\n", "sealcam.toml:1:22: device.nr: there is no such key"),
            ("[vidoe]\nwidth = 1\n", "sealcam.toml:1:2: vidoe: there is no section \"vidoe\""),
            ("width = 1\n", "sealcam.toml:1:1: width: there is no section"),
            ("video = 5\n", "sealcam.toml:1:1: video: it is a section: write [video]"),
            ("[[video]]\nwidth = 5\n", "sealcam.toml:1:3: video: it is a section"),
            ("[video.width]\nmax = 5\n", "sealcam.toml:1:8: video.width: { max = 5 } is not allowed"),
            ("[video\n", "sealcam.toml:1:7: "),
            ("[video]\nwidth = 20\nwidth = 30\n", "sealcam.toml:3:1: duplicate key"),
        ];
        for (text, expected) in cases {
            let line = refused(text);
            assert!(line.starts_with(expected), "{text:?}\n{line}\n{expected}");
        }
    }

    #[test]
    fn of_two_unknown_keys_the_first_in_the_file_is_named() {
        assert!(refused("[video]\nzoom = 1\n[audio]\nbass = 2\n").starts_with("sealcam.toml:2:1: video.zoom"));
    }

    #[test]
    fn a_value_that_is_not_allowed_is_refused_with_what_is() {
        let cases = [
            ("video.width = \"abc\"", "\"abc\" is not allowed; allowed is 16 to 3840"),
            ("video.width = 1.5", "1.5 is not allowed; allowed is 16 to 3840"),
            ("video.width = -5", "-5 is not allowed; allowed is 16 to 3840"),
            ("video.frame_rate = 4", "4 is not allowed; allowed is 5 to 120"),
            ("replay.repeat = \"yes\"", "\"yes\" is not allowed; allowed is true or false"),
            ("replay.pace = \"slow\"", "\"slow\" is not allowed; allowed is \"real\" or \"fast\""),
            ("recording.media = 1", "1 is not allowed; allowed is \"video+audio\", \"video\" or \"audio\""),
            ("device.id = 5", "5 is not allowed; allowed is 1 to 40 letters"),
            ("device.id = \"no spaces\"", "\"no spaces\" is not allowed; allowed is 1 to 40 letters"),
            ("evidence.names = true", "true is not allowed; allowed is a text with variables"),
            ("evidence.names = \"a\"", "the template needs {number}"),
            ("video.source = \"usb:1\"", "allowed is \"v4l2:/dev/videoN\", \"replay:FILE.mp4\""),
            ("video.source = \"alsa:hw:0\"", "\"alsa:hw:0\" is not allowed; allowed is \"v4l2:/dev/videoN\""),
            ("audio.source = \"v4l2:/dev/video0\"", "allowed is \"alsa:DEVICE\", \"replay:FILE.mp4\""),
            ("audio.rate_hz = 12345", "12345 is not allowed; allowed is 8000, 11025, 12000"),
            ("video.encoders = []", "[] is not allowed; allowed is a list of one or more of v4l2h264enc, "),
            ("video.encoders = \"x264enc\"", "such as [\"v4l2h264enc\", \"vah264enc\"]"),
            ("video.encoders = [\"fdkaacenc\"]", "\"fdkaacenc\" is not allowed; allowed are v4l2h264enc, "),
            ("audio.encoders = [\"x264enc\"]", "\"x264enc\" is not allowed; allowed are fdkaacenc, avenc_aac, "),
            ("evidence.folder = \"\"", "\"\" is not allowed; allowed is a folder's absolute path"),
            ("evidence.folder = \"/\"", "allowed is a folder's absolute path"),
            ("evidence.state = \"here/state\"", "\"here/state\" is not allowed; allowed is a folder's absolute path"),
            ("evidence.state = \"/a/../b\"", "without '..'"),
            ("evidence.fallback_folder = 5", "5 is not allowed; allowed is a folder's absolute path"),
            ("evidence.fallback_folder = \"/b\"", "evidence.fallback_state is needed with it"),
            ("evidence.fallback_state = \"/b\"", "evidence.fallback_folder is needed with it"),
            ("evidence.warn_min = []", "[] is not allowed; allowed is a list of one or more numbers from 1 to 1440"),
            ("evidence.warn_min = [5, 0]", "0 is not allowed; allowed are 1 to 1440"),
            ("recording.prerecord_s = 121", "121 is not allowed; allowed is 0 to 120"),
            ("recording.prerecord_mib = 0", "0 is not allowed; allowed is 1 to 512"),
            ("recording.prerecord_sound = 1", "1 is not allowed; allowed is true or false"),
        ];
        for (text, expected) in cases {
            let line = refused(text);
            assert!(line.starts_with("sealcam.toml:1:") && line.contains(expected), "{text}\n{line}");
        }
        assert!(refused(&format!("video.width = {:?}", "x".repeat(5000))).len() < 200);
    }

    #[test]
    fn evidence_and_keys_are_kept_apart() {
        let state = refused("[evidence]\nfolder = \"/data\"\nstate = \"/data/./state/\"\n");
        assert!(state.starts_with("sealcam.toml:3:1: evidence.state: /data/state (state)"), "{state}");
        let folder = refused("evidence.folder = \"/var/lib/sealcam\"");
        assert!(folder.starts_with("sealcam.toml:1:10: evidence.folder: ") && folder.contains("apart"), "{folder}");
        assert!(
            set("evidence.folder=/var/lib/sealcam/state/evidence").unwrap_err().starts_with("--set evidence.folder=")
        );
        assert!(set("evidence.folder=/var/lib/sealcam/state").unwrap_err().contains("apart"));
        assert!(set("evidence.folder=/var/lib/sealcam/state2").is_ok());
        let second = refused("[evidence]\nfolder = \"/a/e\"\nfallback_folder = \"/a\"\nfallback_state = \"/b\"\n");
        assert!(
            second.starts_with("sealcam.toml:3:1: evidence.fallback_folder: /a (fallback_folder) and /a/e (folder)"),
            "{second}"
        );
        let pair = ["evidence.fallback_folder=/b/e", "evidence.fallback_state=/b/s"].map(str::to_owned);
        assert!(Config::load(None, &pair).unwrap().evidence.fallback.is_some());
    }

    #[test]
    fn the_longest_name_that_can_come_fits_a_file_system() {
        let names = |names: &str| set(&format!("evidence.names={names}"));
        assert!(names("{device}_{officer}_{utc}_{number}_{session}").is_ok());
        let twice = names("{officer}_{officer}_{number}").unwrap_err();
        assert!(twice.contains("could come to") && twice.contains("allowed is 255"), "{twice}");
        let label = refused(&format!("device.id = \"{}\"", "警".repeat(40)));
        assert!(label.starts_with("sealcam.toml:1:8: device.id: names of files"), "{label}");
        assert!(set(&format!("device.id={}", "a".repeat(40))).is_ok());
    }

    #[test]
    fn settings_override_and_are_checked() {
        assert_eq!(set("recording.chunk_ms=250").unwrap().recording.chunk_ms, 250);
        assert_eq!(set("device.id=42").unwrap().device.id, "42");
        assert_eq!(set("video.encoders=[\"x264enc\"]").unwrap().video.encoders, ["x264enc"]);
        for wrong in [
            "chunk_ms=1",
            "recording.chunk_ms",
            "recording.chunk_ms=9999",
            "recording.chunk_ms=x",
            "recording.chnk=1",
            "vid.source=test:",
            "replay.pace=slow",
            "replay.repeat=1\nx = 2",
        ] {
            assert!(set(wrong).unwrap_err().starts_with("--set "), "{wrong}");
        }
        for list in ["video.encoders=x264enc", "video.encoders=[x264enc]", "video.encoders="] {
            let line = set(list).unwrap_err();
            assert!(line.contains("--set 'video.encoders=[\"v4l2h264enc\", \"vah264enc\"]'"), "{line}");
        }
    }

    #[test]
    fn a_mistake_in_the_file_is_not_hidden_by_a_setting() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sealcam.toml");
        std::fs::write(&path, "video.width = 5").unwrap();
        assert!(Config::load(Some(&path), &["video.width=640".to_owned()]).is_err());
    }

    #[test]
    fn the_hash_is_of_what_is_in_force_however_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sealcam.toml");
        std::fs::write(&path, "video = { width = 640 }\n").unwrap();
        let file = Config::load(Some(&path), &[]).unwrap().hash;
        assert_eq!(file, set("video.width=640").unwrap().hash);
        assert_ne!(file, set("video.width=642").unwrap().hash);
    }
}
