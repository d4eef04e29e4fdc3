// SPDX-License-Identifier: MIT OR Apache-2.0
//! The daemon as systemd sees it.
//!
//! What could break: a recorder that is restarted in the middle of a recording because it does not say that it lives, or
//! that is not restarted because something else says it; a stop that systemd takes for a failure; a log without fields.

use crate::support::bench::Bench;
use crate::support::footage::live;
use crate::support::journal::Journal;
use std::path::PathBuf;

fn watched() -> Bench {
    Bench::new(live()).with_environment(vec![("WATCHDOG_USEC".into(), PathBuf::from("300000"))])
}

#[test]
fn it_tells_that_it_is_ready_that_it_lives_and_that_it_stops() {
    let bench = watched();
    let mut daemon = bench.start();
    for _ in 0..3 {
        daemon.until_told("WATCHDOG=1");
    }
    bench.ctl(&["start"]).good();
    for _ in 0..3 {
        daemon.until_told("WATCHDOG=1");
    }
    daemon.signal(rustix::process::Signal::TERM);
    daemon.until_told("STOPPING=1");
    assert_eq!(daemon.exit(), 0);
    // Behind it, nothing: systemd no longer asks.
    assert_eq!(daemon.told(), None::<String>);
}

#[test]
fn without_a_watchdog_it_says_no_more_than_it_must() {
    let bench = Bench::new(live());
    let mut daemon = bench.start();
    daemon.signal(rustix::process::Signal::TERM);
    assert_eq!(daemon.exit(), 0);
    assert_eq!(daemon.told().as_deref(), Some("STOPPING=1"));
    assert_eq!(daemon.told(), None);
}

#[test]
fn its_log_goes_to_the_journal_with_fields() {
    let bench = Bench::new(live());
    let (bench, journal) = Journal::of(bench);
    let daemon = bench.start();
    let opened = journal.until("MESSAGE", "evidence folder opened");
    assert_eq!(opened["FOLDER"], bench.evidence().display().to_string());
    assert_eq!((opened["PRIORITY"].as_str(), opened["DEVICE"].len()), ("5", 64));
    let session = bench.ctl(&["start"]).good()["session"].as_str().unwrap().to_owned();
    assert_eq!(journal.until("MESSAGE", "session begun")["SESSION"], session);
    bench.ctl(&["stop"]).good();
    let closed = journal.until("MESSAGE", "session closed");
    assert_eq!((closed["SESSION"].as_str(), closed["CAUSE"].as_str()), (session.as_str(), "stop"));
    assert_eq!(daemon.stop(), 0);
    assert_eq!(bench.log(), "", "logged twice");
}

#[test]
fn a_log_that_was_redirected_stays_where_it_was_sent() {
    let (bench, _journal) = Journal::of(Bench::new(live()));
    let bench = bench.with_environment(vec![("JOURNAL_STREAM".into(), PathBuf::from("8:1"))]);
    assert_eq!(bench.start().stop(), 0);
    assert!(bench.log().contains("evidence folder opened"), "{}", bench.log());
}
