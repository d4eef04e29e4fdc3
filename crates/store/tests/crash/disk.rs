// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files and folders as a list of operations makes them. It knows nothing of power cuts.

use evidence::Hash;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// Room that is held back: large, and its content is nothing (`docs/design/storage.md`).
const RESERVE: &str = "RESERVE";

/// A file or folder, whatever its name is at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Node {
    File(u32),
    Folder(u32),
}

/// The folder below which everything stands.
pub const HOME: Node = Node::Folder(0);

/// What a program did to its files.
#[derive(Clone, Debug)]
pub enum Op {
    Write {
        file: Node,
        at: usize,
        bytes: Vec<u8>,
    },
    Resize {
        file: Node,
        length: usize,
    },
    /// Names of one folder that change together: a new one, one that goes, or both in a rename.
    Names {
        folder: Node,
        changes: Vec<(String, Option<Node>)>,
    },
    /// Everything that was done to the file or folder so far is durable.
    Sync(Node),
    /// The program spoke.
    Said(String),
}

impl Op {
    /// What it is done to.
    pub fn node(&self) -> Option<Node> {
        match self {
            Op::Write { file: node, .. } | Op::Resize { file: node, .. } => Some(*node),
            Op::Names { folder: node, .. } | Op::Sync(node) => Some(*node),
            Op::Said(_) => None,
        }
    }
}

/// Copies of it share what they have in common.
#[derive(Clone, Default)]
pub struct Disk {
    folders: BTreeMap<Node, BTreeMap<String, Node>>,
    files: BTreeMap<Node, Arc<Vec<u8>>>,
}

impl Disk {
    pub fn apply(&mut self, op: &Op) {
        match op {
            Op::Write { file, at, bytes } => self.write(*file, *at, bytes),
            Op::Resize { file, length } => self.resize(*file, *length),
            Op::Names { folder, changes } => changes.iter().for_each(|(name, node)| self.name(*folder, name, *node)),
            Op::Sync(_) | Op::Said(_) => {}
        }
    }

    pub fn write(&mut self, file: Node, at: usize, bytes: &[u8]) {
        self.extend(file, at + bytes.len());
        self.file(file)[at..at + bytes.len()].copy_from_slice(bytes);
    }

    /// Makes a file at least this long, with zeros.
    pub fn extend(&mut self, file: Node, length: usize) {
        if self.length(file) < length {
            self.resize(file, length);
        }
    }

    fn resize(&mut self, file: Node, length: usize) {
        let more = length.saturating_sub(self.length(file));
        let bytes = self.file(file);
        bytes.truncate(length);
        bytes.extend_from_slice(&vec![0; more]);
    }

    pub fn length(&self, file: Node) -> usize {
        self.files.get(&file).map_or(0, |bytes| bytes.len())
    }

    fn file(&mut self, file: Node) -> &mut Vec<u8> {
        Arc::make_mut(self.files.entry(file).or_default())
    }

    fn name(&mut self, folder: Node, name: &str, node: Option<Node>) {
        let names = self.folders.entry(folder).or_default();
        match node {
            Some(node) => names.insert(name.into(), node),
            None => names.remove(name),
        };
    }

    /// What has this path below the home.
    pub fn find(&self, path: &str) -> Option<Node> {
        let mut parts = path.split('/').filter(|part| !part.is_empty());
        parts.try_fold(HOME, |folder, name| self.folders.get(&folder)?.get(name).copied())
    }

    pub fn read(&self, path: &str) -> Option<&[u8]> {
        let node = self.find(path)?;
        Some(self.files.get(&node).map_or(&[], |bytes| bytes.as_slice()))
    }

    /// Every file by its path.
    pub fn files(&self) -> BTreeMap<String, &[u8]> {
        let mut found = BTreeMap::new();
        self.walk(HOME, "", &mut |path, node| {
            if let Node::File(_) = node {
                found.insert(path.to_owned(), self.files.get(&node).map_or(&[][..], |bytes| bytes.as_slice()));
            }
        });
        found
    }

    fn walk(&self, folder: Node, path: &str, visit: &mut impl FnMut(&str, Node)) {
        for (name, node) in self.folders.get(&folder).into_iter().flatten().filter(|(name, _)| *name != RESERVE) {
            let path = format!("{path}/{name}");
            visit(&path, *node);
            if let Node::Folder(_) = node {
                self.walk(*node, &path, visit);
            }
        }
    }

    /// The same for the same folders and files.
    pub fn fingerprint(&self) -> Hash {
        let mut text = String::new();
        self.walk(HOME, "", &mut |path, node| {
            let content = self.files.get(&node).map(|bytes| Hash::of(bytes));
            text += &format!("{path} {content:?} {}\n", matches!(node, Node::Folder(_)));
        });
        Hash::of(text.as_bytes())
    }

    /// Makes it all below a real folder.
    pub fn put_into(&self, home: &Path) {
        self.walk(HOME, "", &mut |path, node| {
            let target = home.join(path.trim_start_matches('/'));
            match node {
                Node::Folder(_) => fs::create_dir(target).unwrap(),
                Node::File(_) => fs::write(target, self.files.get(&node).map_or(&[][..], |bytes| bytes)).unwrap(),
            }
        });
    }
}
