// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is to happen when. Of two things at the same time the one that was put down first happens first.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// Things to come.
pub(crate) struct Agenda<T> {
    heap: BinaryHeap<Reverse<Item<T>>>,
    count: u64,
}

struct Item<T> {
    at_ns: u64,
    number: u64,
    what: T,
}

impl<T> Agenda<T> {
    pub(crate) fn new() -> Agenda<T> {
        Agenda { heap: BinaryHeap::new(), count: 0 }
    }

    pub(crate) fn put(&mut self, at_ns: u64, what: T) {
        self.count += 1;
        self.heap.push(Reverse(Item { at_ns, number: self.count, what }));
    }

    pub(crate) fn pop(&mut self) -> Option<(u64, T)> {
        self.heap.pop().map(|Reverse(item)| (item.at_ns, item.what))
    }
}

impl<T> Item<T> {
    fn key(&self) -> (u64, u64) {
        (self.at_ns, self.number)
    }
}

impl<T> PartialEq for Item<T> {
    fn eq(&self, other: &Item<T>) -> bool {
        self.key() == other.key()
    }
}

impl<T> Eq for Item<T> {}

impl<T> PartialOrd for Item<T> {
    fn partial_cmp(&self, other: &Item<T>) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Item<T> {
    fn cmp(&self, other: &Item<T>) -> Ordering {
        self.key().cmp(&other.key())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_comes_first_and_of_two_the_one_put_down_first() {
        let mut agenda = Agenda::new();
        [(5, 'c'), (3, 'a'), (5, 'd'), (4, 'b')].into_iter().for_each(|(at_ns, what)| agenda.put(at_ns, what));
        let order: String = std::iter::from_fn(|| agenda.pop()).map(|(_, what)| what).collect();
        assert_eq!(order, "abcd");
    }
}
