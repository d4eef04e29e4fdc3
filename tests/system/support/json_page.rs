// SPDX-License-Identifier: MIT OR Apache-2.0
//! docs/json.md as a program reads it: its sections, their tables of fields, their examples.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A row of a table: the field, or nothing where the row stands for all fields of another section.
struct Row {
    field: Option<String>,
    kind: String,
}

#[derive(Default)]
struct Section {
    rows: Vec<Row>,
    example: String,
}

/// The page, its sections by their anchors.
pub(crate) struct Page {
    sections: BTreeMap<String, Section>,
    compared: BTreeSet<String>,
}

impl Page {
    pub(crate) fn read(text: &str) -> Page {
        let (mut sections, mut anchor, mut in_example) = (BTreeMap::<String, Section>::new(), String::new(), false);
        for line in text.lines() {
            if let Some((_, title)) = line.split_once("## ").filter(|(sign, _)| ["", "#"].contains(sign)) {
                anchor = anchor_of(title);
            }
            let section = sections.entry(anchor.clone()).or_default();
            match line {
                "```json" => in_example = true,
                "```" => in_example = false,
                _ if in_example => section.example += line,
                _ if line.starts_with("| `") || line.starts_with("| all others |") => section.rows.push(row(line)),
                _ => {}
            }
        }
        sections.retain(|_, section| !section.rows.is_empty());
        Page { sections, compared: BTreeSet::new() }
    }

    /// Every field of a section, as a path from `prefix` on, with whether it may be absent.
    fn fields(&self, anchor: &str, prefix: &str) -> BTreeMap<String, bool> {
        let section = self.sections.get(anchor).unwrap_or_else(|| panic!("no section {anchor} with fields"));
        let mut fields = BTreeMap::new();
        for Row { field, kind } in &section.rows {
            let path = field.as_ref().map(|field| format!("{prefix}{field}"));
            let below = match &path {
                None => prefix.to_owned(),
                Some(path) if kind.starts_with("list") => format!("{path}[]."),
                Some(path) => format!("{path}."),
            };
            fields.extend(path.map(|path| (path, kind.contains("absent"))));
            if let Some((link, _)) = kind.split_once("](#").and_then(|(_, link)| link.split_once(')')) {
                fields.extend(self.fields(link, &below));
            }
        }
        fields
    }

    /// The names of all sections with fields.
    pub(crate) fn sections(&self) -> Vec<String> {
        self.sections.keys().cloned().collect()
    }

    /// The example of a section; empty: it has none.
    pub(crate) fn example(&self, anchor: &str) -> String {
        self.sections[anchor].example.clone()
    }

    /// The sections that were compared with something.
    pub(crate) fn compared(&self) -> &BTreeSet<String> {
        &self.compared
    }

    /// The document has the fields of the section, no more and no less.
    pub(crate) fn compare(&mut self, anchor: &str, document: &Value) {
        self.compared.insert(anchor.to_owned());
        let (fields, mut printed) = (self.fields(anchor, ""), BTreeSet::new());
        collect_paths(document, "", &mut printed);
        let unknown: Vec<_> = printed.iter().filter(|path| !fields.contains_key(*path)).collect();
        assert!(unknown.is_empty(), "{anchor}: {unknown:?} are not on the page: {document}");
        let has_parent = |path: &str| {
            let parent = path.rfind('.').map_or("", |dot| &path[..=dot]);
            printed.iter().any(|one| one.starts_with(parent))
        };
        let missing: Vec<_> =
            fields.iter().filter(|(_, may_be_absent)| !**may_be_absent).map(|(path, _)| path).collect();
        let missing: Vec<_> = missing.into_iter().filter(|path| has_parent(path) && !printed.contains(*path)).collect();
        assert!(missing.is_empty(), "{anchor}: {missing:?} are not printed: {document}");
    }
}

/// The anchor that a heading gets.
fn anchor_of(title: &str) -> String {
    title.to_lowercase().replace(',', "").replace(' ', "-")
}

fn row(line: &str) -> Row {
    let cells: Vec<_> = line.split('|').map(str::trim).collect();
    let field = cells[1].strip_prefix('`').and_then(|name| name.strip_suffix('`'));
    Row { field: field.map(str::to_owned), kind: cells[2].to_owned() }
}

fn collect_paths(value: &Value, at: &str, paths: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
                collect_paths(value, &path, paths);
                paths.insert(path);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_paths(item, &format!("{at}[]"), paths)),
        _ => {}
    }
}
