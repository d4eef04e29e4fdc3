// SPDX-License-Identifier: MIT OR Apache-2.0
//! The options of requests: read strictly, since an option that is silently ignored is a recording made otherwise than asked.

use std::collections::HashMap;

use zbus::{OwnedVariant, Variant};

use crate::dict::Dict;
use crate::{BusError, Media, StartOptions};

/// The longest name of an officer.
pub const OFFICER_MAX_CHARACTERS: usize = 64;

const OFFICER_ALLOWED: &str = "allowed is a string (s) of 1 to 64 characters without control characters";
const MEDIA_ALLOWED: &str = "allowed is a string (s), one of \"video+audio\", \"video\", \"audio\"";

/// Reads the options of `Start`.
pub(crate) fn start(dict: &Dict) -> Result<StartOptions, BusError> {
    refuse_unknown(dict, &["officer", "media"], "allowed are officer (s), media (s)")?;
    Ok(StartOptions {
        officer: dict.get("officer").map(officer).transpose()?,
        media: dict.get("media").map(media).transpose()?,
    })
}

/// Reads the options of `TakePhoto`: there are none yet.
pub(crate) fn take_photo(dict: &Dict) -> Result<(), BusError> {
    refuse_unknown(dict, &[], "none are allowed")
}

/// Writes the options of `Start`.
pub(crate) fn write_start(options: &StartOptions) -> HashMap<&'static str, Variant<'_>> {
    let officer = options.officer.as_deref().map(|officer| ("officer", Variant::from(officer)));
    let media = options.media.map(|media| ("media", Variant::from(media.as_str())));
    officer.into_iter().chain(media).collect()
}

fn refuse_unknown(dict: &Dict, known: &[&str], allowed: &str) -> Result<(), BusError> {
    let mut unknown: Vec<&String> = dict.keys().filter(|key| !known.contains(&key.as_str())).collect();
    unknown.sort();
    match unknown.first() {
        Some(key) => Err(BusError::invalid_option(key, "is unknown", allowed)),
        None => Ok(()),
    }
}

fn string<'a>(option: &str, value: &'a OwnedVariant, allowed: &str) -> Result<&'a str, BusError> {
    match &**value {
        Variant::Str(text) => Ok(text.as_str()),
        other => {
            let problem = format!("has type {}", other.value_signature());
            Err(BusError::invalid_option(option, &problem, allowed))
        }
    }
}

fn officer(value: &OwnedVariant) -> Result<String, BusError> {
    let text = string("officer", value, OFFICER_ALLOWED)?;
    let length_ok = (1..=OFFICER_MAX_CHARACTERS).contains(&text.chars().count());
    if length_ok && !text.chars().any(char::is_control) {
        return Ok(text.to_owned());
    }
    Err(BusError::invalid_option("officer", &format!("is {text:?}"), OFFICER_ALLOWED))
}

fn media(value: &OwnedVariant) -> Result<Media, BusError> {
    let text = string("media", value, MEDIA_ALLOWED)?;
    text.parse().map_err(|_| BusError::invalid_option("media", &format!("is {text:?}"), MEDIA_ALLOWED))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dict(key: &str, value: impl Into<Variant<'static>>) -> Dict {
        HashMap::from([(key.to_owned(), value.into().try_into_owned().unwrap())])
    }

    fn refusal(key: &str, value: impl Into<Variant<'static>>) -> String {
        start(&dict(key, value)).unwrap_err().to_string()
    }

    #[test]
    fn options_go_there_and_back() {
        let options = StartOptions { officer: Some("012345".into()), media: Some(Media::Audio) };
        let sent =
            write_start(&options).into_iter().map(|(key, value)| (key.to_owned(), value.try_into_owned().unwrap()));
        assert_eq!(start(&sent.collect()), Ok(options));
        assert_eq!(start(&Dict::new()), Ok(StartOptions::default()));
    }

    #[test]
    fn each_media_is_named_where_one_is_refused() {
        for media in Media::ALL {
            assert!(MEDIA_ALLOWED.contains(media.as_str()));
        }
    }

    #[test]
    fn what_is_refused_is_named_with_what_is_allowed() {
        assert_eq!(refusal("oficer", "1"), "option \"oficer\" is unknown: allowed are officer (s), media (s)");
        assert!(refusal("officer", 12u32).starts_with("option \"officer\" has type u: allowed is a string (s)"));
        assert!(refusal("media", "4k").starts_with("option \"media\" is \"4k\": allowed is a string (s), one of"));
        assert!(refusal("officer", "").contains("1 to 64"));
        assert!(refusal("officer", "a\nb").contains("control"));
        assert!(take_photo(&dict("officer", "1")).is_err());
    }
}
