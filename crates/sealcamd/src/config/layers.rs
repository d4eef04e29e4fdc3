// SPDX-License-Identifier: MIT OR Apache-2.0
//! The values of the configuration and where each of them comes from: the embedded defaults, under them a file, under that
//! single settings. Knows which keys there are (those of the defaults), not what their values mean.

use super::DEFAULTS;
use super::error::{ConfigError, one_line};
use evidence::Hash;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

/// Line and column in characters, both from 1.
pub(super) type Place = (usize, usize);

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq)]
enum Origin {
    Defaults,
    File {
        path: PathBuf,
        key: Place,
        /// Of the items, if it is a list.
        items: Vec<Place>,
    },
    /// As given on the command line.
    Setting(String),
}

#[derive(Debug, Clone)]
struct Entry {
    value: Value,
    origin: Origin,
}

/// All values, by "section.key".
#[derive(Debug, Clone)]
pub(super) struct Layers(BTreeMap<String, Entry>);

impl Layers {
    pub(super) fn defaults() -> Result<Layers, ConfigError> {
        let table = values(Path::new("defaults"), DEFAULTS)?;
        let sections = table.into_iter().filter_map(|(name, section)| match section {
            Value::Table(section) => Some((name, section)),
            _ => None,
        });
        let entry = |value| Entry { value, origin: Origin::Defaults };
        let keys = sections.flat_map(|(name, section)| {
            section.into_iter().map(move |(key, value)| (format!("{name}.{key}"), entry(value)))
        });
        Ok(Layers(keys.collect()))
    }

    /// Lays a file over what is there.
    pub(super) fn lay_file(&mut self, path: &Path, text: &str) -> Result<(), ConfigError> {
        let table = values(path, text)?;
        let spans = DeTable::parse(text).map_err(|error| no_toml(path, text, &error))?;
        if let Some((at, key, problem)) = self.mistakes(spans.get_ref()).into_iter().min() {
            let (line, column) = place(text, at);
            return Err(ConfigError::File { path: path.into(), line, column, key, problem });
        }
        for (section, name, value) in leaves(spans.get_ref()) {
            let origin = Origin::File {
                path: path.into(),
                key: place(text, name.span().start),
                items: items(value).map(|at| place(text, at)).collect(),
            };
            let (section, name) = (section.get_ref().as_ref(), name.get_ref().as_ref());
            if let Some(value) = table.get(section).and_then(|section| section.get(name)) {
                self.0.insert(format!("{section}.{name}"), Entry { value: value.clone(), origin });
            }
        }
        Ok(())
    }

    /// Sections and keys that there are not: offset, key and what there is.
    fn mistakes(&self, table: &DeTable<'_>) -> Vec<(usize, String, String)> {
        let sections = table.iter().filter_map(|(name, value)| {
            let section = name.get_ref().as_ref();
            let problem = match value.get_ref() {
                _ if !self.sections().contains(&section) => self.no_section(section),
                DeValue::Table(_) => return None,
                _ => format!("it is a section: write [{section}], and its keys below"),
            };
            Some((name.span().start, format!("{section}: "), problem))
        });
        let keys = leaves(table).filter_map(|(section, name, _)| {
            let (section, key) = (section.get_ref().as_ref(), name.get_ref().as_ref());
            let known = self.0.contains_key(&format!("{section}.{key}")) || !self.sections().contains(&section);
            (!known).then(|| (name.span().start, format!("{section}.{key}: "), self.no_key(section)))
        });
        sections.chain(keys).collect()
    }

    /// Lays "section.key=value" over what is there.
    pub(super) fn set(&mut self, setting: &str) -> Result<(), ConfigError> {
        let wrong = |problem: String| ConfigError::Setting { setting: setting.into(), problem };
        let (path, text) = setting.split_once('=').ok_or_else(|| wrong("expected section.key=value".into()))?;
        let (section, _) = path.split_once('.').ok_or_else(|| wrong("expected section.key=value".into()))?;
        if !self.sections().contains(&section) {
            return Err(wrong(self.no_section(section)));
        }
        let no_key = wrong(self.no_key(section));
        let entry = self.0.get_mut(path).ok_or(no_key)?;
        let as_text = || Value::String(text.into());
        entry.value = match entry.value {
            Value::String(_) => as_text(),
            _ => text.parse().unwrap_or_else(|_| as_text()),
        };
        entry.origin = Origin::Setting(setting.into());
        Ok(())
    }

    /// A value; all that is asked for is in the defaults, as a test shows.
    pub(super) fn value(&self, key: &str) -> Result<&Value, ConfigError> {
        let missing = || ConfigError::Defaults { key: key.into(), problem: "it is missing".into() };
        self.0.get(key).map(|entry| &entry.value).ok_or_else(missing)
    }

    /// What is wrong with a value, or with one item of a list, with its place.
    pub(super) fn wrong(&self, key: &str, item: Option<usize>, problem: String) -> ConfigError {
        match self.0.get(key).map(|entry| &entry.origin) {
            Some(Origin::File { path, key: place, items }) => {
                let (line, column) = *item.and_then(|item| items.get(item)).unwrap_or(place);
                ConfigError::File { path: path.clone(), line, column, key: format!("{key}: "), problem }
            }
            Some(Origin::Setting(setting)) => ConfigError::Setting { setting: setting.clone(), problem },
            Some(Origin::Defaults) | None => ConfigError::Defaults { key: key.into(), problem },
        }
    }

    /// Whether someone chose the value.
    pub(super) fn is_chosen(&self, key: &str) -> bool {
        self.0.get(key).is_some_and(|entry| entry.origin != Origin::Defaults)
    }

    /// Whether it was given on the command line.
    pub(super) fn is_set(&self, key: &str) -> bool {
        matches!(self.0.get(key), Some(Entry { origin: Origin::Setting(_), .. }))
    }

    /// SHA-256 of the whole configuration, whatever its values come from.
    pub(super) fn hash(&self) -> Hash {
        let mut table = Table::new();
        for (path, entry) in &self.0 {
            let (section, key) = path.split_once('.').unwrap_or_default();
            let section = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
            section.as_table_mut().map(|section| section.insert(key.into(), entry.value.clone()));
        }
        Hash::of(table.to_string().as_bytes())
    }

    fn sections(&self) -> Vec<&str> {
        let mut sections: Vec<_> = self.0.keys().filter_map(|key| key.split('.').next()).collect();
        sections.dedup();
        sections
    }

    fn no_section(&self, name: &str) -> String {
        format!("there is no section {name:?}; allowed are {}", self.sections().join(", "))
    }

    fn no_key(&self, section: &str) -> String {
        let keys = self.0.keys().filter_map(|key| key.strip_prefix(section)?.strip_prefix('.'));
        format!("there is no such key; allowed are {}", keys.collect::<Vec<_>>().join(", "))
    }
}

fn values(path: &Path, text: &str) -> Result<Table, ConfigError> {
    text.parse().map_err(|error| no_toml(path, text, &error))
}

fn no_toml(path: &Path, text: &str, error: &toml::de::Error) -> ConfigError {
    let (line, column) = place(text, error.span().map_or(0, |span| span.start));
    ConfigError::File { path: path.into(), line, column, key: String::new(), problem: one_line(error.message()) }
}

type Key<'a> = Spanned<std::borrow::Cow<'a, str>>;

/// Section, key and value of everything that is in a section.
fn leaves<'t, 'i>(table: &'t DeTable<'i>) -> impl Iterator<Item = (&'t Key<'i>, &'t Key<'i>, &'t DeValue<'i>)> {
    let sections = table.iter().filter_map(|(name, value)| value.get_ref().as_table().map(|section| (name, section)));
    sections.flat_map(|(name, section)| section.iter().map(move |(key, value)| (name, key, value.get_ref())))
}

/// Where the items of a list begin.
fn items(value: &DeValue<'_>) -> impl Iterator<Item = usize> {
    value.as_array().into_iter().flat_map(|items| items.iter().map(|item| item.span().start))
}

fn place(text: &str, offset: usize) -> Place {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.rsplit('\n').next().unwrap_or_default();
    (before.matches('\n').count() + 1, line.chars().count() + 1)
}
