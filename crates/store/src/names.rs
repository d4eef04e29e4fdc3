// SPDX-License-Identifier: MIT OR Apache-2.0
//! File names made from a template.

use evidence::SessionId;
use evidence::time::UtcNs;
use jiff::Timestamp;

/// Longest value put in for a variable, in characters.
const MAX_VALUE: usize = 40;

/// The template that is used unless the configuration has another.
pub const DEFAULT_TEMPLATE: &str = "{device}_{officer}_{utc}_{number}";

const VARIABLES: [&str; 5] = ["{device}", "{officer}", "{utc}", "{number}", "{session}"];

/// Why a template cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// It has no number, so names would not differ.
    #[error("the template needs {{number}}, so that names differ")]
    NoNumber,
    /// It has something in braces that is no variable.
    #[error("{0:?} is no variable; allowed are {{device}} {{officer}} {{utc}} {{number}} {{session}}")]
    Unknown(String),
    /// It has a character that cannot be in a file name everywhere.
    #[error("{0:?} is not allowed in a file name; use letters, digits, '-', '_' and '.'")]
    Character(char),
}

/// A checked template for segment and photo names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(String);

impl std::str::FromStr for Template {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Template, TemplateError> {
        if !text.contains("{number}") {
            return Err(TemplateError::NoNumber);
        }
        let plain = VARIABLES.iter().fold(text.to_owned(), |text, variable| text.replace(variable, ""));
        if let Some(at) = plain.find(['{', '}']) {
            let end = plain[at..].find('}').map_or(plain.len(), |n| at + n + 1);
            return Err(TemplateError::Unknown(plain[at..end].to_owned()));
        }
        match plain.chars().find(|c| !is_safe(*c) && *c != '.') {
            Some(c) => Err(TemplateError::Character(c)),
            None => Ok(Template(text.to_owned())),
        }
    }
}

impl Template {
    /// The name, without an extension, of file `number` that begins at `utc`.
    #[must_use]
    pub fn name(&self, device: &str, officer: &str, session: Option<SessionId>, utc: UtcNs, number: u32) -> String {
        let session = session.map_or_else(|| "none".into(), |id| id.to_string());
        let name = self.0.replace("{device}", &safe(device)).replace("{officer}", &safe(officer));
        name.replace("{utc}", &compact(utc)).replace("{session}", &session).replace("{number}", &format!("{number:04}"))
    }
}

/// The name of a session's folder.
#[must_use]
pub fn session_folder(session: SessionId, utc: UtcNs) -> String {
    format!("{}_{}", compact(utc), &session.to_string()[..8])
}

/// UTC as `20261121T041500Z`.
#[must_use]
pub fn compact(utc: UtcNs) -> String {
    let time = Timestamp::from_nanosecond(i128::from(utc.0)).unwrap_or_default();
    time.strftime("%Y%m%dT%H%M%SZ").to_string()
}

fn safe(value: &str) -> String {
    let kept: String = value.chars().take(MAX_VALUE).map(|c| if is_safe(c) { c } else { '-' }).collect();
    if kept.is_empty() { "none".into() } else { kept }
}

fn is_safe(c: char) -> bool {
    c.is_alphanumeric() || c == '-' || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_every_part_and_cannot_leave_its_folder() {
        let template: Template = DEFAULT_TEMPLATE.parse().unwrap();
        let utc = UtcNs(1_795_234_500_000_000_000);
        assert_eq!(template.name("SC-1", "../张三", None, utc, 7), "SC-1_---张三_20261121T041500Z_0007");
        assert_eq!(template.name("SC-1", "", None, utc, 7), "SC-1_none_20261121T041500Z_0007");
    }

    #[test]
    fn wrong_templates_are_refused_with_what_is_wrong() {
        assert_eq!("{device}".parse::<Template>(), Err(TemplateError::NoNumber));
        assert_eq!("{number}{dvice}".parse::<Template>(), Err(TemplateError::Unknown("{dvice}".into())));
        assert_eq!("a/{number}".parse::<Template>(), Err(TemplateError::Character('/')));
    }
}
