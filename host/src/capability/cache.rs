//! `gatewit:cache`: what drivers want to find again at the next call, apart for each provider, in this process's memory.
//!
//! Whoever forgets it loses time and nothing else: limits throw out the oldest. Deliberately absent: the disk, other hosts,
//! and judgement on what is too old, which is the driver's.

use crate::bindings::driver::gatewit::cache::cache::{self, Entry};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
    time::Duration,
};
use wasmtime::component::{HasData, Linker};

/// Values of one provider: a discovery document and its keys are two.
const VALUES_MAX: usize = 64;

/// Bytes of one value, as much as a discovery document may have.
const VALUE_BYTES_MAX: usize = 256 << 10;

/// Bytes of a key. An address fits.
const KEY_BYTES_MAX: usize = 2 << 10;

/// Bytes of all values of all providers. A hundred providers with 100 KiB of keys each fit several times.
const TOTAL_BYTES_MAX: usize = 64 << 20;

/// What all providers keep.
#[derive(Default)]
pub(crate) struct Cache(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    providers: HashMap<String, VecDeque<Value>>,
    bytes: usize,
}

struct Value {
    key: String,
    text: String,
    put_at: Duration,
    keep: Duration,
}

impl Value {
    fn bytes(&self) -> usize {
        self.key.len() + self.text.len()
    }
}

impl Cache {
    fn get(&self, provider: &str, key: &str, now: Duration) -> Option<Entry> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let value = kept.providers.get(provider)?.iter().find(|value| value.key == key)?;
        let age = now.saturating_sub(value.put_at);
        let entry =
            || Entry { value: value.text.clone(), age_seconds: u32::try_from(age.as_secs()).unwrap_or(u32::MAX) };
        (age < value.keep).then(entry)
    }

    fn put(&self, provider: &str, value: Value) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.remove(provider, |old| old.key == value.key);
        if value.key.len() > KEY_BYTES_MAX || value.text.len() > VALUE_BYTES_MAX || value.keep.is_zero() {
            return;
        }
        kept.remove(provider, |old| value.put_at.saturating_sub(old.put_at) >= old.keep);
        while kept.providers.get(provider).is_some_and(|values| values.len() >= VALUES_MAX) {
            kept.remove_oldest(provider);
        }
        while kept.bytes + value.bytes() > TOTAL_BYTES_MAX {
            let largest =
                kept.providers.iter().max_by_key(|(_, values)| values.iter().map(Value::bytes).sum::<usize>());
            let Some(provider) = largest.map(|(provider, _)| provider.clone()) else { return };
            kept.remove_oldest(&provider);
        }
        kept.bytes += value.bytes();
        kept.providers.entry(provider.to_owned()).or_default().push_back(value);
    }
}

impl Kept {
    fn remove(&mut self, provider: &str, goes: impl Fn(&Value) -> bool) {
        let Some(values) = self.providers.get_mut(provider) else { return };
        let gone: usize = values.iter().filter(|value| goes(value)).map(Value::bytes).sum();
        values.retain(|value| !goes(value));
        self.bytes = self.bytes.saturating_sub(gone);
    }

    fn remove_oldest(&mut self, provider: &str) {
        let gone = self.providers.get_mut(provider).and_then(VecDeque::pop_front);
        self.bytes = self.bytes.saturating_sub(gone.as_ref().map_or(0, Value::bytes));
        if gone.is_none() {
            self.providers.remove(provider);
        }
    }
}

pub(crate) struct CacheView<'a> {
    pub(crate) cache: &'a Cache,
    pub(crate) provider: &'a str,
    pub(crate) now: Duration,
}

struct Granted;

impl HasData for Granted {
    type Data<'a> = CacheView<'a>;
}

/// Adds the cache, and nothing else, to `linker`.
pub(crate) fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> CacheView<'_>,
) -> wasmtime::Result<()> {
    cache::add_to_linker::<T, Granted>(linker, view)
}

impl cache::Host for CacheView<'_> {
    fn get(&mut self, key: String) -> Option<Entry> {
        self.cache.get(self.provider, &key, self.now)
    }

    fn put(&mut self, key: String, value: String, keep_seconds: u32) {
        let keep = Duration::from_secs(keep_seconds.into());
        self.cache.put(self.provider, Value { key, text: value, put_at: self.now, keep });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(key: &str, text: &str, at: u64) -> Value {
        Value { key: key.into(), text: text.into(), put_at: Duration::from_secs(at), keep: Duration::from_mins(1) }
    }

    fn found(cache: &Cache, provider: &str, key: &str, at: u64) -> Option<(String, u32)> {
        cache.get(provider, key, Duration::from_secs(at)).map(|entry| (entry.value, entry.age_seconds))
    }

    #[test]
    fn a_value_is_found_until_its_time_is_over() {
        let cache = Cache::default();
        cache.put("a", value("k", "v", 100));
        assert_eq!(found(&cache, "a", "k", 100), Some(("v".into(), 0)));
        assert_eq!(found(&cache, "a", "k", 159), Some(("v".into(), 59)));
        assert_eq!(found(&cache, "a", "k", 160), None);
        assert_eq!(found(&cache, "a", "k", 0), Some(("v".into(), 0)), "a clock that was set back");
    }

    #[test]
    fn providers_do_not_see_each_other() {
        let cache = Cache::default();
        cache.put("a", value("k", "v", 0));
        assert_eq!(found(&cache, "b", "k", 0), None);
        cache.put("b", value("k", "w", 0));
        assert_eq!(found(&cache, "a", "k", 0), Some(("v".into(), 0)));
    }

    #[test]
    fn a_new_value_replaces_the_old_one() {
        let cache = Cache::default();
        cache.put("a", value("k", "v", 0));
        cache.put("a", value("k", "w", 1));
        assert_eq!(found(&cache, "a", "k", 1), Some(("w".into(), 0)));
        cache.put("a", Value { keep: Duration::ZERO, ..value("k", "x", 1) });
        assert_eq!(found(&cache, "a", "k", 1), None, "a value that is not to be kept");
        assert_eq!(cache.0.lock().unwrap().bytes, 0);
    }

    #[test]
    fn of_too_many_values_the_oldest_go() {
        let cache = Cache::default();
        for number in 0..=VALUES_MAX {
            cache.put("a", value(&number.to_string(), "v", 0));
        }
        assert_eq!(found(&cache, "a", "0", 0), None);
        assert!(found(&cache, "a", "1", 0).is_some() && found(&cache, "a", &VALUES_MAX.to_string(), 0).is_some());
    }

    #[test]
    fn what_is_too_large_is_not_kept() {
        let cache = Cache::default();
        cache.put("a", value("k", &"v".repeat(VALUE_BYTES_MAX), 0));
        assert!(found(&cache, "a", "k", 0).is_some());
        cache.put("a", value("k", &"v".repeat(VALUE_BYTES_MAX + 1), 0));
        assert_eq!(found(&cache, "a", "k", 0), None, "the old one does not stand in for the new one");
        cache.put("a", value(&"k".repeat(KEY_BYTES_MAX + 1), "v", 0));
        assert_eq!(cache.0.lock().unwrap().bytes, 0);
    }

    #[test]
    fn all_providers_together_have_a_bound() {
        let cache = Cache::default();
        let large = "v".repeat(VALUE_BYTES_MAX);
        for provider in 0..8 {
            for key in 0..VALUES_MAX {
                cache.put(&provider.to_string(), value(&key.to_string(), &large, 0));
            }
            assert!(cache.0.lock().unwrap().bytes <= TOTAL_BYTES_MAX);
        }
        assert!(found(&cache, "7", &(VALUES_MAX - 1).to_string(), 0).is_some(), "the newest is there");
    }
}
