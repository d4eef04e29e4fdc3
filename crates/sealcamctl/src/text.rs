// SPDX-License-Identifier: MIT OR Apache-2.0
//! The languages of the output, and the form in which translations are written. The texts are in `messages`.

/// A language of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lang {
    /// English.
    En,
    /// Chinese, simplified.
    Zh,
}

impl Lang {
    /// The language that the environment asks for: `SEALCAM_LANG` first, then as the C library would.
    pub(crate) fn of_environment() -> Self {
        Self::of(|name| std::env::var(name).ok())
    }

    fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let names = ["SEALCAM_LANG", "LC_ALL", "LC_MESSAGES", "LANG"];
        let set = names.iter().filter_map(|name| variable(name)).find(|value| !value.is_empty());
        match set {
            Some(value) if value.starts_with("zh") => Self::Zh,
            _ => Self::En,
        }
    }
}

/// Text out of files, such that it cannot write on the terminal what it likes: no line breaks, no control characters,
/// nothing that turns the direction of writing.
pub(crate) fn shown(text: &str) -> String {
    let turns = |c| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let escape = |c: char| if c.is_control() || turns(c) { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(escape).collect()
}

/// Defines texts as functions of [`Lang`], each in every language; one that lacks a language does not compile, and neither does one
/// that names a parameter it does not have. The first name is that of a table for tests.
///
/// ```ignore
/// messages! { MY_TEXTS {
///     files_read(count) { en: "{count} files read", zh: "已读取 {count} 个文件" }
/// } }
/// println!("{}", lang.files_read(3));
/// ```
macro_rules! messages {
    ($table:ident { $($name:ident($($parameter:ident),*) { en: $en:literal, zh: $zh:literal $(,)? })* }) => {
        impl $crate::text::Lang {
            $(
                #[allow(clippy::useless_format)]
                pub(crate) fn $name(self $(, $parameter: impl ::std::fmt::Display)*) -> String {
                    match self {
                        Self::En => format!($en),
                        Self::Zh => format!($zh),
                    }
                }
            )*
        }

        #[cfg(test)]
        pub(crate) const $table: &[(&str, &str, &str)] = &[$((stringify!($name), $en, $zh)),*];
    };
}
pub(crate) use messages;

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn of(set: &[(&str, &str)]) -> Lang {
        Lang::of(|name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn the_first_variable_that_is_set_counts() {
        assert_eq!(of(&[]), Lang::En);
        assert_eq!(of(&[("LANG", "zh_CN.UTF-8")]), Lang::Zh);
        assert_eq!(of(&[("LANG", "zh_CN.UTF-8"), ("LC_MESSAGES", "C")]), Lang::En);
        assert_eq!(of(&[("LANG", "zh_CN.UTF-8"), ("LC_ALL", "")]), Lang::Zh);
        assert_eq!(of(&[("SEALCAM_LANG", "zh"), ("LC_ALL", "en_GB.UTF-8")]), Lang::Zh);
    }

    fn parameters(text: &str) -> BTreeSet<&str> {
        text.split('{').skip(1).filter_map(|part| part.split(['}', ':']).next()).collect()
    }

    /// Both languages say the same things, and the Chinese is Chinese.
    pub(crate) fn assert_translated(table: &[(&str, &str, &str)]) {
        for (name, en, zh) in table {
            assert_eq!(parameters(en), parameters(zh), "{name}");
            let words = en.split('{').map(|part| part.split('}').next_back().unwrap_or("")).collect::<String>();
            let has_words = words.chars().any(char::is_alphabetic);
            assert!(!has_words || zh.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)), "{name}: {zh}");
        }
    }

    #[test]
    fn a_name_cannot_write_a_verdict() {
        assert_eq!(shown("a\nVerdict  intact\u{1b}[8m.jpg"), "a\\nVerdict  intact\\u{1b}[8m.jpg");
        assert_eq!(shown("gpj.\u{202e}完"), "gpj.\\u{202e}完");
    }
}
