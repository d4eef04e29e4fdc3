// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a verification says in words, in each language. The English is the evidence crate's own; each detail that it
//! gains has to have its Chinese here, or this does not compile. Reasons of a technical kind stay as they are.

use crate::text::Lang;
use evidence::record::Medium;
use evidence::verify::{Cause, Detail, Distrust};

impl Lang {
    /// What is wrong at one place.
    pub(crate) fn detail(self, detail: &Detail) -> String {
        match self {
            Self::En => detail.to_string(),
            Self::Zh => detail_in_chinese(detail),
        }
    }

    /// Why something was not captured.
    pub(crate) fn gap_cause(self, cause: &Cause) -> String {
        match (self, cause) {
            (_, Cause::Recorded { words }) => words.clone(),
            (_, Cause::Ended { cause }) => self.end_cause(cause),
            (Self::En, _) => cause.to_string(),
            (Self::Zh, Cause::Pause) => "未采集到数据".into(),
            (Self::Zh, Cause::Lost { count }) => format!("丢失 {count} 个"),
            (Self::Zh, Cause::MoreGaps { count }) => format!("本文件至此还有 {count} 处中断"),
        }
    }

    /// Why keys are not trusted.
    pub(crate) fn distrust(self, distrust: &Distrust) -> String {
        match (self, distrust) {
            (Self::En, _) => distrust.to_string(),
            (Self::Zh, Distrust::OtherDevice { seq, device }) => format!("条目 {seq} 属于设备 {device}"),
            (Self::Zh, Distrust::OtherKey { seq }) => format!("条目 {seq} 的签名密钥不是该设备当时的密钥"),
        }
    }

    /// Picture or sound.
    pub(crate) fn medium(self, medium: Medium) -> String {
        match medium {
            Medium::Video => self.medium_video(),
            Medium::Audio => self.medium_audio(),
        }
    }

    /// Why a session ended, by the word in its session-end entry; a word that is not known is shown as it is.
    pub(crate) fn end_cause(self, cause: &str) -> String {
        match cause {
            "stop" => self.cause_stop(),
            "shutdown" => self.cause_shutdown(),
            "source-ended" => self.cause_source_ended(),
            "source-failed" => self.cause_source_failed(),
            "storage-failed" => self.cause_storage_failed(),
            "storage-full" => self.cause_storage_full(),
            "recovered" => self.cause_recovered(),
            other => other.into(),
        }
    }

    /// Why something was not captured, by the word in its interruption entry; a word that is not known is shown as it is.
    pub(crate) fn interruption_cause(self, cause: &str) -> String {
        match cause {
            "camera" => self.interruption_camera(),
            "microphone" => self.interruption_microphone(),
            "encoder" => self.interruption_encoder(),
            "storage" => self.interruption_storage(),
            "recorder" => self.interruption_recorder(),
            "power" => self.interruption_power(),
            "battery" => self.interruption_battery(),
            "storage-full" => self.interruption_storage_full(),
            "suspend" => self.interruption_suspend(),
            "damage" => self.interruption_damage(),
            "weather" => self.interruption_weather(),
            "obstruction" => self.interruption_obstruction(),
            "place-changed" => self.interruption_place_changed(),
            "other" => self.interruption_other(),
            unknown => unknown.into(),
        }
    }
}

fn detail_in_chinese(detail: &Detail) -> String {
    match detail {
        Detail::Unreadable { reason } => format!("无法读取:{reason}"),
        Detail::NoRecord => "文件中没有任何 Sealcam 记录".into(),
        Detail::NoStart => "分段没有签名正确的会话开始条目,无从得知其密钥".into(),
        Detail::NoSegmentEnd => "分段没有结束记录:录制被切断,或仍在录制".into(),
        Detail::Tail { offset, length } => format!("自第 {offset} 字节起有 {length} 字节没有记录覆盖"),
        Detail::RecordBroken { offset, reason } => format!("第 {offset} 字节处的记录不可信:{reason}"),
        Detail::RecordKey { offset } => format!("第 {offset} 字节处的记录不是用本会话的密钥签名的"),
        Detail::OtherSession { session } => format!("属于会话 {session}"),
        Detail::OtherSegment { segment } => format!("属于第 {segment} 分段"),
        Detail::BehindSegmentEnd => "位于分段结束记录之后".into(),
        Detail::NotAfterStart => "与本文件的会话开始条目不相衔接".into(),
        Detail::OutOfOrder { seq, last } => format!("记录 {seq} 位于记录 {last} 之后"),
        Detail::NotLinked => "与前一条记录不相衔接".into(),
        Detail::NotAtOffset => "不在录制时的位置上".into(),
        Detail::BeginningRemoved => "分段的开头已不存在".into(),
        Detail::RecordsRemoved { missing } => format!("此处缺少 {missing} 条记录"),
        Detail::OutOfShape { from, to } => format!("数据结构已损坏(字节 {from}–{to})"),
        Detail::BytesAltered { from, to } => format!("数据与签名时不同(字节 {from}–{to})"),
        Detail::More { count } => format!("本文件还有 {count} 处问题"),
        Detail::StartAbsent => "此处没有会话开始的记载".into(),
        Detail::EndAbsent => "会话没有结束记载:录制被切断,或仍在录制".into(),
        Detail::SegmentOfOtherSession => "该分段属于另一会话".into(),
        Detail::SegmentsBefore { segment, missing } => format!("{segment} 之前的分段缺失,共 {missing} 条记录"),
        Detail::RecordsBetween { before, segment, missing } => {
            format!("{before} 与 {segment} 之间缺少 {missing} 条记录")
        }
        Detail::SegmentRepeats { before } => format!("与 {before} 的内容重复"),
        Detail::SegmentNotLinked { before } => format!("与 {before} 不相衔接"),
        Detail::LastRecordsAbsent { missing, records } => format!("{records} 条记录中最后 {missing} 条缺失"),
        Detail::MoreRecords => "记录多于会话结束条目所载数目".into(),
        Detail::LastRecordDiffers => "最后一条记录不是会话结束条目所指的那一条".into(),
        Detail::EntryBroken { number, reason } => format!("条目 {number} 不可信:{reason}"),
        Detail::EntryCutOff { offset } => format!("第 {offset} 字节处的条目在文件末尾被切断"),
        Detail::EntryRepeated { number } => format!("条目 {number} 与前面的条目重复"),
        Detail::NoEntry { offset, length } => format!("自第 {offset} 字节起的 {length} 字节不是条目"),
        Detail::MoreNoEntries => "非条目的内容过多,其后未再读取".into(),
        Detail::EntriesAbsent => "会话的条目文件不存在".into(),
        Detail::EntriesUnfinished => "台账中该会话的条目尚未全部写入".into(),
        Detail::EntriesAltered => "条目与台账不一致".into(),
        Detail::EntriesOutOfOrder => "条目次序错乱".into(),
        Detail::ForeignEntry { seq } => format!("其中的条目 {seq} 不属于本会话"),
        Detail::SecondEntry { seq, kind } => format!("会话有第二个 {kind} 条目(条目 {seq})"),
        Detail::EntryKey { seq, kind } => format!("条目 {seq}({kind})的签名密钥与会话开始条目的不同"),
        Detail::LedgerAbsent => "台账不存在".into(),
        Detail::LedgerEmpty => "台账是空的".into(),
        Detail::LedgerBroken { reason } => format!("台账不相衔接:{reason}"),
        Detail::RolledBack { seq } => format!("公钥历史中的条目 {seq} 不在台账中:台账被截短或被回退"),
        Detail::SessionAbsent { session } => format!("会话 {session} 在台账中,但其文件夹不存在"),
        Detail::SessionUnknown => "台账中没有这个会话".into(),
        Detail::FolderName { folder } => format!("会话文件夹的名称不当:{folder:?}"),
        Detail::FolderTaken { session } => format!("会话 {session} 指向另一会话的文件夹"),
        Detail::PhotoAbsent => "照片不存在".into(),
        Detail::PhotoAltered => "照片数据与签名时不同".into(),
        Detail::PhotoNotEntered => "录制记录载明拍了这张照片,但会话没有记载它的条目".into(),
        Detail::PhotoUnknown => "没有条目记载这张照片".into(),
        Detail::PhotoPath { seq, file } => format!("条目 {seq} 所指的照片位置不当:{file:?}"),
        Detail::SidecarAbsent => "照片的条目文件不存在".into(),
        Detail::SidecarBroken { reason } => format!("照片的条目不可信:{reason}"),
        Detail::SidecarAltered => "照片的条目与会话或台账中的不一致".into(),
        Detail::SidecarOfOtherKind { kind } => format!("其中是 {kind} 条目,不是照片条目"),
    }
}
