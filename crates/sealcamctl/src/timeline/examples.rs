// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sessions to draw in tests.

use bus::{
    Account, BootId, ChunkSpan, Duty, InterruptionId, InterruptionInfo, Known, Medium, Moment, PlacedInterruption,
    SessionId, Timeline,
};

const SECOND: u64 = 1_000_000_000;

/// 2026-09-21T14:13:20Z.
const ZERO_UTC_NS: i64 = 1_790_000_000_000_000_000;

fn span(from_s: u64, to_s: u64, video: bool, audio: bool) -> ChunkSpan {
    ChunkSpan { from_ns: from_s * SECOND, to_ns: to_s * SECOND, video, audio }
}

fn moment(at_s: u64) -> Moment {
    let utc_ns = ZERO_UTC_NS + i64::try_from(at_s * SECOND).unwrap();
    Moment { utc_ns, boot_ns: (100 + at_s) * SECOND, boot_id: BootId::from_bytes([1; 16]) }
}

fn interruption(number: u8, cause: &str, media: &[Medium], from_s: u64, to_s: u64, detail: &str) -> PlacedInterruption {
    let info = InterruptionInfo {
        id: InterruptionId::from_bytes([number; 16]),
        session: SessionId::from_bytes([0xa5; 16]),
        cause: cause.into(),
        known: Known::Device,
        media: media.to_vec(),
        detail: detail.into(),
        from: moment(from_s),
        to: Some(moment(to_s)),
        duration_ns: Some((to_s - from_s) * SECOND),
        statement: Duty::None,
        report: Duty::None,
        account: Duty::None,
        told: None,
    };
    PlacedInterruption::place(info, &moment(0))
}

/// Twelve seconds without pre-record.
pub(crate) fn clean() -> Timeline {
    Timeline {
        session: SessionId::from_bytes([0xa5; 16]),
        zero_utc_ns: ZERO_UTC_NS,
        pressed_ns: Some(0),
        now_ns: None,
        cause: Some("stop".into()),
        chunks: vec![span(0, 12, true, true)],
        interruptions: Vec::new(),
        continues: None,
        continued_by: None,
    }
}

/// Thirty seconds were buffered before the start was given.
pub(crate) fn prerecorded() -> Timeline {
    Timeline { pressed_ns: Some(30 * SECOND), chunks: vec![span(0, 75, true, true)], ..clean() }
}

/// The camera is gone in the middle; the sound goes on.
pub(crate) fn camera_gone() -> Timeline {
    let detail = "v4l2:/dev/video0: no frame for 2 s";
    Timeline {
        pressed_ns: Some(5 * SECOND),
        chunks: vec![span(0, 20, true, true), span(20, 31, false, true), span(31, 60, true, true)],
        interruptions: vec![interruption(1, "camera", &[Medium::Video], 20, 31, detail)],
        ..clean()
    }
}

/// The power goes for seven minutes and a half, and another session goes on.
pub(crate) fn cut_by_power() -> Timeline {
    let both = [Medium::Video, Medium::Audio];
    let mut cut = interruption(1, "power", &both, 40, 492, "");
    cut.info.told = Some(Account {
        cause: "obstruction".into(),
        officer: "330101".into(),
        text: "A party pulled the plug while the accounts were copied.".into(),
    });
    Timeline {
        pressed_ns: Some(10 * SECOND),
        cause: Some("recovered".into()),
        chunks: vec![span(0, 40, true, true)],
        interruptions: vec![cut],
        continued_by: Some(SessionId::from_bytes([0x5a; 16])),
        ..clean()
    }
}

/// The session that goes on with it.
pub(crate) fn continued() -> Timeline {
    Timeline {
        session: SessionId::from_bytes([0x5a; 16]),
        zero_utc_ns: ZERO_UTC_NS + 492_000_000_000,
        chunks: vec![span(0, 33, true, true)],
        continues: Some(SessionId::from_bytes([0xa5; 16])),
        ..clean()
    }
}

/// A day with interruptions of three seconds to forty minutes.
pub(crate) fn day_long() -> Timeline {
    let both = [Medium::Video, Medium::Audio];
    Timeline {
        pressed_ns: Some(30 * SECOND),
        chunks: vec![
            span(0, 11_000, true, true),
            span(11_000, 11_003, false, true),
            span(11_003, 40_000, true, true),
            span(40_000, 42_400, true, false),
            span(42_400, 60_000, true, true),
            span(60_600, 80_000, true, true),
            span(80_300, 86_100, true, true),
        ],
        interruptions: vec![
            interruption(1, "camera", &[Medium::Video], 11_000, 11_003, "v4l2:/dev/video0: no frame for 2 s"),
            interruption(2, "microphone", &[Medium::Audio], 40_000, 42_400, "alsa:hw:0: no such device"),
            interruption(3, "suspend", &both, 60_000, 60_600, ""),
        ],
        ..clean()
    }
}
