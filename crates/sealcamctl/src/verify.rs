// SPDX-License-Identifier: MIT OR Apache-2.0
//! `verify`: says whether recordings are complete and unaltered, needing nothing but the files and, for trust, the
//! device's public keys.

use crate::cli::VerifyArgs;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::output::{Output, labelled};
use crate::text::{Lang, shown};
use crate::units::{bytes, duration};
use evidence::history::{HistoryError, KeyHistory};
use evidence::ledger::LedgerError;
use evidence::record::Medium;
use evidence::verify::{Finding, Gap, Missing, Options, Overall, Problem, Report, Trust, size_of, verify_all};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use std::fs::File;
use std::io::{self, Read};
use std::num::NonZeroUsize;
use std::path::Path;

/// How many findings and gaps are printed; `--json` has them all.
const MAX_PRINTED: usize = 50;

/// Longest key history that is read, in bytes: some 300,000 keys, so decades of twenty sessions a day.
const MAX_HISTORY_BYTES: u64 = 128 * 1024 * 1024;

#[derive(Serialize)]
struct Document {
    reports: Vec<Report>,
    exit_code: u8,
}

/// Says whether recordings are complete and unaltered.
pub(crate) fn verify(arguments: &VerifyArgs, output: &Output) -> Result<Exit, CommandError> {
    let history = arguments.key.as_deref().map(read_history).transpose()?;
    let bar = progress_bar(arguments, output);
    let progress = |read| bar.inc(read);
    let options = Options { history: history.as_ref(), jobs: jobs(arguments.jobs), progress: &progress };
    let answers = verify_all(&arguments.paths, &options);
    bar.finish_and_clear();
    let (mut reports, mut errors) = (Vec::new(), Vec::new());
    for answer in answers {
        match answer {
            Ok(report) => reports.push(report),
            Err(error) => errors.push(error),
        }
    }
    // What was found out is told before what could not be looked at.
    let verdict = reports.iter().map(exit_of).max_by_key(rank).unwrap_or(Exit::Ok);
    let exit_code = if errors.is_empty() { verdict.code() } else { Exit::Failure.code() };
    if !reports.is_empty() {
        output.result(&Document { reports, exit_code }, |lang, document| {
            document.reports.iter().map(|report| text(lang, report)).collect::<Vec<_>>().join("\n\n")
        })?;
    }
    match errors.into_iter().map(|error| output.failure(&error.into())).last() {
        Some(failure) => Ok(failure),
        None => Ok(verdict),
    }
}

/// As many jobs as asked for, or as there are processors.
pub(crate) fn jobs(asked: Option<NonZeroUsize>) -> NonZeroUsize {
    asked.or_else(|| std::thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN)
}

fn read_history(path: &Path) -> Result<KeyHistory, CommandError> {
    let path = path.to_path_buf();
    match read_at_most(&path, MAX_HISTORY_BYTES + 1) {
        Err(source) => Err(CommandError::Path { path, source }),
        Ok(bytes) if bytes.len() as u64 > MAX_HISTORY_BYTES => Err(CommandError::NoHistory { path }),
        Ok(bytes) => KeyHistory::decode(&bytes).map_err(|source| match has_no_entry(&source) {
            true => CommandError::NoHistory { path },
            false => CommandError::History { path, source },
        }),
    }
}

fn read_at_most(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether not even the first entry of a key history could be read.
fn has_no_entry(error: &HistoryError) -> bool {
    use LedgerError::{Damaged, Torn};
    matches!(error, HistoryError::Empty | HistoryError::Entry(Damaged { seq: 0, .. } | Torn { seq: 0, .. }))
}

fn progress_bar(arguments: &VerifyArgs, output: &Output) -> ProgressBar {
    let bar = ProgressBar::new(arguments.paths.iter().fold(0, |sum, path| sum.saturating_add(size_of(path))));
    if output.json {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    let style =
        ProgressStyle::with_template("{bar:40} {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec} {eta}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

fn exit_of(report: &Report) -> Exit {
    let untrusted = matches!(report.trust, Trust::NotTrusted { .. } | Trust::TooOld { .. });
    match report.overall {
        Overall::Tampered => Exit::Tampered,
        Overall::Incomplete => Exit::Incomplete,
        Overall::Unverifiable => Exit::Unverifiable,
        _ if untrusted => Exit::KeyNotTrusted,
        Overall::IntactWithGaps => Exit::IntactWithGaps,
        Overall::Intact => Exit::Ok,
    }
}

/// Which of several reports decides the exit code.
fn rank(exit: &Exit) -> u8 {
    match exit {
        Exit::Tampered => 5,
        Exit::Incomplete => 4,
        Exit::Unverifiable => 3,
        Exit::KeyNotTrusted => 2,
        Exit::IntactWithGaps => 1,
        _ => 0,
    }
}

fn text(lang: Lang, report: &Report) -> String {
    let totals = &report.totals;
    let content = lang.verified_content(report.sessions.len(), totals.segments, totals.chunks, bytes(totals.bytes));
    let mut rows = vec![(lang.label_path(), shown(&report.path.display().to_string()))];
    rows.extend(without_ledger(lang, report.scope).map(|scope| (lang.label_scope(), scope)));
    if totals.segments > 0 || totals.photos == 0 {
        rows.extend([
            (lang.label_content(), content),
            (lang.label_frames(), totals.video_frames.to_string()),
            (lang.label_packets(), totals.audio_packets.to_string()),
            (lang.label_duration(), duration(totals.duration_ns)),
        ]);
    }
    if totals.photos > 0 {
        rows.push((lang.label_photos(), totals.photos.to_string()));
    }
    rows.push((lang.label_keys(), trust(lang, &report.trust)));
    rows.extend((report.missing.gaps > 0).then(|| (lang.label_missing_gaps(), missing(lang, report.missing))));
    rows.push((lang.label_verdict(), verdict(lang, report)));
    let findings: Vec<_> = report.findings.iter().collect();
    let (recorded, missing): (Vec<_>, Vec<_>) = report.gaps.iter().partition(|gap| gap.recorded);
    let mut lines = first(lang, &findings, finding);
    lines.extend(first(lang, &missing, gap));
    lines.extend(first(lang, &recorded, gap));
    lines.push(labelled(&rows));
    lines.join("\n")
}

/// What a part alone was held against; nothing where the ledger had its say.
fn without_ledger(lang: Lang, scope: &str) -> Option<String> {
    match scope {
        "segment" => Some(lang.scope_segment()),
        "session" => Some(lang.scope_session()),
        "photo" => Some(lang.scope_photo()),
        _ => None,
    }
}

/// A line for each of the first items, and one for how many more there are.
fn first<T>(lang: Lang, items: &[&T], line: impl Fn(Lang, &T) -> String) -> Vec<String> {
    let mut lines: Vec<_> = items.iter().take(MAX_PRINTED).map(|item| line(lang, item)).collect();
    if items.len() > MAX_PRINTED {
        lines.push(lang.and_more(items.len() - MAX_PRINTED));
    }
    lines
}

fn finding(lang: Lang, finding: &Finding) -> String {
    let mut place = shown(&finding.path.display().to_string());
    if let Some(chunk) = finding.chunk {
        place += &lang.at_chunk(chunk);
    }
    if let (Some(from_ns), Some(to_ns)) = (finding.from_ns, finding.to_ns) {
        place += &lang.at_time(time(lang, from_ns, to_ns));
    }
    lang.finding_line(problem(lang, finding.problem), place, shown(&lang.detail(&finding.detail)))
}

fn gap(lang: Lang, gap: &Gap) -> String {
    let medium = gap.medium.map_or_else(|| lang.whole_recording(), |medium| lang.medium(medium));
    let cause = shown(&lang.gap_cause(&gap.cause));
    match (gap.from_ns, gap.to_ns) {
        (Some(from_ns), Some(to_ns)) if !gap.recorded => lang.missing_line(medium, time(lang, from_ns, to_ns), cause),
        (Some(from_ns), Some(to_ns)) => lang.gap_line(medium, time(lang, from_ns, to_ns), cause),
        (Some(from_ns), None) => lang.gap_line_from(medium, duration(from_ns), cause),
        (None, _) => lang.gap_line_elsewhere(medium, cause),
    }
}

/// A stretch of media time; a moment where it would be shown from and to the same.
fn time(lang: Lang, from_ns: u64, to_ns: u64) -> String {
    let (from, to) = (duration(from_ns), duration(to_ns));
    if from == to { lang.moment(from) } else { lang.range(from, to) }
}

/// How many gaps are missing, and how much of each medium they are.
fn missing(lang: Lang, missing: Missing) -> String {
    let of_each = [(Medium::Video, missing.video_ns), (Medium::Audio, missing.audio_ns)];
    let lengths = of_each.into_iter().filter(|(_, length_ns)| *length_ns > 0);
    let lengths = lengths.map(|(medium, length_ns)| lang.missing_length(lang.medium(medium), duration(length_ns)));
    lang.missing_gaps(missing.gaps, lengths.collect::<Vec<_>>().join(&lang.between_lengths()))
}

/// The verdict; that a gap is missing must be seen at once, and cannot make the verdict worse: every byte is as it was signed.
fn verdict(lang: Lang, report: &Report) -> String {
    match report.overall {
        Overall::IntactWithGaps if report.missing.gaps > 0 => {
            lang.verdict_missing(report.gaps.iter().map(Gap::count).sum::<u64>(), report.missing.gaps)
        }
        other => overall(lang, other),
    }
}

fn overall(lang: Lang, overall: Overall) -> String {
    match overall {
        Overall::Intact => lang.verdict_intact(),
        Overall::IntactWithGaps => lang.verdict_gaps(),
        Overall::Unverifiable => lang.verdict_unverifiable(),
        Overall::Incomplete => lang.verdict_incomplete(),
        Overall::Tampered => lang.verdict_tampered(),
    }
}

fn trust(lang: Lang, trust: &Trust) -> String {
    match trust {
        Trust::Trusted { device } => lang.keys_trusted(device),
        Trust::NotChecked { device: Some(device) } => lang.keys_not_checked(device),
        Trust::NotChecked { device: None } => lang.keys_none(),
        Trust::TooOld { device } => lang.keys_too_old(device),
        Trust::NotTrusted { reason } => lang.keys_not_trusted(lang.distrust(reason)),
    }
}

fn problem(lang: Lang, problem: Problem) -> String {
    match problem {
        Problem::Altered => lang.problem_altered(),
        Problem::Forged => lang.problem_forged(),
        Problem::Misplaced => lang.problem_misplaced(),
        Problem::Removed => lang.problem_removed(),
        Problem::Absent => lang.problem_absent(),
        Problem::Unfinished => lang.problem_unfinished(),
        Problem::Unsigned => lang.problem_unsigned(),
        Problem::Unverifiable => lang.problem_unverifiable(),
    }
}

#[cfg(test)]
mod tests {
    use super::{gap, missing, text};
    use crate::text::Lang;
    use evidence::record::Medium;
    use evidence::verify::{Cause, Gap, Missing, Overall, Report, Totals, Trust};

    #[test]
    fn an_interruption_is_told_with_its_cause_and_as_much_of_its_time_as_there_is() {
        let by = |cause: &str| Cause::InterruptedBy { cause: cause.into(), detail: "gone".into() };
        let of_video =
            |from_ns, to_ns, cause| Gap { medium: Some(Medium::Video), from_ns, to_ns, recorded: true, cause };
        let told = |lang, from_ns, to_ns, cause| gap(lang, &of_video(from_ns, to_ns, cause));
        let second = Some(1_000_000_000);
        let lines = [
            told(Lang::En, Some(0), second, by("camera")),
            told(Lang::En, second, None, Cause::Interrupted { cause: "power".into() }),
            told(Lang::En, None, second, Cause::Interrupted { cause: "solar-flare".into() }),
            told(Lang::Zh, Some(0), second, by("camera")),
            told(Lang::Zh, second, None, by("solar-flare")),
        ];
        assert_eq!(
            lines,
            [
                "recorded gap: video, 0:00:00.000 to 0:00:01.000: camera failed: gone",
                "recorded gap: video, from 0:00:01.000 on: power cut",
                "recorded gap: video: solar-flare",
                "已记载的中断:视频,0:00:00.000 至 0:00:01.000:摄像头故障:gone",
                "已记载的中断:视频,自 0:00:01.000 起:solar-flare:gone",
            ]
        );
    }

    #[test]
    fn a_gap_without_length_is_a_moment() {
        let cut_off = |to_ns| Gap {
            medium: None,
            from_ns: Some(4_501_000_000),
            to_ns: Some(to_ns),
            recorded: true,
            cause: Cause::Ended { cause: "recovered".into() },
        };
        let (moment, range) = (cut_off(4_501_000_000), cut_off(5_021_000_000));
        let why = "cut off, recovered at the next start";
        assert_eq!(gap(Lang::En, &moment), format!("recorded gap: recording, at 0:00:04.501: {why}"));
        assert_eq!(gap(Lang::En, &range), format!("recorded gap: recording, 0:00:04.501 to 0:00:05.021: {why}"));
        let why = "被切断,下次启动时恢复";
        assert_eq!(gap(Lang::Zh, &moment), format!("已记载的中断:整段录制,于 0:00:04.501:{why}"));
        assert_eq!(gap(Lang::Zh, &range), format!("已记载的中断:整段录制,0:00:04.501 至 0:00:05.021:{why}"));
    }

    #[test]
    fn a_gap_that_nothing_explains_is_missing() {
        let of_sound = Gap {
            medium: Some(Medium::Audio),
            from_ns: Some(1_000_000_000),
            to_ns: Some(10_500_000_000),
            recorded: false,
            cause: Cause::Pause,
        };
        let range = "0:00:01.000 to 0:00:10.500: nothing was captured, and nothing on record here says why";
        assert_eq!(gap(Lang::En, &of_sound), format!("missing: sound, {range}"));
        let range = "0:00:01.000 至 0:00:10.500:未采集到数据,此处亦无任何记载说明原因";
        assert_eq!(gap(Lang::Zh, &of_sound), format!("无记载的缺失:声音,{range}"));
    }

    #[test]
    fn what_is_missing_is_told_first_and_in_the_verdict_of_what_is_intact() {
        let lost = Cause::Lost { count: 2 };
        let recorded = Gap { medium: None, from_ns: Some(0), to_ns: Some(0), recorded: true, cause: lost };
        let unexplained = Gap { medium: Some(Medium::Video), recorded: false, cause: Cause::Pause, ..recorded.clone() };
        let report = |overall| Report {
            path: "evidence".into(),
            scope: "evidence",
            overall,
            trust: Trust::NotChecked { device: None },
            findings: Vec::new(),
            gaps: vec![recorded.clone(), unexplained.clone()],
            missing: Missing { gaps: 1, video_ns: 1_000_000, audio_ns: 0 },
            sessions: Vec::new(),
            totals: Totals::default(),
        };
        let told = text(Lang::En, &report(Overall::IntactWithGaps));
        assert!(told.starts_with("missing: video, ") && told.contains("\nrecorded gap: recording, "), "{told}");
        assert!(told.contains("intact, with gaps: 2, of which MISSING: 1 "), "{told}");
        let told = text(Lang::En, &report(Overall::Tampered));
        assert!(told.contains("Missing gaps   gaps: 1, video 0:00:00.001\n") && told.ends_with("TAMPERED"), "{told}");
    }

    #[test]
    fn what_is_missing_is_told_for_each_medium() {
        let both = Missing { gaps: 3, video_ns: 5_000_000_000, audio_ns: 1_002_000_000 };
        assert_eq!(missing(Lang::En, both), "gaps: 3, video 0:00:05.000, sound 0:00:01.002");
        assert_eq!(missing(Lang::Zh, both), "3 处,视频 0:00:05.000、声音 0:00:01.002");
        let sound = Missing { gaps: 1, video_ns: 0, ..both };
        assert_eq!(missing(Lang::En, sound), "gaps: 1, sound 0:00:01.002");
    }
}
