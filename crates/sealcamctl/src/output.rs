// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where results go: one JSON document or plain text on standard output, errors as one line on standard error.

use std::io::Write;

use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use crate::error::CommandError;
use crate::exit::Exit;
use crate::text::Lang;

/// How results are written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    /// JSON instead of text.
    pub(crate) json: bool,
    /// The language of text.
    pub(crate) lang: Lang,
}

/// A failure for programs.
#[derive(Serialize)]
struct FailureDocument {
    error: FailureDetails,
}

#[derive(Serialize)]
struct FailureDetails {
    kind: &'static str,
    message: String,
    exit_code: u8,
}

impl Output {
    /// Writes a result: as JSON, or as the text that `text` makes of it.
    pub(crate) fn result<T: Serialize>(
        &self,
        value: &T,
        text: impl FnOnce(Lang, &T) -> String,
    ) -> Result<Exit, CommandError> {
        let line = if self.json { json(value)? } else { text(self.lang, value) };
        let mut stdout = std::io::stdout().lock();
        writeln!(stdout, "{line}").and_then(|()| stdout.flush()).map_err(CommandError::Output)?;
        Ok(Exit::Ok)
    }

    /// Tells a failure: as the JSON document that the result would have been, or as one line on standard error.
    pub(crate) fn failure(&self, error: &CommandError) -> Exit {
        let exit = error.exit();
        if error.is_broken_pipe() {
            return exit;
        }
        if self.json {
            let error = FailureDetails { kind: error.kind(), message: error.to_string(), exit_code: exit.code() };
            // Nobody is left to tell where this fails.
            let _ = self.result(&FailureDocument { error }, |_, _| String::new());
        } else {
            let _ = writeln!(std::io::stderr(), "{}", self.lang.error_line(error.text(self.lang)));
        }
        exit
    }
}

fn json<T: Serialize>(value: &T) -> Result<String, CommandError> {
    serde_json::to_string(value).map_err(|error| CommandError::Output(error.into()))
}

/// Lines of a label and a value, the values below each other.
pub(crate) fn labelled(lines: &[(String, String)]) -> String {
    let rows: Vec<Vec<String>> = lines.iter().map(|(label, value)| vec![label.clone(), value.clone()]).collect();
    table(&rows)
}

/// Rows with their columns below each other, two spaces apart; Chinese characters take two columns.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widest = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width()).max();
    let widths: Vec<usize> = (0..columns).map(|column| widest(column).unwrap_or(0)).collect();
    rows.iter().map(|row| line(row, &widths)).collect::<Vec<_>>().join("\n")
}

/// A text in lines of this many columns, the second and those behind it indented. Broken at spaces, and within what is wider
/// than a line.
pub(crate) fn wrapped(text: &str, width: usize, indent: usize) -> String {
    let room = width.max(indent + 10);
    let (mut lines, mut line) = (Vec::new(), String::new());
    for word in text.split_inclusive(' ') {
        let fits = |line: &String, word: &str| line.width() + word.trim_end().width() <= room;
        if !fits(&line, word) && indent + word.width() <= room {
            lines.push(std::mem::replace(&mut line, " ".repeat(indent)));
        }
        for character in word.chars() {
            if !fits(&line, character.encode_utf8(&mut [0; 4])) {
                lines.push(std::mem::replace(&mut line, " ".repeat(indent)));
            }
            line.push(character);
        }
    }
    lines.push(line);
    lines.iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n")
}

/// Items one after the other, as many in a line as fit; one that is wider than a line is wrapped.
pub(crate) fn flowed(items: &[String], width: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for item in items {
        match lines.last_mut().filter(|line| line.width() + 3 + item.width() <= width) {
            Some(line) => *line += &format!("   {item}"),
            None => lines.push(wrapped(item, width, 2)),
        }
    }
    lines.join("\n")
}

fn line(row: &[String], widths: &[usize]) -> String {
    let padded = row.iter().zip(widths).map(|(cell, width)| format!("{cell}{}", " ".repeat(width - cell.width())));
    padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_wrapped_at_spaces_and_within_what_has_none() {
        assert_eq!(wrapped("one two three four", 12, 2), "one two\n  three four");
        assert_eq!(wrapped("1 摄像头故障没有画面", 12, 2), "1 摄像头故障\n  没有画面");
        assert_eq!(wrapped("1 abcdefghijklmnopq", 12, 2), "1 abcdefghij\n  klmnopq");
        assert_eq!(wrapped("", 12, 2), "");
    }

    #[test]
    fn items_flow_into_lines() {
        let items = ["aaaa", "bb", "cc"].map(str::to_owned);
        assert_eq!(flowed(&items, 9), "aaaa   bb\ncc");
        assert_eq!(flowed(&items, 1), "aaaa\nbb\ncc");
        assert_eq!(flowed(&["one two three".to_owned()], 12), "one two\n  three");
    }

    #[test]
    fn columns_stand_below_each_other_in_chinese_too() {
        let lines = [("状态".to_owned(), "x".to_owned()), ("SHA".to_owned(), "y".to_owned())];
        assert_eq!(labelled(&lines), "状态  x\nSHA   y");
        assert_eq!(table(&[]), "");
    }
}
