// SPDX-License-Identifier: MIT OR Apache-2.0
//! The way to the disk: fragments wait in the outbox, then with ledger entries in the writer's orders; one write is in hand
//! at a time, and what it writes is durable when it returns.

use crate::capture::Fragment;
use crate::disk::Body;
use crate::plan::{ORDERS_FRAGMENTS_MAX, OUTBOX_FRAGMENTS_MAX};
use recorder::Cause;
use std::collections::VecDeque;

/// What the writer is to write.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    /// A chunk and its record.
    Fragment(Fragment),
    /// A session's start.
    Open,
    /// An entry of the ledger.
    Entry(Body),
    /// A session's end.
    Close(Cause),
}

impl Order {
    fn fragment(&self) -> Option<&Fragment> {
        if let Order::Fragment(fragment) = self { Some(fragment) } else { None }
    }
}

/// The write in hand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Write {
    pub(crate) number: u64,
    pub(crate) order: Order,
    pub(crate) began_ns: u64,
}

/// The writer and what waits for it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Writer {
    outbox: VecDeque<Fragment>,
    orders: VecDeque<Order>,
    fragments_ordered: usize,
    entries_ordered: usize,
    pub(crate) in_hand: Option<Write>,
    writes: u64,
    /// A write of this session failed: no more of its chunks are written.
    pub(crate) is_broken: bool,
    /// A write has not returned for a second, and the machine knows.
    pub(crate) is_stall_told: bool,
    /// The number of the session in hand.
    pub(crate) session: u64,
    /// How many of its chunks were taken …
    pub(crate) taken: u64,
    /// … and are durable.
    pub(crate) written: u64,
}

impl Writer {
    /// A session begins.
    pub(crate) fn begin_session(&mut self, session: u64) {
        (self.session, self.is_broken, self.taken, self.written) = (session, false, 0, 0);
    }

    /// Whether the outbox takes another fragment.
    pub(crate) fn has_room(&self) -> bool {
        self.is_broken || self.outbox.len() < OUTBOX_FRAGMENTS_MAX
    }

    /// Takes a fragment; one that would not be written any more is gone.
    pub(crate) fn put(&mut self, fragment: Fragment) {
        self.taken += 1;
        if !self.is_broken {
            self.outbox.push_back(fragment);
            self.refill();
        }
    }

    pub(crate) fn order(&mut self, order: Order) {
        self.entries_ordered += 1;
        self.orders.push_back(order);
    }

    /// Takes the next order in hand, if there is none.
    pub(crate) fn take(&mut self, now_ns: u64) -> Option<Write> {
        if self.in_hand.is_some() {
            return None;
        }
        let order = self.orders.pop_front()?;
        match order {
            Order::Fragment(_) => self.fragments_ordered -= 1,
            _ => self.entries_ordered -= 1,
        }
        self.refill();
        self.writes += 1;
        self.in_hand = Some(Write { number: self.writes, order, began_ns: now_ns });
        self.in_hand
    }

    /// The fragments that are not durable yet, the oldest first.
    pub(crate) fn fragments(&self) -> impl Iterator<Item = &Fragment> {
        let ordered = self.in_hand.iter().map(|write| &write.order).chain(&self.orders);
        ordered.filter_map(Order::fragment).chain(&self.outbox)
    }

    /// How full outbox, orders and entries are.
    pub(crate) fn fill(&self) -> [usize; 3] {
        [self.outbox.len(), self.fragments_ordered, self.entries_ordered]
    }

    /// Power or process is gone: what waits is lost.
    pub(crate) fn lose(&mut self) {
        *self = Writer { writes: self.writes, ..Writer::default() };
    }

    fn refill(&mut self) {
        while self.fragments_ordered < ORDERS_FRAGMENTS_MAX && !self.outbox.is_empty() {
            self.move_one();
        }
    }

    fn move_one(&mut self) {
        if let Some(fragment) = self.outbox.pop_front() {
            self.orders.push_back(Order::Fragment(fragment));
            self.fragments_ordered += 1;
        }
    }
}
