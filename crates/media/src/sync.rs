// SPDX-License-Identifier: MIT OR Apache-2.0
//! Waiting between threads, always with a limit.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Locks, whatever a thread that panicked left behind.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits while `busy` holds, at most `limit`.
pub(crate) fn wait_while<'a, T>(
    guard: MutexGuard<'a, T>,
    changed: &Condvar,
    limit: Duration,
    busy: impl FnMut(&mut T) -> bool,
) -> MutexGuard<'a, T> {
    let waited = changed.wait_timeout_while(guard, limit, busy);
    waited.unwrap_or_else(PoisonError::into_inner).0
}

/// A flag that can be waited for.
#[derive(Default)]
pub(crate) struct Latch {
    set: Mutex<bool>,
    changed: Condvar,
}

impl Latch {
    pub(crate) fn set(&self) {
        *lock(&self.set) = true;
        self.changed.notify_all();
    }

    pub(crate) fn is_set(&self) -> bool {
        *lock(&self.set)
    }

    /// Whether the flag is set, waiting for it at most `limit`.
    pub(crate) fn wait(&self, limit: Duration) -> bool {
        *wait_while(lock(&self.set), &self.changed, limit, |set| !*set)
    }
}
