// SPDX-License-Identifier: MIT OR Apache-2.0
//! What of a session was recorded when: its chunks and its interruptions on one line, and its form on the bus.

use serde::{Deserialize, Serialize};

use crate::SessionId;
use crate::dict::{BadField, Dict, Reply, optional_text, session_path, take, take_list, take_optional, take_session};
use crate::interruption::{InterruptionInfo, Moment};

/// Chunks that lie no further apart than this follow on: what a verifier counts as a gap is longer.
const FOLLOW_ON_NS: u64 = 1_000_000;

/// A stretch of chunks that follow on and hold the same media.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkSpan {
    /// Media time at which it begins.
    pub from_ns: u64,
    /// Media time at which it ends.
    pub to_ns: u64,
    /// Whether there are pictures in it.
    pub video: bool,
    /// Whether there is sound in it.
    pub audio: bool,
}

/// A span as it goes over the bus.
type SpanTuple = (u64, u64, bool, bool);

impl ChunkSpan {
    /// Joins chunks, in their order, to as few spans as say the same.
    pub fn join(chunks: impl IntoIterator<Item = Self>) -> Vec<Self> {
        let mut spans: Vec<Self> = Vec::new();
        for chunk in chunks {
            match spans.last_mut() {
                Some(last) if last.goes_on_in(&chunk) => last.to_ns = last.to_ns.max(chunk.to_ns),
                _ => spans.push(chunk),
            }
        }
        spans
    }

    fn goes_on_in(&self, next: &Self) -> bool {
        let follows_on = next.from_ns <= self.to_ns.saturating_add(FOLLOW_ON_NS);
        follows_on && (self.video, self.audio) == (next.video, next.audio)
    }

    fn to_tuple(self) -> SpanTuple {
        (self.from_ns, self.to_ns, self.video, self.audio)
    }

    fn from_tuple((from_ns, to_ns, video, audio): SpanTuple) -> Self {
        Self { from_ns, to_ns, video, audio }
    }
}

/// An interruption and where it lies in the session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacedInterruption {
    /// The interruption.
    #[serde(flatten)]
    pub info: InterruptionInfo,
    /// Media time at which it begins.
    pub from_ns: u64,
    /// Media time at which it is over; none while it is not.
    pub to_ns: Option<u64>,
}

impl PlacedInterruption {
    /// Places an interruption in the session whose media time 0 is `zero`. Within one boot by boot time; behind a restart as far
    /// as the interruption itself says how long it was.
    pub fn place(info: InterruptionInfo, zero: &Moment) -> Self {
        let by_utc_ns = u64::try_from(info.from.utc_ns.saturating_sub(zero.utc_ns)).unwrap_or(0);
        let from_ns = by_boot(&info.from, zero).unwrap_or(by_utc_ns);
        let later_ns = from_ns.saturating_add(info.duration_ns.unwrap_or(0));
        let to_ns = info.to.map(|to| by_boot(&to, zero).unwrap_or(later_ns).max(from_ns));
        Self { info, from_ns, to_ns }
    }

    fn to_reply(&self) -> Reply {
        let mut reply = self.info.to_reply();
        reply.insert("from_ns", self.from_ns.into());
        reply.extend(self.to_ns.map(|to_ns| ("to_ns", to_ns.into())));
        reply
    }

    fn from_dict(mut dict: Dict) -> Result<Self, BadField> {
        let (from_ns, to_ns) = (take(&mut dict, "from_ns")?, take_optional(&mut dict, "to_ns")?);
        Ok(Self { info: InterruptionInfo::from_dict(dict)?, from_ns, to_ns })
    }
}

/// The media time of a moment of the boot in which the session began; none of another.
fn by_boot(moment: &Moment, zero: &Moment) -> Option<u64> {
    (moment.boot_id == zero.boot_id).then(|| moment.boot_ns.saturating_sub(zero.boot_ns))
}

/// One session, second by second.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timeline {
    /// The session.
    pub session: SessionId,
    /// UTC of media time 0.
    pub zero_utc_ns: i64,
    /// Media time at which the recording was asked for; what lies before it was buffered. None: not on record.
    pub pressed_ns: Option<u64>,
    /// Media time of this moment; none where the session has ended, or where nobody knows.
    pub now_ns: Option<u64>,
    /// Why the session ended; none while it is open.
    pub cause: Option<String>,
    /// What was recorded, in order.
    pub chunks: Vec<ChunkSpan>,
    /// Its interruptions, in the order of the ledger.
    pub interruptions: Vec<PlacedInterruption>,
    /// The session that it goes on with.
    pub continues: Option<SessionId>,
    /// The session that goes on with it.
    pub continued_by: Option<SessionId>,
}

impl Timeline {
    /// The timeline as it goes over the bus.
    pub(crate) fn to_reply(&self) -> Reply {
        let chunks: Vec<SpanTuple> = self.chunks.iter().map(|span| span.to_tuple()).collect();
        let interruptions: Vec<Reply> = self.interruptions.iter().map(PlacedInterruption::to_reply).collect();
        let mut reply = Reply::from([
            ("session", self.session.object_path().into()),
            ("zero_utc_ns", self.zero_utc_ns.into()),
            ("cause", self.cause.clone().unwrap_or_default().into()),
            ("chunks", chunks.into()),
            ("interruptions", interruptions.into()),
            ("continues", session_path(self.continues).into()),
            ("continued_by", session_path(self.continued_by).into()),
        ]);
        reply.extend(self.pressed_ns.map(|pressed_ns| ("pressed_ns", pressed_ns.into())));
        reply.extend(self.now_ns.map(|now_ns| ("now_ns", now_ns.into())));
        reply
    }

    /// The timeline as it came over the bus.
    pub(crate) fn from_dict(mut dict: Dict) -> Result<Self, BadField> {
        let chunks: Vec<SpanTuple> = take(&mut dict, "chunks")?;
        Ok(Self {
            session: take_session(&mut dict, "session")?.ok_or(BadField("session"))?,
            zero_utc_ns: take(&mut dict, "zero_utc_ns")?,
            pressed_ns: take_optional(&mut dict, "pressed_ns")?,
            now_ns: take_optional(&mut dict, "now_ns")?,
            cause: optional_text(take(&mut dict, "cause")?),
            chunks: chunks.into_iter().map(ChunkSpan::from_tuple).collect(),
            interruptions: take_list(&mut dict, "interruptions", PlacedInterruption::from_dict)?,
            continues: take_session(&mut dict, "continues")?,
            continued_by: take_session(&mut dict, "continued_by")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BootId, Duty, InterruptionId, Known, Medium};

    const SECOND: u64 = 1_000_000_000;

    fn span(from_ns: u64, to_ns: u64, video: bool) -> ChunkSpan {
        ChunkSpan { from_ns, to_ns, video, audio: true }
    }

    #[test]
    fn chunks_that_follow_on_are_one_span() {
        let chunks = [
            span(0, 512_000_000, true),
            // The longest track of one chunk may end behind the beginning of the next.
            span(500_000_000, SECOND, true),
            span(SECOND + FOLLOW_ON_NS, 2 * SECOND, true),
            span(2 * SECOND, 3 * SECOND, false),
            span(3 * SECOND + FOLLOW_ON_NS + 1, 4 * SECOND, false),
        ];
        let joined = [span(0, 2 * SECOND, true), chunks[3], chunks[4]];
        assert_eq!(ChunkSpan::join(chunks), joined);
    }

    fn moment(boot: u8, boot_s: u64, utc_s: i64) -> Moment {
        let boot_id = BootId::from_bytes([boot; 16]);
        Moment { utc_ns: utc_s * 1_000_000_000, boot_ns: boot_s * SECOND, boot_id }
    }

    fn placed(from: Moment, to: Option<Moment>, duration_s: Option<u64>) -> (u64, Option<u64>) {
        let info = InterruptionInfo {
            id: InterruptionId::from_bytes([1; 16]),
            session: SessionId::from_bytes([1; 16]),
            cause: "camera".into(),
            known: Known::Device,
            media: vec![Medium::Video],
            detail: String::new(),
            from,
            to,
            duration_ns: duration_s.map(|s| s * SECOND),
            statement: Duty::None,
            report: Duty::None,
            account: Duty::None,
            told: None,
        };
        let placed = PlacedInterruption::place(info, &moment(1, 100, 1000));
        (placed.from_ns / SECOND, placed.to_ns.map(|to_ns| to_ns / SECOND))
    }

    #[test]
    fn a_step_of_utc_moves_no_interruption_of_the_same_boot() {
        assert_eq!(placed(moment(1, 110, 5000), Some(moment(1, 112, 1)), Some(2)), (10, Some(12)));
        assert_eq!(placed(moment(1, 110, 5000), None, None), (10, None));
    }

    #[test]
    fn behind_a_restart_the_duration_counts() {
        assert_eq!(placed(moment(1, 110, 1010), Some(moment(2, 7, 1100)), Some(90)), (10, Some(100)));
        assert_eq!(placed(moment(1, 110, 1010), Some(moment(2, 7, 900)), None), (10, Some(10)));
        assert_eq!(placed(moment(2, 7, 1060), Some(moment(2, 9, 1062)), Some(2)), (60, Some(62)));
    }

    #[test]
    fn nothing_lies_before_the_beginning() {
        assert_eq!(placed(moment(1, 90, 990), Some(moment(1, 105, 1005)), Some(15)), (0, Some(5)));
    }
}
