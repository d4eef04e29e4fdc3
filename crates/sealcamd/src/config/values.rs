// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reads single values: of the right kind and within their limits, or refused with what is allowed.

use super::error::{ConfigError, one_line};
use super::layers::Layers;
use std::path::{Component, Path, PathBuf};
use toml::Value;

/// Longest part of a value that is repeated in a message, in characters.
const SHOWN_MAX: usize = 60;

impl Layers {
    /// A whole number from `min` to `max`.
    pub(super) fn number(&self, key: &str, min: u32, max: u32) -> Result<u32, ConfigError> {
        let number = self.value(key)?.as_integer().and_then(|number| u32::try_from(number).ok());
        let fits = number.filter(|number| (min..=max).contains(number));
        fits.ok_or_else(|| self.not_allowed(key, &format!("{min} to {max}")))
    }

    /// One of these numbers.
    pub(super) fn one_of(&self, key: &str, allowed: &[u32]) -> Result<u32, ConfigError> {
        let value = self.value(key)?.as_integer();
        let found = allowed.iter().copied().find(|one| Some(i64::from(*one)) == value);
        found.ok_or_else(|| {
            let words: Vec<String> = allowed.iter().map(u32::to_string).collect();
            self.not_allowed(key, &words.join(", "))
        })
    }

    /// True or false.
    pub(super) fn flag(&self, key: &str) -> Result<bool, ConfigError> {
        self.value(key)?.as_bool().ok_or_else(|| self.not_allowed(key, "true or false"))
    }

    /// A text of which `read` makes something; else `allowed` says what is.
    pub(super) fn text<T>(
        &self,
        key: &str,
        allowed: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, ConfigError> {
        self.value(key)?.as_str().and_then(read).ok_or_else(|| self.not_allowed(key, allowed))
    }

    /// A text of a type that says itself what is wrong with it.
    pub(super) fn parsed<T>(&self, key: &str, allowed: &str) -> Result<T, ConfigError>
    where
        T: std::str::FromStr<Err: std::fmt::Display>,
    {
        let text = self.text(key, allowed, |text| Some(text.to_owned()))?;
        text.parse().map_err(|error: T::Err| self.wrong(key, None, one_line(&error.to_string())))
    }

    /// The absolute path of a folder.
    pub(super) fn folder(&self, key: &str) -> Result<PathBuf, ConfigError> {
        self.text(key, "a folder's absolute path, without '..', such as \"/var/lib/sealcam/evidence\"", |text| {
            let path = Path::new(text);
            let is_plain = path.components().all(|part| part != Component::ParentDir);
            (path.is_absolute() && is_plain && path.parent().is_some()).then(|| path.components().collect())
        })
    }

    /// The absolute path of a folder, or none where the text is empty.
    pub(super) fn folder_or_none(&self, key: &str) -> Result<Option<PathBuf>, ConfigError> {
        match self.value(key)?.as_str() {
            Some("") => Ok(None),
            _ => self.folder(key).map(Some),
        }
    }

    /// One or more whole numbers from `min` to `max`.
    pub(super) fn numbers(&self, key: &str, min: u32, max: u32) -> Result<Vec<u32>, ConfigError> {
        let allowed = format!("a list of one or more numbers from {min} to {max}, such as [{max}, {min}]");
        let Some(items) = self.value(key)?.as_array().filter(|items| !items.is_empty()) else {
            return Err(self.not_allowed(key, &allowed));
        };
        let number = |(at, item): (usize, &Value)| {
            let number = item.as_integer().and_then(|number| u32::try_from(number).ok());
            let problem = || format!("{} is not allowed; allowed are {min} to {max}", shown(item));
            let fits = number.filter(|number| (min..=max).contains(number));
            fits.ok_or_else(|| self.wrong(key, Some(at), problem()))
        };
        items.iter().enumerate().map(number).collect()
    }

    /// Some of these names, in an order of preference.
    pub(super) fn names(&self, key: &str, known: &[String]) -> Result<Vec<String>, ConfigError> {
        let Some(items) = self.value(key)?.as_array().filter(|items| !items.is_empty()) else {
            return Err(self.not_allowed(key, &self.list_of(key, known)));
        };
        let name = |(at, item): (usize, &Value)| {
            let found = known.iter().find(|name| item.as_str() == Some(name));
            let problem = || format!("{} is not allowed; allowed are {}", shown(item), known.join(", "));
            found.cloned().ok_or_else(|| self.wrong(key, Some(at), problem()))
        };
        items.iter().enumerate().map(name).collect()
    }

    fn list_of(&self, key: &str, known: &[String]) -> String {
        let example = known.iter().take(2).map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
        let on_a_command_line = format!(" (in a shell: --set '{key}=[{example}]')");
        let how = if self.is_set(key) { on_a_command_line.as_str() } else { "" };
        format!("a list of one or more of {}, such as [{example}]{how}", known.join(", "))
    }

    /// What the value is, and what it may be.
    pub(super) fn not_allowed(&self, key: &str, allowed: &str) -> ConfigError {
        match self.value(key) {
            Ok(value) => self.wrong(key, None, format!("{} is not allowed; allowed is {allowed}", shown(value))),
            Err(error) => error,
        }
    }
}

fn shown(value: &Value) -> String {
    let text = one_line(&value.to_string());
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}
