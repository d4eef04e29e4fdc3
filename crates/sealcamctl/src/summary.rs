// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is recorded, as text for people.

use std::path::Path;

use bus::{AlarmInfo, DeviceInfo, FormatInfo, InterruptionInfo, RecorderStatus, SegmentInfo, SessionInfo};

use crate::output::{labelled, table};
use crate::text::{Lang, shown};
use crate::{interruptions, units};

/// A session: where its files are and what is in them.
pub(crate) fn session(lang: Lang, session: &SessionInfo) -> String {
    labelled(&session_lines(lang, session))
}

fn session_lines(lang: Lang, session: &SessionInfo) -> Vec<(String, String)> {
    let mut lines = vec![
        (lang.label_session(), session.id.to_string()),
        (lang.label_officer(), or_none(lang, &session.officer)),
        (lang.label_started(), units::utc(session.started_utc_ns)),
        (lang.label_ended(), end(lang, session)),
        (lang.label_duration(), units::duration(session.duration_ns)),
        (lang.label_frames(), session.video_frames.to_string()),
        (lang.label_packets(), session.audio_packets.to_string()),
        (lang.label_chunks(), session.chunks.to_string()),
        (lang.label_size(), size(lang, session.bytes)),
        (lang.label_signed(), lang.share(session.signed_bytes, units::percent(session.signed_bytes, session.bytes))),
        (lang.label_folder(), session.folder.clone()),
    ];
    lines.extend(session.segments.iter().map(|file| (lang.label_file(), segment(lang, file))));
    lines.extend(session.photos.iter().map(|file| (lang.label_photo(), file.clone())));
    lines.extend(session.continues.map(|before| (lang.label_continues(), before.to_string())));
    lines
}

/// The same with its interruptions.
pub(crate) fn session_with(lang: Lang, info: &SessionInfo, interruptions: &[InterruptionInfo]) -> String {
    let mut lines = session_lines(lang, info);
    let text = |one| (lang.label_interruption(), interruptions::line(lang, one));
    lines.extend(interruptions.iter().map(text));
    labelled(&lines)
}

/// Sessions, one a line.
pub(crate) fn sessions(lang: Lang, sessions: &[SessionInfo]) -> String {
    if sessions.is_empty() {
        return lang.no_sessions();
    }
    let head = vec![
        lang.label_session(),
        lang.label_started(),
        lang.label_duration(),
        lang.label_size(),
        lang.label_officer(),
        lang.label_end_cause(),
    ];
    let rows: Vec<Vec<String>> = [head].into_iter().chain(sessions.iter().map(|one| session_row(lang, one))).collect();
    table(&rows)
}

/// The recorder's status.
pub(crate) fn status(lang: Lang, status: &RecorderStatus) -> String {
    let counters = &status.counters;
    let session = status.current_session.map_or_else(|| lang.none(), |session| session.to_string());
    let mut lines = vec![
        (lang.label_state(), lang.state(status.state)),
        (lang.label_fault(), or_none(lang, status.fault.as_deref().unwrap_or_default())),
    ];
    lines.extend(alarms(lang, &status.alarms).into_iter().map(|alarm| (lang.label_alarm(), alarm)));
    lines.extend([
        (lang.label_session(), session),
        (lang.label_recorded_up_to(), units::duration(status.recorded_up_to_ns)),
        (lang.label_frames(), lang.counted_lost(counters.video_frames, counters.video_lost)),
        (lang.label_packets(), lang.counted_lost(counters.audio_packets, counters.audio_lost)),
        (lang.label_chunks(), counters.chunks.to_string()),
        (lang.label_segments(), counters.segments.to_string()),
        (lang.label_size(), size(lang, counters.bytes)),
        (lang.label_minutes_left(), lang.minutes_left(status.storage_minutes)),
        (lang.label_prerecord(), units::duration(status.prerecord_ns)),
        (lang.label_device(), status.device_id.clone()),
        (lang.label_version(), status.version.clone()),
        (lang.label_evidence(), status.evidence_folder.clone()),
    ]);
    labelled(&lines)
}

/// Each alarm that stands, or that there is none.
fn alarms(lang: Lang, alarms: &[AlarmInfo]) -> Vec<String> {
    let text = |alarm: &AlarmInfo| {
        lang.alarm_since(lang.alarm(alarm.kind), shown(&alarm.detail), units::utc(alarm.since_utc_ns))
    };
    if alarms.is_empty() { vec![lang.none()] } else { alarms.iter().map(text).collect() }
}

/// A photo: where it is and what its hash is.
pub(crate) fn photo(lang: Lang, evidence_folder: &str, file: &str, sha256: &str) -> String {
    let path = Path::new(evidence_folder).join(file).display().to_string();
    labelled(&[(lang.label_file(), path), (lang.label_sha256(), sha256.to_owned())])
}

/// Cameras and microphones with what they can do.
pub(crate) fn devices(lang: Lang, devices: &[DeviceInfo]) -> String {
    if devices.is_empty() {
        return lang.no_devices();
    }
    devices.iter().map(|one| device(lang, one)).collect::<Vec<_>>().join("\n")
}

fn session_row(lang: Lang, session: &SessionInfo) -> Vec<String> {
    vec![
        session.id.to_string(),
        units::utc(session.started_utc_ns),
        units::duration(session.duration_ns),
        units::bytes(session.bytes),
        or_none(lang, &session.officer),
        session.cause.as_deref().map_or_else(|| lang.still_open(), |cause| lang.end_cause(cause)),
    ]
}

fn end(lang: Lang, session: &SessionInfo) -> String {
    match session.ended_utc_ns {
        Some(utc_ns) => lang.ended(units::utc(utc_ns), lang.end_cause(session.cause.as_deref().unwrap_or("?"))),
        None => lang.still_open(),
    }
}

fn segment(lang: Lang, segment: &SegmentInfo) -> String {
    lang.segment(&segment.file, segment.chunks, segment.bytes)
}

fn size(lang: Lang, bytes: u64) -> String {
    lang.size(units::bytes(bytes), bytes)
}

fn or_none(lang: Lang, text: &str) -> String {
    if text.is_empty() { lang.none() } else { text.to_owned() }
}

fn device(lang: Lang, device: &DeviceInfo) -> String {
    let mut lines = vec![format!("{} ({}): {}", device.source, lang.device_kind(device.kind), device.name)];
    let notes = device.in_use.then(|| lang.in_use()).into_iter();
    let notes = notes.chain(device.problem.as_ref().map(|problem| lang.device_problem(problem)));
    let formats = device.formats.iter().map(|one| lang.device_format(format(lang, one)));
    let controls =
        device.controls.iter().map(|one| lang.device_control(&one.name, one.value, one.minimum, one.maximum));
    lines.extend(notes.chain(formats).chain(controls).map(|line| format!("  {line}")));
    lines.join("\n")
}

fn format(lang: Lang, format: &FormatInfo) -> String {
    let mut parts = vec![format.encoding.clone()];
    if let (Some(width), Some(height)) = (format.width_px, format.height_px) {
        parts.push(format!("{width}×{height}"));
    }
    parts.extend(listed(&format.frames_per_second, "fps"));
    parts.extend(listed(&format.rates_hz, "Hz"));
    parts.extend(format.channels_max.map(|count| lang.channels(count)));
    parts.join(", ")
}

fn listed<T: ToString>(values: &[T], unit: &str) -> Option<String> {
    let values: Vec<String> = values.iter().map(ToString::to_string).collect();
    (!values.is_empty()).then(|| format!("{} {unit}", values.join("/")))
}
