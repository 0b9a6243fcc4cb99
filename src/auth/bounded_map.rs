//! A map of bounded size, which drops the entries that were not used recently.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};

use parking_lot::MutexGuard;

use crate::sync::Mutex;

/// Number of locks. Threads that use different keys rarely wait for each other.
const SHARDS: usize = 16;

/// A sharded map that keeps the recently used entries.
///
/// The hashes are keyed at random, so an attacker cannot choose keys of one shard.
pub(super) struct BoundedMap<K, V> {
    hasher: RandomState,
    shards: [Mutex<Shard<K, V>>; SHARDS],
}

/// Two generations of entries: once the young one is full it becomes the old one, whose previous
/// entries are dropped. Each step takes constant time, and entries in use survive.
pub(super) struct Shard<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    /// Maximum number of entries of one generation.
    half: usize,
}

impl<K: Hash + Eq, V> BoundedMap<K, V> {
    /// Makes a map of at most `capacity` entries. It keeps at least half as many of the latest
    /// ones, if their keys are spread evenly.
    pub(super) fn new(capacity: usize) -> Self {
        let half = (capacity / SHARDS / 2).max(1);
        let shard = || Mutex::new(Shard { young: HashMap::new(), old: HashMap::new(), half });
        Self { hasher: RandomState::new(), shards: std::array::from_fn(|_| shard()) }
    }

    /// Locks the shard that this key belongs to.
    pub(super) fn shard(&self, key: &K) -> MutexGuard<'_, Shard<K, V>> {
        let hash = self.hasher.hash_one(key) % SHARDS as u64;
        self.shards[hash as usize].lock()
    }
}

impl<K: Hash + Eq, V> Shard<K, V> {
    /// Returns the value of a key, which counts as a use of it.
    pub(super) fn get(&mut self, key: &K) -> Option<&mut V> {
        if let Some((key, value)) = self.old.remove_entry(key) {
            self.insert(key, value);
        }
        self.young.get_mut(key)
    }

    pub(super) fn insert(&mut self, key: K, value: V) {
        if self.young.len() >= self.half && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.old.remove(&key);
        self.young.insert(key, value);
    }

    pub(super) fn remove(&mut self, key: &K) {
        self.young.remove(key);
        self.old.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_map_stays_small_and_keeps_the_entries_in_use() {
        let recent = BoundedMap::new(1024);
        recent.shard(&0).insert(0, 0);
        for key in 1..100_000 {
            recent.shard(&key).insert(key, key);
            assert_eq!(recent.shard(&0).get(&0), Some(&mut 0), "after {key}");
            assert_eq!(recent.shard(&key).get(&key).copied(), Some(key));
        }
        let held: usize = recent.shards.iter().map(|shard| shard.lock()).map(|s| s.young.len() + s.old.len()).sum();
        assert!((512..=1024).contains(&held), "{held}");
    }

    #[test]
    fn a_key_has_one_value() {
        let recent = BoundedMap::new(SHARDS * 2);
        for n in 0..10 {
            recent.shard(&"a").insert("a", n);
            assert_eq!(recent.shard(&"a").get(&"a"), Some(&mut n.clone()));
        }
        recent.shard(&"a").remove(&"a");
        assert_eq!(recent.shard(&"a").get(&"a"), None);
    }
}
