// SPDX-License-Identifier: MIT OR Apache-2.0
//! The texts of the commands that speak to the recorder, in each language. The recorder's own messages are English: where
//! one says all, the English text adds nothing to it.

use bus::{AlarmKind, DeviceKind, RecorderState};

use crate::text::{Lang, messages};

messages! { MESSAGES {
    error_line(text) { en: "sealcamctl: {text}", zh: "sealcamctl 错误:{text}" }
    no_recorder(bus) {
        en: "no recorder is on the {bus} bus: start it with `systemctl start sealcamd`, or name the bus that it is on with \
             --bus or SEALCAM_BUS: session, or an address such as unix:path=/run/sealcam/bus",
        zh: "总线 {bus} 上没有录制服务:请用 `systemctl start sealcamd` 启动,或用 --bus 或 SEALCAM_BUS 指定其所在总线:\
             session,或地址(如 unix:path=/run/sealcam/bus)",
    }
    no_bus(bus, reason) {
        en: "the {bus} bus cannot be reached ({reason}): is D-Bus running? Name another bus with --bus or SEALCAM_BUS: \
             session, or an address such as unix:path=/run/sealcam/bus",
        zh: "无法连接总线 {bus}({reason}):D-Bus 是否在运行?可用 --bus 或 SEALCAM_BUS 指定其他总线:\
             session,或地址(如 unix:path=/run/sealcam/bus)",
    }
    access_denied(bus, reason) {
        en: "the {bus} bus does not allow it: ask the administrator for the right to use the recorder ({reason})",
        zh: "总线 {bus} 不允许此操作:请向管理员申请使用录制服务的权限({reason})",
    }
    bad_answer(reason) {
        en: "the recorder's answer is not understood ({reason}): are sealcamctl and sealcamd of the same version?",
        zh: "无法理解录制服务的应答({reason}):sealcamctl 与 sealcamd 版本是否一致?",
    }
    bus_failed(bus, reason) { en: "the {bus} bus: {reason}", zh: "总线 {bus} 出错:{reason}" }
    no_session(session) {
        en: "no session {session}: `sealcamctl sessions` lists those there are",
        zh: "没有录制会话 {session}:可用 `sealcamctl sessions` 列出现有会话",
    }
    ambiguous_session(wanted, matches) {
        en: "{wanted} is the beginning of several sessions: {matches}",
        zh: "有多个录制会话以 {wanted} 开头:{matches}",
    }
    no_interruption(interruption) {
        en: "no interruption {interruption}: `sealcamctl interruptions` lists those there are",
        zh: "没有中断 {interruption}:可用 `sealcamctl interruptions` 列出现有中断",
    }
    ambiguous_interruption(wanted, matches) {
        en: "{wanted} is the beginning of several interruptions: {matches}",
        zh: "有多个中断以 {wanted} 开头:{matches}",
    }
    path_failed(path, reason) { en: "{path}: {reason}", zh: "{path} 出错:{reason}" }
    output_failed(reason) { en: "standard output: {reason}", zh: "标准输出出错:{reason}" }
    runtime_failed(reason) { en: "the program cannot run: {reason}", zh: "程序无法运行:{reason}" }

    already_recording(message) { en: "{message}", zh: "正在录制:{message}" }
    not_recording(message) { en: "{message}", zh: "当前未录制:{message}" }
    invalid_option(message) { en: "{message}", zh: "选项无效:{message}" }
    device_missing(message) { en: "{message}", zh: "设备不存在:{message}" }
    device_busy(message) { en: "{message}", zh: "设备被占用:{message}" }
    device_failed(message) { en: "device failed: {message}", zh: "设备故障:{message}" }
    no_encoder(message) { en: "{message}", zh: "没有可用的编码器:{message}" }
    storage_failed(message) { en: "storage failed: {message}", zh: "存储故障:{message}" }
    shutting_down(message) { en: "{message}", zh: "录制服务正在关闭:{message}" }
    internal(message) { en: "fault in the recorder: {message}", zh: "录制服务内部错误:{message}" }
    source_unusable(message) { en: "source unusable: {message}", zh: "信号源不可用:{message}" }
    unknown_interruption(message) { en: "no such interruption: {message}", zh: "没有这一中断:{message}" }
    unknown_session(message) { en: "no such session: {message}", zh: "没有这一会话:{message}" }

    state_starting() { en: "starting", zh: "正在启动" }
    state_standby() { en: "standby", zh: "待机" }
    state_opening() { en: "opening", zh: "正在开始录制" }
    state_recording() { en: "recording", zh: "录制中" }
    state_degraded() { en: "degraded: one medium is missing", zh: "部分中断" }
    state_interrupted() { en: "interrupted: all media are missing", zh: "全部中断" }
    state_stopping() { en: "stopping", zh: "正在停止" }
    state_faulted() { en: "faulted", zh: "故障" }

    label_session() { en: "Session", zh: "录制会话" }
    label_state() { en: "State", zh: "状态" }
    label_fault() { en: "Fault", zh: "故障" }
    label_officer() { en: "Officer", zh: "执法人员" }
    label_folder() { en: "Folder", zh: "文件夹" }
    label_file() { en: "File", zh: "文件" }
    label_photo() { en: "Photo", zh: "照片" }
    label_started() { en: "Started", zh: "开始时间" }
    label_ended() { en: "Ended", zh: "结束时间" }
    label_end_cause() { en: "Ended by", zh: "结束原因" }
    label_duration() { en: "Duration", zh: "时长" }
    label_alarm() { en: "Alarm", zh: "告警" }
    label_minutes_left() { en: "Room for", zh: "剩余可录时长" }
    label_prerecord() { en: "Pre-record holds", zh: "预录缓存" }
    label_recorded_up_to() { en: "Recorded up to", zh: "已落盘至" }
    label_frames() { en: "Video frames", zh: "视频帧" }
    label_packets() { en: "Audio packets", zh: "音频包" }
    label_chunks() { en: "Chunks", zh: "数据块" }
    label_segments() { en: "Segments", zh: "分段" }
    label_size() { en: "Size", zh: "大小" }
    label_signed() { en: "Signed overhead", zh: "签名开销" }
    label_device() { en: "Device", zh: "设备" }
    label_version() { en: "Version", zh: "版本" }
    label_evidence() { en: "Evidence folder", zh: "证据文件夹" }
    label_sha256() { en: "SHA-256", zh: "SHA-256 校验值" }

    label_continues() { en: "Continues", zh: "接续会话" }
    label_interruption() { en: "Interruption", zh: "中断" }
    label_began() { en: "Began", zh: "开始时间" }
    label_missing() { en: "Missing", zh: "缺失" }
    label_cause() { en: "Cause", zh: "原因" }

    no_interruptions() { en: "No interruptions.", zh: "没有中断。" }
    interruption_line(utc, length, media, cause) {
        en: "{utc}, {length}, {media}: {cause}",
        zh: "{utc},{length},{media}:{cause}",
    }
    explained(cause, officer, told, text) {
        en: "{cause} | {officer}: {told}: {text}",
        zh: "{cause} | {officer}:{told}:{text}",
    }
    officer_unnamed() { en: "an officer", zh: "执法人员" }
    comma() { en: ", ", zh: "、" }
    not_over() { en: "not over", zh: "尚未结束" }
    entered(interruption) {
        en: "The account of interruption {interruption} is in the ledger",
        zh: "对中断 {interruption} 的说明已记入台账",
    }
    started(session) { en: "Recording: session {session}", zh: "开始录制:会话 {session}" }
    cause_stop() { en: "stop", zh: "停止" }
    cause_shutdown() { en: "shutdown", zh: "关机" }
    cause_source_ended() { en: "source ended", zh: "信号源结束" }
    cause_source_failed() { en: "source failed", zh: "信号源故障" }
    cause_storage_failed() { en: "storage failed", zh: "存储故障" }
    cause_storage_full() { en: "storage full", zh: "存储已满" }
    cause_recovered() { en: "cut off, recovered at the next start", zh: "被切断,下次启动时恢复" }
    medium_video() { en: "video", zh: "视频" }
    medium_audio() { en: "sound", zh: "声音" }
    ended(utc, cause) { en: "{utc} ({cause})", zh: "{utc}(原因:{cause})" }
    still_open() { en: "still open", zh: "尚未结束" }
    none() { en: "none", zh: "无" }
    counted_lost(count, lost) { en: "{count} ({lost} lost)", zh: "{count}(丢失 {lost})" }
    size(amount, bytes) { en: "{amount} ({bytes} bytes)", zh: "{amount}({bytes} 字节)" }
    share(bytes, percent) { en: "{bytes} bytes ({percent} %)", zh: "{bytes} 字节({percent} %)" }
    segment(file, chunks, bytes) {
        en: "{file} (chunks: {chunks}, {bytes} bytes)",
        zh: "{file}({chunks} 个数据块,{bytes} 字节)",
    }
    no_sessions() { en: "No sessions.", zh: "没有录制会话。" }
    no_devices() { en: "No cameras or microphones.", zh: "没有摄像头或麦克风。" }
    camera() { en: "camera", zh: "摄像头" }
    microphone() { en: "microphone", zh: "麦克风" }
    in_use() { en: "in use by the recorder", zh: "录制服务正在使用" }
    device_problem(problem) { en: "cannot be used: {problem}", zh: "不可用:{problem}" }
    device_format(text) { en: "format {text}", zh: "格式 {text}" }
    device_control(name, value, minimum, maximum) {
        en: "control {name} = {value} ({minimum} to {maximum})",
        zh: "控制项 {name} = {value}({minimum} 至 {maximum})",
    }
    minutes(count) { en: "{count} min", zh: "{count} 分钟" }
    unknown() { en: "unknown", zh: "未知" }
    alarm_since(alarm, detail, utc) { en: "{alarm}: {detail} (since {utc})", zh: "{alarm}:{detail}(始于 {utc})" }
    alarm_camera() { en: "camera gone", zh: "摄像头无信号" }
    alarm_microphone() { en: "microphone gone", zh: "麦克风无信号" }
    alarm_frame_rate() { en: "frame rate too low", zh: "帧率过低" }
    alarm_storage_stalled() { en: "storage stalled", zh: "存储无响应" }
    alarm_storage_failed() { en: "storage failed", zh: "存储故障" }
    alarm_storage_full() { en: "storage full", zh: "存储已满" }
    alarm_storage_low() { en: "storage nearly full", zh: "存储空间不足" }
    alarm_second_storage() { en: "no second storage left", zh: "无备用存储" }
    alarm_queue() { en: "queue overflowed", zh: "队列溢出" }
    alarm_clock() { en: "clock was set", zh: "时钟被调整" }
    alarm_power() { en: "battery nearly empty", zh: "电量不足" }
    channels(count) { en: "channels: up to {count}", zh: "最多 {count} 声道" }

    watch_state(state) { en: "State: {state}", zh: "状态:{state}" }
    watch_session(session) { en: "Current session: {session}", zh: "当前会话:{session}" }
    watch_fault(fault) { en: "Fault: {fault}", zh: "故障:{fault}" }
    watch_chunk(segment, chunk, up_to) {
        en: "Chunk {chunk} of segment {segment} recorded, up to {up_to}",
        zh: "分段 {segment} 的数据块 {chunk} 已落盘,至 {up_to}",
    }
    watch_started(session) { en: "Session {session} started", zh: "会话 {session} 已开始" }
    watch_ended(session, cause) { en: "Session {session} ended: {cause}", zh: "会话 {session} 已结束:{cause}" }
    watch_photo(file) { en: "Photo taken: {file}", zh: "已拍照:{file}" }
    watch_minutes(minutes) { en: "Room for {minutes}", zh: "剩余可录时长:{minutes}" }
    watch_alarm(alarm, detail) { en: "Alarm: {alarm} ({detail})", zh: "告警:{alarm}({detail})" }
    watch_quiet(alarm) { en: "Alarm over: {alarm}", zh: "告警解除:{alarm}" }
    watch_interrupted(interruption, session, cause) {
        en: "Interruption {interruption} of session {session} began: {cause}",
        zh: "会话 {session} 的中断 {interruption} 已开始:{cause}",
    }
    watch_resumed(interruption, session) {
        en: "Interruption {interruption} of session {session} is over",
        zh: "会话 {session} 的中断 {interruption} 已结束",
    }
    watch_appeared() { en: "The recorder is on the bus", zh: "录制服务已上线" }
    watch_gone() { en: "The recorder has left the bus", zh: "录制服务已离线" }
} }

impl Lang {
    /// The word for a state.
    pub(crate) fn state(self, state: RecorderState) -> String {
        match state {
            RecorderState::Starting => self.state_starting(),
            RecorderState::Standby => self.state_standby(),
            RecorderState::Opening => self.state_opening(),
            RecorderState::Recording => self.state_recording(),
            RecorderState::Degraded => self.state_degraded(),
            RecorderState::Interrupted => self.state_interrupted(),
            RecorderState::Stopping => self.state_stopping(),
            RecorderState::Faulted => self.state_faulted(),
        }
    }

    /// What an alarm is about, in words.
    pub(crate) fn alarm(self, kind: AlarmKind) -> String {
        match kind {
            AlarmKind::Camera => self.alarm_camera(),
            AlarmKind::Microphone => self.alarm_microphone(),
            AlarmKind::FrameRate => self.alarm_frame_rate(),
            AlarmKind::StorageStalled => self.alarm_storage_stalled(),
            AlarmKind::StorageFailed => self.alarm_storage_failed(),
            AlarmKind::StorageFull => self.alarm_storage_full(),
            AlarmKind::StorageLow => self.alarm_storage_low(),
            AlarmKind::SecondStorage => self.alarm_second_storage(),
            AlarmKind::Queue => self.alarm_queue(),
            AlarmKind::Clock => self.alarm_clock(),
            AlarmKind::Power => self.alarm_power(),
        }
    }

    /// How many minutes can still be recorded.
    pub(crate) fn minutes_left(self, minutes: Option<u64>) -> String {
        minutes.map_or_else(|| self.unknown(), |minutes| self.minutes(minutes))
    }

    /// The word for a kind of device.
    pub(crate) fn device_kind(self, kind: DeviceKind) -> String {
        match kind {
            DeviceKind::Camera => self.camera(),
            DeviceKind::Microphone => self.microphone(),
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn both_languages_say_the_same() {
        crate::text::tests::assert_translated(super::MESSAGES);
    }
}
