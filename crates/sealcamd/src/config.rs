// SPDX-License-Identifier: MIT OR Apache-2.0
//! The configuration: one TOML file over embedded defaults, with single values overridden on the command line. Whatever
//! is not known or not allowed is refused, with its place and what is allowed.

use bus::Media;
use evidence::Hash;
use media::{AudioSettings, Pace, ReplaySettings, Settings, Source, VideoSettings};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use std::path::{Path, PathBuf};
use store::names::Template;
use toml::{Table, Value};

/// The defaults, as shipped and documented.
pub(crate) const DEFAULTS: &str = include_str!("../../../config/sealcam.toml");

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not a configuration.
    #[error("{}:{line}:{column}: {key}{problem}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// The key with a colon, if the problem is one of a value.
        key: String,
        /// What is wrong, and what is allowed.
        problem: String,
    },
    /// A value given on the command line is wrong.
    #[error("--set {setting}: {problem}")]
    Setting {
        /// As given.
        setting: String,
        /// What is wrong, and what is allowed.
        problem: String,
    },
}

/// The configuration in force.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) device: Device,
    pub(crate) evidence: EvidencePlace,
    pub(crate) recording: Recording,
    pub(crate) video: Video,
    pub(crate) audio: Audio,
    pub(crate) replay: Replay,
    /// SHA-256 of the whole configuration in force, for the ledger.
    #[serde(skip, default = "no_hash")]
    pub(crate) hash: Hash,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Device {
    #[serde(deserialize_with = "label")]
    pub(crate) id: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EvidencePlace {
    pub(crate) folder: PathBuf,
    pub(crate) state: PathBuf,
    #[serde(deserialize_with = "parsed")]
    pub(crate) names: Template,
    #[serde(deserialize_with = "within::<_, 1, 3600>")]
    pub(crate) segment_s: u32,
    #[serde(deserialize_with = "within::<_, 1, 4000>")]
    pub(crate) segment_mib: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Recording {
    pub(crate) media: Media,
    #[serde(deserialize_with = "within::<_, 100, 950>")]
    pub(crate) chunk_ms: u32,
    #[serde(deserialize_with = "within::<_, 100, 60000>")]
    pub(crate) start_timeout_ms: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Video {
    #[serde(deserialize_with = "parsed")]
    pub(crate) source: Source,
    #[serde(deserialize_with = "within::<_, 16, 3840>")]
    width: u32,
    #[serde(deserialize_with = "within::<_, 16, 2160>")]
    height: u32,
    #[serde(deserialize_with = "within::<_, 1, 120>")]
    frame_rate: u32,
    #[serde(deserialize_with = "within::<_, 100_000, 50_000_000>")]
    bitrate_bps: u32,
    #[serde(deserialize_with = "within::<_, 100, 10_000>")]
    key_interval_ms: u32,
    encoders: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Audio {
    #[serde(deserialize_with = "parsed")]
    pub(crate) source: Source,
    #[serde(deserialize_with = "within::<_, 8000, 96_000>")]
    rate_hz: u32,
    #[serde(deserialize_with = "within::<_, 1, 2>")]
    channels: u32,
    #[serde(deserialize_with = "within::<_, 16_000, 320_000>")]
    bitrate_bps: u32,
    encoders: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Replay {
    pace: PaceWord,
    repeat: bool,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum PaceWord {
    Real,
    Fast,
}

impl Config {
    /// Reads `file`, if given, over the defaults, and then the settings `key=value`.
    pub(crate) fn load(file: Option<&Path>, settings: &[String]) -> Result<Config, ConfigError> {
        let mut table = parse(Path::new("defaults"), DEFAULTS)?;
        if let Some(path) = file {
            let text =
                std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.into(), source })?;
            merge(&mut table, parse(path, &text)?);
            check_in_place(path, &text, &table)?;
        }
        for setting in settings {
            set(&mut table, setting)?;
        }
        let text = table.to_string();
        let mut config: Config = decode(table).map_err(|(key, problem)| in_settings(settings, &key, problem))?;
        config.hash = Hash::of(text.as_bytes());
        Ok(config)
    }

    /// What the media side is asked for.
    pub(crate) fn settings(&self, media: Media) -> Settings {
        Settings {
            video: (media != Media::Audio).then(|| self.video.settings()),
            audio: (media != Media::Video).then(|| self.audio.settings()),
            replay: ReplaySettings { pace: self.replay.pace.into(), repeat: self.replay.repeat },
            chunk_ms: self.recording.chunk_ms,
            start_timeout_ms: self.recording.start_timeout_ms,
        }
    }
}

impl Video {
    fn settings(&self) -> VideoSettings {
        VideoSettings {
            source: self.source.clone(),
            width: self.width,
            height: self.height,
            frame_rate: self.frame_rate,
            bitrate_bps: self.bitrate_bps,
            key_interval_ms: self.key_interval_ms,
            encoders: self.encoders.clone(),
        }
    }
}

impl Audio {
    fn settings(&self) -> AudioSettings {
        AudioSettings {
            source: self.source.clone(),
            rate_hz: self.rate_hz,
            channels: self.channels,
            bitrate_bps: self.bitrate_bps,
            encoders: self.encoders.clone(),
        }
    }
}

impl From<PaceWord> for Pace {
    fn from(word: PaceWord) -> Pace {
        match word {
            PaceWord::Real => Pace::Real,
            PaceWord::Fast => Pace::Fast,
        }
    }
}

fn no_hash() -> Hash {
    Hash::ZERO
}

fn parse(path: &Path, text: &str) -> Result<Table, ConfigError> {
    text.parse::<Table>().map_err(|error| {
        let (line, column) = place(text, error.span().map_or(0, |span| span.start));
        ConfigError::File { path: path.into(), line, column, key: String::new(), problem: one_line(error.message()) }
    })
}

/// Lays `over` on `table`, section by section.
fn merge(table: &mut Table, over: Table) {
    for (key, value) in over {
        match (table.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => merge(below, above),
            (_, value) => {
                table.insert(key, value);
            }
        }
    }
}

/// Finds the first mistake of a file and where in the file it stands.
fn check_in_place(path: &Path, text: &str, merged: &Table) -> Result<(), ConfigError> {
    let Err((key, problem)) = decode::<Config>(merged.clone()) else { return Ok(()) };
    let (line, column) = place_of_key(text, &key, &problem);
    Err(ConfigError::File { path: path.into(), line, column, key: format!("{key}: "), problem })
}

fn decode<T: DeserializeOwned>(table: Table) -> Result<T, (String, String)> {
    serde_path_to_error::deserialize(Value::Table(table)).map_err(|error| {
        let (key, problem) = (error.path().to_string(), one_line(error.inner().message()));
        (key, problem)
    })
}

fn set(table: &mut Table, setting: &str) -> Result<(), ConfigError> {
    let wrong = |problem: &str| ConfigError::Setting { setting: setting.into(), problem: problem.into() };
    let (path, text) = setting.split_once('=').ok_or_else(|| wrong("expected section.key=value"))?;
    let (section, key) = path.split_once('.').ok_or_else(|| wrong("expected section.key=value"))?;
    let known = table.get_mut(section).and_then(Value::as_table_mut);
    let section = known.ok_or_else(|| wrong("there is no such section"))?;
    let value = format!("v = {text}").parse::<Table>().ok().and_then(|mut parsed| parsed.remove("v"));
    let value = match section.get(key) {
        Some(Value::String(_)) => Value::String(text.into()),
        Some(_) => value.unwrap_or_else(|| Value::String(text.into())),
        None => return Err(wrong(&format!("there is no such key; allowed are {}", keys(section)))),
    };
    section.insert(key.into(), value);
    Ok(())
}

fn keys(section: &Table) -> String {
    section.keys().cloned().collect::<Vec<_>>().join(", ")
}

fn in_settings(settings: &[String], key: &str, problem: String) -> ConfigError {
    let setting = settings.iter().rev().find(|s| s.starts_with(&format!("{key}="))).cloned();
    ConfigError::Setting { setting: setting.unwrap_or_else(|| key.into()), problem }
}

/// Line and column of `key` ("section.name"), or of the unknown key that `problem` names.
fn place_of_key(text: &str, key: &str, problem: &str) -> (usize, usize) {
    let unknown = problem.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next());
    let mut parts: Vec<&str> = key.split('.').filter(|part| *part != ".").collect();
    if let Some(unknown) = unknown.filter(|name| parts.last() != Some(name)) {
        parts.push(unknown);
    }
    let Some((name, section)) = parts.split_last() else { return (1, 1) };
    let mut current = String::new();
    for (number, line) in text.lines().enumerate() {
        let code = line.trim_start();
        if let Some(header) = code.strip_prefix('[') {
            current = header.split(']').next().unwrap_or_default().trim().to_owned();
            if section.is_empty() && current == *name {
                return (number + 1, line.len() - code.len() + 1);
            }
        }
        let is_key = code.split('=').next().is_some_and(|left| left.trim() == *name) && code.contains('=');
        if is_key && current == section.join(".") {
            return (number + 1, line.len() - code.len() + 1);
        }
    }
    (1, 1)
}

fn place(text: &str, offset: usize) -> (usize, usize) {
    let before = &text[..offset.min(text.len())];
    (before.matches('\n').count() + 1, before.len() - before.rfind('\n').map_or(0, |at| at + 1) + 1)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn within<'de, D: Deserializer<'de>, const MIN: u32, const MAX: u32>(deserializer: D) -> Result<u32, D::Error> {
    let value = i64::deserialize(deserializer)?;
    let number = u32::try_from(value).ok().filter(|number| (MIN..=MAX).contains(number));
    number.ok_or_else(|| D::Error::custom(format!("{value} is not allowed; allowed is {MIN} to {MAX}")))
}

fn parsed<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
}

fn label<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    let fits = (1..=40).contains(&text.chars().count());
    match fits && text.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_') {
        true => Ok(text),
        false => Err(D::Error::custom(format!("{text:?} is not allowed; use 1 to 40 letters, digits, '-' and '_'"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sealcam.toml");
        std::fs::write(&path, text).unwrap();
        let error = Config::load(Some(&path), &[]).unwrap_err().to_string();
        error.replace(&format!("{}", folder.path().display()), "")
    }

    #[test]
    fn the_documented_defaults_are_the_configuration() {
        let config = Config::load(None, &[]).unwrap();
        assert_eq!((config.device.id.as_str(), config.recording.chunk_ms), ("SC0001", 500));
    }

    #[test]
    fn mistakes_are_named_with_their_place_and_what_is_allowed() {
        let unknown = refused("[video]\nwidth = 1280\n  hight = 720\n");
        assert!(unknown.starts_with("/sealcam.toml:3:3: video") && unknown.contains("hight"), "{unknown}");
        assert!(unknown.contains("height"), "{unknown}");
        let chunk = refused("# long\n[recording]\nchunk_ms = 2000\n");
        assert!(chunk.starts_with("/sealcam.toml:3:1: recording.chunk_ms: 2000 is not allowed"), "{chunk}");
        let syntax = refused("[video\n");
        assert!(syntax.starts_with("/sealcam.toml:1:"), "{syntax}");
        let source = refused("[video]\nsource = \"usb:1\"\n");
        assert!(source.contains("/sealcam.toml:2:1: video.source") && source.contains("v4l2:"), "{source}");
        let section = refused("[vidoe]\nwidth = 1\n");
        assert!(section.starts_with("/sealcam.toml:1:1") && section.contains("vidoe"), "{section}");
    }

    #[test]
    fn settings_override_and_are_checked() {
        let set = |setting: &str| Config::load(None, &[setting.to_owned()]);
        assert_eq!(set("recording.chunk_ms=250").unwrap().recording.chunk_ms, 250);
        assert_eq!(set("device.id=42").unwrap().device.id, "42");
        for wrong in
            ["chunk_ms=1", "recording.chunk_ms=9999", "recording.chnk=1", "vid.source=test:", "replay.pace=slow"]
        {
            assert!(set(wrong).unwrap_err().to_string().starts_with("--set "), "{wrong}");
        }
    }
}
