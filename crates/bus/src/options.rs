// SPDX-License-Identifier: MIT OR Apache-2.0
//! The options of requests: read strictly, since an option that is silently ignored is a recording made otherwise than asked.

use std::collections::HashMap;

use zbus::{OwnedVariant, Variant};

use crate::dict::Dict;
use crate::{BusError, ErrorKind, ExplainOptions, Media, OfficerCause, SessionId, StartOptions};

/// The longest name of an officer.
pub const OFFICER_MAX_CHARACTERS: usize = 64;

/// The longest account of an interruption.
pub const TEXT_MAX_CHARACTERS: usize = 4096;

const OFFICER_ALLOWED: &str = "allowed is a string (s) of 1 to 64 characters without control characters";
const MEDIA_ALLOWED: &str = "allowed is a string (s), one of \"video+audio\", \"video\", \"audio\"";

const SESSION_ALLOWED: &str = "allowed is an object path (o) of a session";
const CAUSE_ALLOWED: &str =
    "allowed is a string (s), one of \"damage\", \"weather\", \"obstruction\", \"place-changed\", \"other\"";
const TEXT_ALLOWED: &str =
    "allowed is a string (s) of 1 to 4096 characters that is not blank and has no control characters but line breaks";

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

/// Reads the options of `ListInterruptions`.
pub(crate) fn list_interruptions(dict: &Dict) -> Result<Option<SessionId>, BusError> {
    refuse_unknown(dict, &["session"], "allowed is session (o)")?;
    dict.get("session").map(session).transpose()
}

/// Reads the options of `Explain`.
pub(crate) fn explain(dict: &Dict) -> Result<ExplainOptions, BusError> {
    refuse_unknown(dict, &["cause", "officer", "text"], "allowed are cause (s), officer (s), text (s)")?;
    Ok(ExplainOptions {
        cause: cause(needed(dict, "cause", CAUSE_ALLOWED)?)?,
        officer: dict.get("officer").map(officer).transpose()?,
        text: account(needed(dict, "text", TEXT_ALLOWED)?)?,
    })
}

/// Writes the options of `ListInterruptions`.
pub(crate) fn write_list_interruptions(session: Option<SessionId>) -> HashMap<&'static str, Variant<'static>> {
    session.map(|session| ("session", session.object_path().into())).into_iter().collect()
}

/// Writes the options of `Explain`.
pub(crate) fn write_explain(options: &ExplainOptions) -> HashMap<&'static str, Variant<'_>> {
    let officer = options.officer.as_deref().map(|officer| ("officer", Variant::from(officer)));
    let needed = [("cause", options.cause.as_str().into()), ("text", options.text.as_str().into())];
    officer.into_iter().chain(needed).collect()
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

fn needed<'a>(dict: &'a Dict, option: &str, allowed: &str) -> Result<&'a OwnedVariant, BusError> {
    dict.get(option).ok_or_else(|| BusError::invalid_option(option, "is missing", allowed))
}

fn session(value: &OwnedVariant) -> Result<SessionId, BusError> {
    let Variant::ObjectPath(path) = &**value else {
        let problem = format!("has type {}", value.value_signature());
        return Err(BusError::invalid_option("session", &problem, SESSION_ALLOWED));
    };
    SessionId::from_object_path(path.as_str()).map_err(|error| BusError::new(ErrorKind::UnknownSession, error))
}

fn cause(value: &OwnedVariant) -> Result<OfficerCause, BusError> {
    let text = string("cause", value, CAUSE_ALLOWED)?;
    text.parse().map_err(|_| BusError::invalid_option("cause", &format!("is {text:?}"), CAUSE_ALLOWED))
}

fn account(value: &OwnedVariant) -> Result<String, BusError> {
    let text = string("text", value, TEXT_ALLOWED)?;
    let length_ok = text.chars().count() <= TEXT_MAX_CHARACTERS && !text.trim().is_empty();
    if length_ok && !text.chars().any(|c| c.is_control() && c != '\n') {
        return Ok(text.to_owned());
    }
    Err(BusError::invalid_option("text", "is too long, blank, or has control characters", TEXT_ALLOWED))
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
        assert_eq!(start(&owned(write_start(&options))), Ok(options));
        assert_eq!(start(&Dict::new()), Ok(StartOptions::default()));
    }

    #[test]
    fn each_word_is_named_where_one_is_refused() {
        for media in Media::ALL {
            assert!(MEDIA_ALLOWED.contains(media.as_str()));
        }
        for cause in OfficerCause::ALL {
            assert!(CAUSE_ALLOWED.contains(&format!("\"{cause}\"")));
        }
        assert!(TEXT_ALLOWED.contains(&TEXT_MAX_CHARACTERS.to_string()));
    }

    fn owned(sent: HashMap<&'static str, Variant<'_>>) -> Dict {
        sent.into_iter().map(|(key, value)| (key.to_owned(), value.try_into_owned().unwrap())).collect()
    }

    fn account_of(text: &str) -> ExplainOptions {
        ExplainOptions { cause: OfficerCause::PlaceChanged, officer: None, text: text.into() }
    }

    #[test]
    fn options_of_interruptions_go_there_and_back() {
        let told = account_of("The yard was closed.\nWe went on in the office.");
        assert_eq!(explain(&owned(write_explain(&told))), Ok(told.clone()));
        let told = ExplainOptions { officer: Some("012345".into()), ..told };
        assert_eq!(explain(&owned(write_explain(&told))), Ok(told));
        for session in [None, Some(SessionId::from_bytes([7; 16]))] {
            assert_eq!(list_interruptions(&owned(write_list_interruptions(session))), Ok(session));
        }
    }

    #[test]
    fn an_account_says_something_that_can_be_shown() {
        for text in ["", " \n ", "a\u{1b}[2J", &"a".repeat(TEXT_MAX_CHARACTERS + 1)] {
            let error = explain(&owned(write_explain(&account_of(text)))).unwrap_err().to_string();
            assert!(error.starts_with("option \"text\" is too long, blank"), "{error}");
        }
        explain(&owned(write_explain(&account_of(&"\u{5929}".repeat(TEXT_MAX_CHARACTERS))))).unwrap();
    }

    #[test]
    fn an_account_is_whole_or_refused() {
        let refusal = |dict: &Dict| explain(dict).unwrap_err().to_string();
        assert!(refusal(&dict("text", "why")).starts_with("option \"cause\" is missing: allowed is a string"));
        assert!(refusal(&dict("cause", "camera")).starts_with("option \"cause\" is \"camera\": allowed is a string"));
        assert!(refusal(&dict("cause", "damage")).starts_with("option \"text\" is missing"));
        assert!(refusal(&dict("media", "video")).starts_with("option \"media\" is unknown"));
    }

    #[test]
    fn a_session_is_an_object() {
        let refusal = |value: Variant<'static>| list_interruptions(&dict("session", value)).unwrap_err();
        let word = refusal("a5".into());
        assert!(word.to_string().starts_with("option \"session\" has type s: allowed is an object path"), "{word}");
        let path = zbus::ObjectPath::from_static_str_unchecked("/org/sealcam/Recorder1");
        assert_eq!(refusal(path.into()).kind(), ErrorKind::UnknownSession);
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
