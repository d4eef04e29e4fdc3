// SPDX-License-Identifier: MIT OR Apache-2.0
//! The texts of the commands that read recorded files themselves, in each language.

use crate::text::messages;

messages! { FILE_MESSAGES {
    label_path() { en: "Verified", zh: "校验对象" }
    label_content() { en: "Content", zh: "内容" }
    label_scope() { en: "Judged", zh: "校验范围" }
    scope_segment() { en: "one segment, without its session and the ledger", zh: "单个分段,未对照会话与台账" }
    scope_session() { en: "one session by its own copies, without the ledger", zh: "单个会话,以其自身副本为据,未对照台账" }
    scope_photo() { en: "one photo, without the ledger", zh: "单张照片,未对照台账" }
    label_photos() { en: "Photos", zh: "照片" }
    label_keys() { en: "Keys", zh: "密钥" }
    label_missing_gaps() { en: "Missing gaps", zh: "无记载的缺失" }
    label_verdict() { en: "Verdict", zh: "结论" }
    label_entry() { en: "Entry", zh: "条目" }
    label_since() { en: "Since", zh: "启用时间" }
    label_reason() { en: "Reason", zh: "原因" }
    label_public_key() { en: "Public key", zh: "公钥" }

    verified_content(sessions, segments, chunks, size) {
        en: "sessions: {sessions}, segments: {segments}, chunks: {chunks}, {size}",
        zh: "{sessions} 个录制会话,{segments} 个分段,{chunks} 个数据块,{size}",
    }
    and_more(count) { en: "and {count} more (--json has them all)", zh: "另有 {count} 处(--json 列出全部)" }
    finding_line(problem, place, detail) { en: "{problem}: {place}: {detail}", zh: "{problem}:{place}:{detail}" }
    at_chunk(chunk) { en: ", chunk {chunk}", zh: ",数据块 {chunk}" }
    at_time(time) { en: ", {time}", zh: ",{time}" }
    range(from, to) { en: "{from} to {to}", zh: "{from} 至 {to}" }
    moment(time) { en: "at {time}", zh: "于 {time}" }
    whole_recording() { en: "recording", zh: "整段录制" }
    gap_line(medium, time, cause) {
        en: "recorded gap: {medium}, {time}: {cause}",
        zh: "已记载的中断:{medium},{time}:{cause}",
    }
    gap_line_from(medium, from, cause) {
        en: "recorded gap: {medium}, from {from} on: {cause}",
        zh: "已记载的中断:{medium},自 {from} 起:{cause}",
    }
    gap_line_elsewhere(medium, cause) { en: "recorded gap: {medium}: {cause}", zh: "已记载的中断:{medium}:{cause}" }
    missing_line(medium, time, cause) {
        en: "missing: {medium}, {time}: {cause}, and nothing on record here says why",
        zh: "无记载的缺失:{medium},{time}:{cause},此处亦无任何记载说明原因",
    }
    interruption_because(cause, detail) { en: "{cause}: {detail}", zh: "{cause}:{detail}" }
    interruption_camera() { en: "camera failed", zh: "摄像头故障" }
    interruption_microphone() { en: "microphone failed", zh: "麦克风故障" }
    interruption_encoder() { en: "encoder failed", zh: "编码器故障" }
    interruption_storage() { en: "storage failed", zh: "存储故障" }
    interruption_recorder() { en: "recorder failed", zh: "录制程序故障" }
    interruption_power() { en: "power cut", zh: "断电" }
    interruption_battery() { en: "battery exhausted", zh: "电池耗尽" }
    interruption_storage_full() { en: "storage full", zh: "存储已满" }
    interruption_suspend() { en: "machine asleep", zh: "系统休眠" }
    interruption_damage() { en: "damage", zh: "设备损坏" }
    interruption_weather() { en: "weather", zh: "天气情况恶劣" }
    interruption_obstruction() { en: "obstruction by persons", zh: "现场有关人员阻挠" }
    interruption_place_changed() { en: "place of inspection changed", zh: "检查场所变化" }
    interruption_other() { en: "other cause", zh: "其他原因" }

    verdict_intact() { en: "intact", zh: "完整无改动" }
    verdict_gaps() { en: "intact, with recorded gaps", zh: "无改动,含已记载的中断" }
    verdict_missing(gaps, missing) {
        en: "intact, with gaps: {gaps}, of which MISSING: {missing} (nothing on record here says why)",
        zh: "无改动,含中断 {gaps} 处,其中 {missing} 处为无记载的缺失",
    }
    missing_gaps(count, lengths) { en: "gaps: {count}, {lengths}", zh: "{count} 处,{lengths}" }
    between_lengths() { en: ", ", zh: "、" }
    missing_length(medium, length) { en: "{medium} {length}", zh: "{medium} {length}" }
    verdict_incomplete() { en: "incomplete", zh: "不完整" }
    verdict_tampered() { en: "TAMPERED", zh: "已被改动" }
    verdict_unverifiable() { en: "unverifiable", zh: "无法校验" }

    keys_trusted(device) { en: "trusted, device {device}", zh: "可信,设备 {device}" }
    keys_not_checked(device) {
        en: "not checked (give --key); the files name device {device}",
        zh: "未核对(可用 --key 指定);文件所载设备为 {device}",
    }
    keys_none() { en: "not checked; the files name no device", zh: "未核对;文件未载明设备" }
    keys_too_old(device) {
        en: "TOO OLD: the key file of device {device} was exported before this was recorded",
        zh: "公钥文件过旧:设备 {device} 的公钥文件导出于本次录制之前",
    }
    keys_not_trusted(reason) { en: "NOT TRUSTED: {reason}", zh: "不可信:{reason}" }
    keys_exported(count, device, path) {
        en: "written to {path}: device {device}, public keys: {count}",
        zh: "设备 {device} 的 {count} 个公钥已写入 {path}",
    }

    problem_altered() { en: "altered", zh: "被改动" }
    problem_forged() { en: "forged", zh: "伪造" }
    problem_misplaced() { en: "misplaced", zh: "位置不符" }
    problem_removed() { en: "removed", zh: "被删除" }
    problem_absent() { en: "absent", zh: "缺失" }
    problem_unfinished() { en: "unfinished", zh: "未正常结束" }
    problem_unsigned() { en: "unsigned", zh: "未签名" }
    problem_unverifiable() { en: "unverifiable", zh: "无法校验" }

    rebuilt(entries, sessions) {
        en: "index rebuilt: ledger entries: {entries}, sessions: {sessions}",
        zh: "已由 {entries} 条台账条目和 {sessions} 个录制会话重建索引",
    }
    rule_ledger() { en: "the ledger is one unbroken chain under its keys", zh: "台账在其密钥之下是一条不断的链" }
    rule_folders() {
        en: "every session in the ledger has its folder, and every folder its session",
        zh: "台账中的每个会话都有其文件夹,每个文件夹都有其会话",
    }
    rule_records() {
        en: "every session's records are one unbroken chain from its start to its end",
        zh: "每个会话的记录从开始到结束是一条不断的链",
    }
    rule_bytes() { en: "every byte of a segment is covered by a record", zh: "分段的每个字节都有记录覆盖" }
    rule_photos() {
        en: "every photo is the one its entry names, and every entry has its photo",
        zh: "每张照片都是其条目所指的那张,每个条目都有其照片",
    }
    rule_ends() {
        en: "every session but one that is being recorded has an end",
        zh: "除正在录制的会话外,每个会话都有结束记载",
    }
    rule_index() { en: "the index is what the files give", zh: "索引与文件一致" }
    rule_chunks() { en: "no chunk is longer than a second", zh: "没有超过一秒的数据块" }
    rule_interruptions() {
        en: "every interruption begins once, and is over in a session that has an end",
        zh: "每次中断只开始一次;会话已结束的,其中断也已结束",
    }
    holds() { en: "holds", zh: "成立" }
    violated() { en: "VIOLATED", zh: "不成立" }
    history_failed(path, reason) {
        en: "{path}: {reason}: export the keys anew with `sealcamctl key export FILE`",
        zh: "{path} 出错:{reason}:请用 `sealcamctl key export FILE` 重新导出公钥",
    }
    no_history(path) {
        en: "{path}: this is no key history: `sealcamctl key export FILE` makes one",
        zh: "{path} 不是公钥历史:请用 `sealcamctl key export FILE` 导出",
    }
} }

#[cfg(test)]
mod tests {
    use super::FILE_MESSAGES;
    use crate::text::tests::assert_translated;

    #[test]
    fn every_text_is_translated() {
        assert_translated(FILE_MESSAGES);
    }
}
