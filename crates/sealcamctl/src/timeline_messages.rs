// SPDX-License-Identifier: MIT OR Apache-2.0
//! The texts of a timeline, in each language.

use crate::text::messages;

messages! { TIMELINE_MESSAGES {
    lane_video() { en: "Video", zh: "视频" }
    lane_audio() { en: "Sound", zh: "声音" }
    label_time() { en: "Time", zh: "时间" }
    label_start_given() { en: "Start given", zh: "开始指令" }
    label_continued_by() { en: "Continued by", zh: "后续会话" }

    kind_recorded() { en: "recorded", zh: "已录制" }
    kind_buffered() { en: "buffered before the start was given", zh: "开始指令前的预录" }
    kind_interrupted() { en: "interrupted", zh: "中断" }
    kind_unexplained() { en: "not recorded, no interruption on record", zh: "未录制,且无中断记载" }
    kind_off() { en: "not to be recorded", zh: "未要求录制" }
    short_recorded() { en: "recorded", zh: "已录制" }
    short_buffered() { en: "buffered", zh: "预录" }
    short_interrupted() { en: "interrupted", zh: "中断" }
    short_unexplained() { en: "unexplained", zh: "原因不明" }
    short_off() { en: "not wanted", zh: "未要求" }
    sign_short(time) { en: "interrupted for less than {time}, one character", zh: "中断不足一个字符所占的 {time}" }
    sign_goes_on() { en: "goes on, not to scale", zh: "后续部分未按比例画出" }
    sign_start_given() { en: "start given", zh: "开始指令" }

    sum(kind, duration) { en: "{duration} {kind}", zh: "{kind} {duration}" }
    media_time(time, utc) { en: "{time} ({utc})", zh: "{time}({utc})" }
    numbered(number, time, length, media, cause) {
        en: "{number}  {time}, {length}, {media}: {cause}",
        zh: "{number}  {time},{length},{media}:{cause}",
    }
    stretch(medium, kind, time) { en: "{medium}: {kind}, {time}", zh: "{medium}:{kind},{time}" }
    picture_written(path) { en: "picture written to {path}", zh: "图已写入 {path}" }
    picture_title(session) { en: "Timeline of session {session}", zh: "会话 {session} 的时间线" }
} }

#[cfg(test)]
mod tests {
    #[test]
    fn every_text_is_translated() {
        crate::text::tests::assert_translated(super::TIMELINE_MESSAGES);
    }
}
