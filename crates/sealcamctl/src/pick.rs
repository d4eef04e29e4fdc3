// SPDX-License-Identifier: MIT OR Apache-2.0
//! Finds what is meant by the beginning of an id.

use std::fmt::Display;

use bus::{InterruptionId, SessionId};

use crate::error::CommandError;

/// What the beginning of an id may mean.
enum Picked<T> {
    None,
    One(T),
    /// Several, with commas.
    Several(String),
}

fn pick<T: Copy + Display>(ids: &[T], wanted: &str) -> Picked<T> {
    let begins = |id: &&T| !wanted.is_empty() && id.to_string().starts_with(wanted);
    let found: Vec<T> = ids.iter().filter(begins).copied().collect();
    match found[..] {
        [] => Picked::None,
        [id] => Picked::One(id),
        _ => Picked::Several(found.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
    }
}

/// The session that is meant by "last" or by the beginning of its id. The sessions come with the oldest first.
pub(crate) fn session(sessions: &[SessionId], wanted: &str) -> Result<SessionId, CommandError> {
    let picked = match (wanted, sessions.last()) {
        ("last", Some(last)) => Picked::One(*last),
        _ => pick(sessions, wanted),
    };
    let wanted = wanted.to_owned();
    match picked {
        Picked::One(id) => Ok(id),
        Picked::None => Err(CommandError::NoSession { wanted }),
        Picked::Several(matches) => Err(CommandError::AmbiguousSession { wanted, matches }),
    }
}

/// The interruption that is meant by the beginning of its id.
pub(crate) fn interruption(interruptions: &[InterruptionId], wanted: &str) -> Result<InterruptionId, CommandError> {
    let picked = pick(interruptions, wanted);
    let wanted = wanted.to_owned();
    match picked {
        Picked::One(id) => Ok(id),
        Picked::None => Err(CommandError::NoInterruption { wanted }),
        Picked::Several(matches) => Err(CommandError::AmbiguousInterruption { wanted, matches }),
    }
}
