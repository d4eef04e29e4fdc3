// SPDX-License-Identifier: MIT OR Apache-2.0
//! Exit codes: all of them, in one place. Those of the recorder's errors are [`bus::ErrorKind::exit_code`].

use std::process::ExitCode;

use bus::ClientError;

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 0: done; for `verify`: intact.
    Ok,
    /// 1: failed, for a reason that has no code of its own.
    Failure,
    /// 3: `verify`: intact, with gaps, recorded or missing.
    IntactWithGaps,
    /// 4: `verify`: incomplete.
    Incomplete,
    /// 5: `verify`: tampered.
    Tampered,
    /// 6: `verify`: unverifiable.
    Unverifiable,
    /// 7: `verify`: the key is not trusted.
    KeyNotTrusted,
    /// 10 and above: the recorder's error.
    Bus(u8),
}

/// The exit codes as `--help` and the manual page tell them.
pub(crate) const EXIT_CODES_HELP: &str = "\
Exit status:
   0  done; verify: intact
   1  failed
   2  the command line is wrong
   3  verify: intact, with recorded gaps
   4  verify: incomplete
   5  verify: tampered
   6  verify: unverifiable
   7  verify: the key is not trusted
  10  AlreadyRecording: a session is open
  11  NotRecording: no session is open
  12  InvalidOption: the recorder refuses an option
  13  DeviceMissing: a camera or microphone is not there
  14  DeviceBusy: another program holds a camera or microphone
  15  DeviceFailed: a camera or microphone does not work
  16  NoEncoder: no configured encoder works
  17  StorageFailed: the evidence folder cannot be written or read
  18  ShuttingDown: the recorder is stopping
  19  Internal: a fault in the recorder
  20  no recorder or no bus answers
  21  the bus does not allow it
  22  SourceUnusable: a source is nothing that can be recorded
  23  UnknownInterruption: there is no such interruption
  24  UnknownSession: there is no such session";

impl Exit {
    /// The number that the shell sees.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Failure => 1,
            Self::IntactWithGaps => 3,
            Self::Incomplete => 4,
            Self::Tampered => 5,
            Self::Unverifiable => 6,
            Self::KeyNotTrusted => 7,
            Self::Bus(code) => code,
        }
    }
}

impl From<&ClientError> for Exit {
    fn from(error: &ClientError) -> Self {
        match error.exit_code() {
            1 => Self::Failure,
            code => Self::Bus(code),
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_tells_each_code_of_the_bus() {
        for kind in bus::ErrorKind::ALL {
            let line = format!("\n  {}  {}:", kind.exit_code(), kind.name());
            assert!(EXIT_CODES_HELP.contains(&line), "{line}");
        }
        for code in [bus::EXIT_NO_RECORDER, bus::EXIT_ACCESS_DENIED] {
            assert!(EXIT_CODES_HELP.contains(&format!("\n  {code}  ")), "{code}");
        }
    }
}
