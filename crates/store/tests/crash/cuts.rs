// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a power cut may leave of a list of operations, by `docs/design/storage.md`, "What is taken for granted": all that
//! was synced, and of the rest anything that these assumptions allow.

use crate::common::footage::noise;
use crate::disk::{Disk, Node, Op};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// How the operations behind the last sync of their file or folder fare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// None arrived.
    Nothing,
    /// All arrived: also what a program leaves that is killed.
    Everything,
    /// Data arrived, names did not.
    Data,
    /// Names arrived, data did not: files are empty, or as they were.
    Names,
    /// Names and lengths arrived, data did not: files end in zeros.
    Lengths,
    /// Everything but a part of the last write.
    Torn,
    /// Everything but one of the writes to each file that others were made behind.
    Holes,
    /// To every file and folder something else happened.
    Mixed(u64),
}

/// Those that are made at every operation, before the mixed ones.
pub const BASIC: [Cut; 7] = [Cut::Nothing, Cut::Everything, Cut::Data, Cut::Names, Cut::Lengths, Cut::Torn, Cut::Holes];

/// What becomes of one operation that is not durable.
#[derive(Clone, Copy)]
enum Fate {
    Arrived,
    Lost,
    /// Of a write, this many bytes.
    Part(usize),
    /// Of a write, this many bytes, and zeros up to its length.
    Zeros(usize),
    /// Of a write, the length: what stood at this place of the storage before.
    Noise(u64),
}

/// The same numbers for the same seed (splitmix64).
pub struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// One of `range`; its beginning if it is empty.
    pub fn within(&mut self, range: Range<usize>) -> usize {
        range.start + (self.next() % range.len().max(1) as u64) as usize
    }
}

/// Operations with what is known of each.
pub struct Story {
    pub ops: Vec<Op>,
    /// Before which operation each became durable.
    durable_at: Vec<usize>,
    /// Files in which a power cut may leave anything behind what was synced.
    anything: BTreeSet<Node>,
}

impl Story {
    pub fn new(ops: Vec<Op>) -> Story {
        let mut synced: BTreeMap<Node, usize> = BTreeMap::new();
        let mut durable_at = vec![usize::MAX; ops.len()];
        for (n, op) in ops.iter().enumerate().rev() {
            let Some(node) = op.node() else { continue };
            if let Op::Sync(_) = op {
                synced.insert(node, n + 1);
            }
            durable_at[n] = synced.get(&node).copied().unwrap_or(usize::MAX);
        }
        let anything = ops.iter().flat_map(names).filter(|(name, _)| may_hold_anything(name)).map(|(_, node)| node);
        Story { anything: anything.collect(), durable_at, ops }
    }

    /// What was said before a cut.
    pub fn said(&self, cut_at: usize) -> impl Iterator<Item = &str> {
        self.ops[..cut_at].iter().filter_map(|op| match op {
            Op::Said(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// The first name that a file or folder had.
    pub fn name_of(&self, node: Node) -> &str {
        self.ops.iter().flat_map(names).find(|(_, named)| *named == node).map_or("home", |(name, _)| name)
    }

    pub fn all(&self) -> Disk {
        let mut disk = Disk::default();
        self.ops.iter().for_each(|op| disk.apply(op));
        disk
    }

    /// What a cut in front of operation `cut_at` leaves.
    pub fn cut(&self, cut_at: usize, cut: Cut) -> Disk {
        let mut disk = Disk::default();
        let is_durable = |n: &usize| self.durable_at[*n] <= cut_at;
        let (durable, pending): (Vec<_>, Vec<_>) = (0..cut_at).partition(is_durable);
        durable.iter().for_each(|n| disk.apply(&self.ops[*n]));
        let fates = self.fates(&pending, cut, cut_at);
        pending.iter().zip(fates).for_each(|(n, fate)| apply(&mut disk, &self.ops[*n], fate));
        disk
    }

    fn fates(&self, pending: &[usize], cut: Cut, cut_at: usize) -> Vec<Fate> {
        let Cut::Mixed(seed) = cut else {
            let last = pending.iter().rev().find(|n| matches!(self.ops[**n], Op::Write { .. })).copied();
            let mut random = Random(cut_at as u64);
            let holes = match cut {
                Cut::Holes => self.holes(pending, &mut random),
                _ => BTreeSet::new(),
            };
            return pending.iter().map(|n| self.fate(*n, cut, Some(*n) == last, &holes, &mut random)).collect();
        };
        let mut random = Random((cut_at as u64) << 20 | seed);
        let mut of_node: BTreeMap<Node, Vec<usize>> = BTreeMap::new();
        for n in pending {
            self.ops[*n].node().into_iter().for_each(|node| of_node.entry(node).or_default().push(*n));
        }
        let mixed: BTreeMap<usize, Fate> = of_node
            .iter()
            .flat_map(|(node, own)| own.iter().copied().zip(self.mixed(*node, own, &mut random)))
            .collect();
        pending.iter().map(|n| mixed.get(n).copied().unwrap_or(Fate::Lost)).collect()
    }

    fn fate(&self, n: usize, cut: Cut, is_last: bool, holes: &BTreeSet<usize>, random: &mut Random) -> Fate {
        let is_name = matches!(self.ops[n], Op::Names { .. });
        match cut {
            Cut::Nothing => Fate::Lost,
            Cut::Data if is_name => Fate::Lost,
            Cut::Names if !is_name => Fate::Lost,
            Cut::Lengths => Fate::Zeros(0),
            Cut::Torn if is_last => Fate::Part(random.within(0..self.length(n))),
            Cut::Holes if holes.contains(&n) => Fate::Zeros(0),
            _ => Fate::Arrived,
        }
    }

    /// One write of each file that is not its last.
    fn holes(&self, pending: &[usize], random: &mut Random) -> BTreeSet<usize> {
        let mut writes: BTreeMap<Node, Vec<usize>> = BTreeMap::new();
        for n in pending {
            if let Op::Write { file, .. } = self.ops[*n] {
                writes.entry(file).or_default().push(*n);
            }
        }
        writes.values().filter(|own| own.len() > 1).map(|own| own[random.within(0..own.len() - 1)]).collect()
    }

    /// What becomes of the operations `own` on one file or folder.
    fn mixed(&self, node: Node, own: &[usize], random: &mut Random) -> Vec<Fate> {
        let kinds = if self.anything.contains(&node) { 8 } else { 5 };
        let one = random.within(0..own.len());
        let part = random.within(0..self.length(own[one]) + 1);
        match (random.within(0..kinds), node) {
            (0, _) => vec![Fate::Lost; own.len()],
            (1, _) => vec![Fate::Arrived; own.len()],
            (2, Node::Folder(_)) => any(own, random),
            (2, _) => vec![Fate::Zeros(0); own.len()],
            (3, _) => up_to(own, one, Fate::Part(part), Fate::Lost),
            (4, _) => up_to(own, one, Fate::Zeros(0), Fate::Arrived).into_iter().rev().collect(),
            (5, _) => up_to(own, one, Fate::Zeros(part), Fate::Zeros(0)),
            (6, _) => up_to(own, one, Fate::Noise(random.next()), Fate::Arrived),
            _ => any(own, random),
        }
    }

    fn length(&self, n: usize) -> usize {
        match &self.ops[n] {
            Op::Write { bytes, .. } => bytes.len(),
            _ => 0,
        }
    }
}

/// Those before `one` arrived.
fn up_to(own: &[usize], one: usize, this: Fate, behind: Fate) -> Vec<Fate> {
    let fate = |n: usize| match n.cmp(&one) {
        std::cmp::Ordering::Less => Fate::Arrived,
        std::cmp::Ordering::Equal => this,
        std::cmp::Ordering::Greater => behind,
    };
    (0..own.len()).map(fate).collect()
}

/// Each arrived or did not.
fn any(own: &[usize], random: &mut Random) -> Vec<Fate> {
    own.iter().map(|_| if random.within(0..2) == 0 { Fate::Lost } else { Fate::Arrived }).collect()
}

fn names(op: &Op) -> Vec<(&str, Node)> {
    match op {
        Op::Names { changes, .. } => {
            changes.iter().filter_map(|(name, node)| node.map(|node| (name.as_str(), node))).collect()
        }
        _ => Vec::new(),
    }
}

/// Segments by assumption 2, the index by its own checksums.
fn may_hold_anything(name: &str) -> bool {
    name.ends_with(".mp4") || name.starts_with("index.sqlite")
}

fn apply(disk: &mut Disk, op: &Op, fate: Fate) {
    match (op, fate) {
        (_, Fate::Lost) => {}
        (Op::Write { file, at, bytes }, Fate::Part(part)) => disk.write(*file, *at, &bytes[..part]),
        (Op::Write { file, at, bytes }, Fate::Zeros(part)) => {
            disk.write(*file, *at, &bytes[..part]);
            disk.extend(*file, at + bytes.len());
        }
        (Op::Write { file, at, bytes }, Fate::Noise(seed)) => disk.write(*file, *at, &noise(seed, bytes.len())),
        _ => disk.apply(op),
    }
}
