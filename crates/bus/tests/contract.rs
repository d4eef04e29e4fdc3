// SPDX-License-Identifier: MIT OR Apache-2.0
//! What could break: the code and the XML of the contract drift apart. Shows as a member that one has and the other has not,
//! or has with another type, direction, access or annotation.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::BTreeSet;

use common::{Bench, ended_session, session_id};
use roxmltree::{Document, Node, ParsingOptions};

const EMITS_CHANGED: &str = "org.freedesktop.DBus.Property.EmitsChangedSignal";

/// Each member of an interface as one line; argument order is in the line.
fn members(xml: &str, interface: &str) -> BTreeSet<String> {
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    let document = Document::parse_with_options(xml, options).unwrap();
    let interface = document
        .descendants()
        .find(|node| node.has_tag_name("interface") && node.attribute("name") == Some(interface))
        .unwrap_or_else(|| panic!("no {interface} in {xml}"));
    interface.children().filter(Node::is_element).map(|node| member(&node)).collect()
}

fn member(node: &Node<'_, '_>) -> String {
    let name = node.attribute("name").unwrap_or("?");
    match node.tag_name().name() {
        "property" => {
            let (kind, access) = (node.attribute("type"), node.attribute("access"));
            format!("property {name} {kind:?} {access:?} {:?}", annotations(node))
        }
        kind => format!("{kind} {name} ({}) {:?}", arguments(node, kind), annotations(node)),
    }
}

/// The default direction is "in" for methods and "out" for signals.
fn arguments(node: &Node<'_, '_>, kind: &str) -> String {
    let default = if kind == "signal" { "out" } else { "in" };
    let one = |argument: Node<'_, '_>| {
        let direction = argument.attribute("direction").unwrap_or(default);
        format!("{direction} {:?} {:?}", argument.attribute("name"), argument.attribute("type"))
    };
    node.children().filter(|child| child.has_tag_name("arg")).map(one).collect::<Vec<_>>().join(", ")
}

/// All but what is the default anyway.
fn annotations(node: &Node<'_, '_>) -> BTreeSet<(String, String)> {
    let pair = |child: Node<'_, '_>| {
        (
            child.attribute("name").unwrap_or_default().to_owned(),
            child.attribute("value").unwrap_or_default().to_owned(),
        )
    };
    let found = node.children().filter(|child| child.has_tag_name("annotation")).map(pair);
    found.filter(|(name, value)| !(name == EMITS_CHANGED && value == "true")).collect()
}

async fn introspect(bench: &Bench, path: &str) -> String {
    let (ok, xml, error) = bench
        .bus
        .busctl(&["call", "--json=short", bus::BUS_NAME, path, "org.freedesktop.DBus.Introspectable", "Introspect"])
        .await;
    assert!(ok, "{error}");
    let answer: serde_json::Value = serde_json::from_str(&xml).unwrap();
    answer["data"][0].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_live_recorder_is_what_the_xml_says() {
    let bench = Bench::start().await;
    let live = introspect(&bench, bus::RECORDER_PATH).await;
    assert_eq!(members(&live, bus::RECORDER_INTERFACE), members(bus::RECORDER_XML, bus::RECORDER_INTERFACE));
    assert!(live.contains("org.freedesktop.DBus.ObjectManager"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_session_is_what_the_xml_says() {
    let bench = Bench::with_sessions(vec![ended_session(1)]).await;
    let live = introspect(&bench, session_id(1).object_path().as_str()).await;
    assert_eq!(members(&live, bus::SESSION_INTERFACE), members(bus::SESSION_XML, bus::SESSION_INTERFACE));
}

#[test]
fn the_comparison_sees_each_kind_of_change() {
    let changes = [
        ("name=\"Stop\"", "name=\"Halt\""),
        ("name=\"sha256\" type=\"ay\" direction=\"out\"", "name=\"sha256\" type=\"ay\" direction=\"in\""),
        ("name=\"options\" type=\"a{sv}\"", "name=\"options\" type=\"a{ss}\""),
        ("name=\"utc_ns\" type=\"x\"", "name=\"utc_ns\" type=\"t\""),
        ("name=\"State\" type=\"s\" access=\"read\"", "name=\"State\" type=\"s\" access=\"readwrite\""),
        ("value=\"const\"", "value=\"false\""),
        ("name=\"recorded_up_to_ns\"", "name=\"recorded_ns\""),
        ("name=\"Alarms\" type=\"aa{sv}\"", "name=\"Alarms\" type=\"a{sv}\""),
        ("<signal name=\"AlarmQuiet\">", "<signal name=\"AlarmOver\">"),
    ];
    for (before, after) in changes {
        assert!(bus::RECORDER_XML.contains(before), "{before}");
        let changed = bus::RECORDER_XML.replacen(before, after, 1);
        let original = members(bus::RECORDER_XML, bus::RECORDER_INTERFACE);
        assert_ne!(members(&changed, bus::RECORDER_INTERFACE), original, "{before} -> {after}");
    }
}
