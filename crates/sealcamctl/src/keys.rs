// SPDX-License-Identifier: MIT OR Apache-2.0
//! `key`: shows and exports the device's public key history. No private key is ever read.

use crate::cli::{KeyArgs, KeyCommand};
use crate::error::CommandError;
use crate::exit::Exit;
use crate::output::{Output, labelled, table};
use crate::text::Lang;
use crate::units::utc;
use evidence::entry::Body;
use evidence::history::KeyHistory;
use evidence::ledger::SignedEntry;
use serde::Serialize;
use std::io::Write;
use std::path::Path;

#[derive(Serialize)]
struct Document {
    device: String,
    keys: Vec<Key>,
}

#[derive(Serialize)]
struct Key {
    from_entry: u64,
    utc_ns: i64,
    reason: String,
    public: String,
}

/// Shows or exports the device's public keys.
pub(crate) fn key(arguments: &KeyArgs, output: &Output) -> Result<Exit, CommandError> {
    let history = store::read_history(&arguments.evidence)?;
    match &arguments.command {
        KeyCommand::Show => output.result(&document(&history), text),
        KeyCommand::Export { file: Some(path) } => export(&history, path, output),
        KeyCommand::Export { file: None } => {
            std::io::stdout().write_all(&history.encode()).map_err(CommandError::Output)?;
            Ok(Exit::Ok)
        }
    }
}

fn export(history: &KeyHistory, path: &Path, output: &Output) -> Result<Exit, CommandError> {
    std::fs::write(path, history.encode()).map_err(|source| CommandError::Path { path: path.into(), source })?;
    output.result(&document(history), |lang, document| {
        lang.keys_exported(document.keys.len(), &document.device, path.display())
    })
}

fn document(history: &KeyHistory) -> Document {
    Document { device: history.device().to_string(), keys: history.entries().iter().filter_map(key_of).collect() }
}

fn key_of(signed: &SignedEntry) -> Option<Key> {
    let Body::Key(body) = &signed.entry.body else { return None };
    Some(Key {
        from_entry: signed.entry.seq,
        utc_ns: signed.entry.clock.utc_ns.0,
        reason: body.reason.clone(),
        public: body.public.to_string(),
    })
}

fn text(lang: Lang, document: &Document) -> String {
    let header = vec![lang.label_entry(), lang.label_since(), lang.label_reason(), lang.label_public_key()];
    let rows = document
        .keys
        .iter()
        .map(|key| vec![key.from_entry.to_string(), utc(key.utc_ns), key.reason.clone(), key.public.clone()]);
    let rows: Vec<_> = std::iter::once(header).chain(rows).collect();
    format!("{}\n{}", labelled(&[(lang.label_device(), document.device.clone())]), table(&rows))
}
