// SPDX-License-Identifier: MIT OR Apache-2.0
//! What could break: an entry of a kind that the page knows is read although the page does not allow it, or refused although
//! it does. A second verifier would judge otherwise.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use ciborium::{Value, cbor};
use evidence::cbor as deterministic;
use evidence::entry::{Body, Entry};

const ID: [u8; 16] = [7; 16];

fn bytes(length: usize) -> Value {
    Value::Bytes(vec![7; length])
}

fn clock() -> Value {
    cbor!({"boot" => 1, "boot_id" => bytes(16), "utc" => -1, "source" => "synchronised", "error" => 0}).unwrap()
}

/// The payload of an entry.
fn payload(kind: &str, body: Value) -> Vec<u8> {
    let hash = bytes(32);
    let entry = cbor!({
        "v" => 1, "kind" => kind, "seq" => 4, "prev" => hash, "device" => bytes(32), "clock" => clock(), "body" => body,
    });
    deterministic::encode_value(&entry.unwrap()).unwrap()
}

/// Whether this is an entry of a kind that is known.
fn is_entry(kind: &str, body: &Value) -> bool {
    let Ok(entry) = Entry::decode(&payload(kind, body.clone())) else { return false };
    assert!(!matches!(entry.body, Body::Other(..)) && entry.body.kind() == kind, "{kind} is not known");
    true
}

/// The map with one key set, or taken away.
fn with(body: &Value, key: &str, value: Option<Value>) -> Value {
    let Value::Map(pairs) = body else { panic!("no map") };
    let others = pairs.iter().filter(|(other, _)| other.as_text() != Some(key)).cloned();
    Value::Map(others.chain(value.map(|value| (key.into(), value))).collect())
}

/// A body that is right · a key of it · values that are right as well · values that are not.
fn check(kind: &str, good: &Value, key: &str, right: &[Value], wrong: &[Value]) {
    let written = Entry::decode(&payload(kind, good.clone())).unwrap().encode().unwrap();
    assert_eq!(written, payload(kind, good.clone()), "{kind}");
    for value in right {
        assert!(is_entry(kind, &with(good, key, Some(value.clone()))), "{kind} {key} {value:?}");
    }
    for value in wrong {
        assert!(!is_entry(kind, &with(good, key, Some(value.clone()))), "{kind} {key} {value:?}");
    }
    assert!(!is_entry(kind, &with(good, key, Some(Value::Null))), "{kind} {key} null");
    assert!(is_entry(kind, &with(good, "more", Some(Value::Null))), "{kind} and more");
}

fn array(items: &[&str]) -> Value {
    Value::Array(items.iter().map(|item| (*item).into()).collect())
}

#[test]
fn interruptions_are_read_as_the_page_has_them() {
    let good = cbor!({
        "id" => bytes(16), "session" => bytes(16), "cause" => "camera", "known" => "device",
        "media" => ["video"], "from" => clock(), "detail" => "",
    })
    .unwrap();
    let kind = "interruption";
    for key in ["id", "session"] {
        check(kind, &good, key, &[], &[bytes(15), bytes(17), array(&[]), "7".into()]);
    }
    check(kind, &good, "cause", &["".into(), "solar-flare".into()], &[bytes(3), 1.into()]);
    check(kind, &good, "known", &["officer".into()], &["".into(), "Device".into(), "nobody".into()]);
    let media = |words: &[&[&str]]| words.iter().map(|words| array(words)).collect::<Vec<_>>();
    let right = media(&[&["audio"], &["video", "audio"]]);
    let wrong = media(&[&[], &["audio", "video"], &["video", "video"], &["smell"], &["video", "audio", "audio"]]);
    check(kind, &good, "media", &right, &wrong);
    check(kind, &good, "media", &[], &["video".into()]);
    let clocks = ["boot", "boot_id", "utc", "source", "error"].map(|key| with(&clock(), key, None));
    check(kind, &good, "from", &[with(&clock(), "more", Some(1.into()))], &clocks);
    check(kind, &good, "detail", &["暴雨".into()], &[1.into()]);
    for key in ["id", "session", "cause", "known", "media", "from", "detail"] {
        assert!(!is_entry(kind, &with(&good, key, None)), "without {key}");
    }
}

#[test]
fn what_follows_an_interruption_is_read_as_the_page_has_it() {
    let end = cbor!({"id" => bytes(16), "session" => bytes(16), "to" => clock()}).unwrap();
    check("interruption-end", &end, "to", &[], &[1.into(), with(&clock(), "boot", Some((-1).into()))]);
    let note = cbor!({"id" => bytes(16), "cause" => "other", "officer" => "", "text" => ""}).unwrap();
    check("interruption-note", &note, "text", &["x".into()], &[bytes(1)]);
    let step = cbor!({"step" => -5}).unwrap();
    let far = [i64::MAX.into(), i64::MIN.into()];
    check("clock-step", &step, "step", &far, &[u64::MAX.into(), "5".into()]);
    for (kind, body, keys) in [
        ("interruption-end", &end, &["id", "session", "to"][..]),
        ("interruption-note", &note, &["id", "cause", "officer", "text"]),
        ("clock-step", &step, &["step"]),
    ] {
        keys.iter().for_each(|key| assert!(!is_entry(kind, &with(body, key, None)), "{kind} without {key}"));
    }
}

#[test]
fn what_start_and_end_may_have_is_absent_or_has_its_type() {
    let start = cbor!({
        "session" => bytes(16), "public" => bytes(32), "algorithm" => "ed25519", "folder" => "f", "officer" => "",
        "label" => "", "sources" => Value::Array(Vec::new()), "zero" => 0,
    })
    .unwrap();
    check("session-start", &start, "pressed", &[0.into(), u64::MAX.into()], &[(-1).into(), "1".into()]);
    check("session-start", &start, "continues", &[bytes(16)], &[bytes(15), "x".into()]);
    let end = cbor!({
        "session" => bytes(16), "cause" => "storage-full", "segments" => 1, "chunks" => 1, "records" => 2,
        "last" => bytes(32),
    })
    .unwrap();
    check("session-end", &end, "pressed", &[0.into()], &[(-1).into(), bytes(8)]);
}

#[test]
fn only_what_belongs_to_a_session_names_it() {
    let body = |kind: &str, value: Value| Entry::decode(&payload(kind, value)).unwrap().body;
    let session = Some(evidence::SessionId(ID));
    let end = cbor!({"id" => bytes(16), "session" => bytes(16), "to" => clock()}).unwrap();
    assert_eq!(body("interruption-end", end).session(), session);
    let note =
        cbor!({"id" => bytes(16), "cause" => "", "officer" => "", "text" => "", "session" => bytes(16)}).unwrap();
    assert_eq!(body("interruption-note", note).session(), None);
    assert_eq!(body("clock-step", cbor!({"step" => 1, "session" => bytes(16)}).unwrap()).session(), None);
    assert_eq!(body("of-tomorrow", cbor!({"session" => bytes(16)}).unwrap()).session(), session);
}
