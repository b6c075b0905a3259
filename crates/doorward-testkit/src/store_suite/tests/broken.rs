//! A store that breaks one promise.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use doorward_core::UnixTime;
use doorward_core::ports::{
    BoxFuture, Cursor, Entry, IndexKey, Loaded, MAX_RECORD_BYTES, Page, SessionStore, StoreError, StoreErrorKind,
    StoreFeed, StoreKey, StoreTime, Write, Written,
};
use tokio::sync::mpsc;

const PAGE: usize = 1_000;

/// One broken promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Defect {
    None,
    BeginsAtZero,
    WritesOverTheTaken,
    ExpectsAnythingOfTheAbsent,
    IgnoresTheVersion,
    TakesLaterVersions,
    CountsByTwo,
    DropsAtAConflict,
    WritesAtAConflict,
    KeepsTheOldTime,
    DropsEarly,
    CutsTimes,
    RefusesPassedTimes,
    CutsBytes,
    TakesBytesForText,
    TakesEmptyForAbsent,
    RefusesTheLargest,
    TakesAnySize,
    KeepsWhatItRefuses,
    CutsKeys,
    CutsKeysInFront,
    KeepsToItself,
    ReadsThenWrites,
    EntersNobody,
    LeavesListsUnnamed,
    TakesNobodyOut,
    TakesAllOut,
    TakesOutOfAll,
    TakesOutAtAConflict,
    NeverForgets,
    KeepsTheFirstTime,
    KeepsTheLastTime,
    CutsIndexes,
    ChangesOneList,
    ListsRecords,
    PagesByNumber,
    PagesWithoutEnd,
    OnePageOnly,
    OneLongPage,
    TellsNobody,
    TellsOfEverything,
    TellsOfConflicts,
    TellsOneFollower,
    TellsItselfOnly,
    GoesBackwards,
    HasAClockEach,
    CountsSeconds,
    StandsStill,
}

/// One handle of a store in memory.
#[derive(Clone)]
pub(super) struct MapStore {
    defect: Defect,
    number: usize,
    state: Arc<Mutex<State>>,
    loads: Arc<AtomicU64>,
}

#[derive(Default)]
struct State {
    records: HashMap<Vec<u8>, (Entry, UnixTime)>,
    lists: HashMap<Vec<u8>, BTreeMap<StoreKey, UnixTime>>,
    /// Each with the number of the handle it follows.
    followers: Vec<(usize, mpsc::UnboundedSender<StoreKey>)>,
}

impl MapStore {
    pub(super) fn new(defect: Defect) -> Self {
        Self {
            defect,
            number: 0,
            state: Arc::default(),
            loads: Arc::default(),
        }
    }

    pub(super) fn handle(&self, number: usize) -> Self {
        let mut handle = self.clone();
        handle.number = number;
        if self.has(Defect::KeepsToItself) {
            handle.state = Arc::default();
        }
        handle
    }

    fn has(&self, defect: Defect) -> bool {
        self.defect == defect
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn name(&self, key: &StoreKey) -> Vec<u8> {
        let bytes = key.as_bytes();
        match self.defect {
            Defect::CutsKeys => bytes[..31].to_vec(),
            Defect::CutsKeysInFront => bytes[1..].to_vec(),
            _ => bytes.to_vec(),
        }
    }

    fn list_name(&self, index: &IndexKey) -> Vec<u8> {
        let length = if self.has(Defect::CutsIndexes) { 31 } else { 32 };
        index.as_bytes()[..length].to_vec()
    }

    fn read(&self, key: &StoreKey, now: UnixTime) -> Option<Entry> {
        let early = Duration::from_secs(if self.has(Defect::DropsEarly) { 2 } else { 0 });
        let limit = now.saturating_add(early);
        let kept = self.with(|state| state.records.get(&self.name(key)).cloned());
        kept.filter(|(_, until)| *until > limit)
            .map(|(entry, _)| entry)
            .filter(|entry| !(entry.bytes.is_empty() && self.has(Defect::TakesEmptyForAbsent)))
    }

    fn fits(&self, found: Option<u64>, expected: Option<u64>) -> bool {
        match (found, expected) {
            (Some(_), None) => self.has(Defect::WritesOverTheTaken),
            (None, Some(_)) => self.has(Defect::ExpectsAnythingOfTheAbsent),
            (Some(found), Some(expected)) if found < expected => {
                self.has(Defect::TakesLaterVersions) || self.has(Defect::IgnoresTheVersion)
            }
            (Some(found), Some(expected)) => found == expected || self.has(Defect::IgnoresTheVersion),
            (None, None) => true,
        }
    }

    fn keep(&self, key: &StoreKey, version: u64, write: &Write<'_>) {
        let bytes = match self.defect {
            Defect::CutsBytes => write.bytes.iter().copied().take(65_535).collect(),
            Defect::TakesBytesForText => String::from_utf8_lossy(write.bytes).into_owned().into_bytes(),
            _ => write.bytes.to_vec(),
        };
        let mut until = write.keep_until;
        if self.has(Defect::CutsTimes) {
            until = UnixTime::from_seconds(until.seconds() & u64::from(u32::MAX));
        }
        self.with(|state| {
            let before = state.records.get(&self.name(key)).map(|(_, until)| *until);
            if self.has(Defect::KeepsTheOldTime) {
                until = before.unwrap_or(until);
            }
            state.records.insert(self.name(key), (Entry { version, bytes }, until));
        });
    }

    fn change_lists(&self, key: &StoreKey, write: &Write<'_>) {
        let out = |list: &mut BTreeMap<StoreKey, UnixTime>| {
            list.remove(key);
        };
        let named = if self.has(Defect::ChangesOneList) {
            1
        } else {
            usize::MAX
        };
        self.with(|state| {
            if self.has(Defect::LeavesListsUnnamed) {
                state.lists.values_mut().for_each(out);
            }
            for change in write.lists.iter().take(named) {
                let list = state.lists.entry(self.list_name(&change.index)).or_default();
                match change.until {
                    Some(_) if self.has(Defect::EntersNobody) => {}
                    Some(_) if self.has(Defect::KeepsTheFirstTime) && list.contains_key(key) => {}
                    Some(until) => {
                        let kept = list.entry(*key).or_insert(until);
                        *kept = if self.has(Defect::KeepsTheLastTime) {
                            until
                        } else {
                            until.max(*kept)
                        };
                    }
                    None if self.has(Defect::TakesNobodyOut) => {}
                    None if self.has(Defect::TakesAllOut) => list.clear(),
                    None if self.has(Defect::TakesOutOfAll) => {
                        state.lists.values_mut().for_each(out);
                    }
                    None => out(list),
                }
            }
        });
    }

    fn tell(&self, key: &StoreKey) {
        self.with(|state| {
            let told = match self.defect {
                Defect::TellsNobody => 0,
                Defect::TellsOneFollower => 1,
                _ => usize::MAX,
            };
            state.followers.retain(|(_, follower)| !follower.is_closed());
            let followers = state.followers.iter();
            let followers =
                followers.filter(|(number, _)| !self.has(Defect::TellsItselfOnly) || *number == self.number);
            for (_, follower) in followers.take(told) {
                let _ = follower.send(*key);
            }
        });
    }

    async fn compare_and_set(&self, key: &StoreKey, write: Write<'_>, now: UnixTime) -> Result<Written, StoreError> {
        if write.keep_until < now && self.has(Defect::RefusesPassedTimes) {
            return Err(StoreError::new(StoreErrorKind::Failed));
        }
        let limit = match self.defect {
            Defect::RefusesTheLargest => MAX_RECORD_BYTES - 1,
            Defect::TakesAnySize => usize::MAX,
            _ => MAX_RECORD_BYTES,
        };
        if write.bytes.len() > limit {
            if self.has(Defect::KeepsWhatItRefuses) {
                self.keep(key, write.expected.unwrap_or(0) + 1, &write);
            }
            return Err(StoreError::new(StoreErrorKind::Failed));
        }
        let found = self.read(key, now).map(|entry| entry.version);
        if !self.fits(found, write.expected) {
            match self.defect {
                Defect::DropsAtAConflict if write.keep_until < now => {
                    self.with(|state| state.records.remove(&self.name(key)));
                }
                Defect::WritesAtAConflict if found.is_some() => self.keep(key, found.unwrap_or(1), &write),
                Defect::TakesOutAtAConflict => self.change_lists(key, &write),
                Defect::TellsOfConflicts => self.tell(key),
                _ => {}
            }
            return Ok(Written::Conflict);
        }
        if self.has(Defect::ReadsThenWrites) {
            tokio::task::yield_now().await;
        }
        let version = match (found, self.defect) {
            (None, Defect::BeginsAtZero) => 0,
            (Some(found), Defect::CountsByTwo) => found + 2,
            (found, _) => found.unwrap_or(0) + 1,
        };
        self.keep(key, version, &write);
        self.change_lists(key, &write);
        if write.announce || self.has(Defect::TellsOfEverything) {
            self.tell(key);
        }
        Ok(Written::Done { version })
    }

    fn page(&self, index: &IndexKey, after: Option<&Cursor>, now: UnixTime) -> Page {
        let list = self.with(|state| state.lists.get(&self.list_name(index)).cloned());
        let mut keys: Vec<StoreKey> = list
            .unwrap_or_default()
            .into_iter()
            .filter(|(_, until)| *until > now || self.has(Defect::NeverForgets))
            .map(|(key, _)| key)
            .collect();
        let record = StoreKey::from_bytes(*index.as_bytes());
        if self.has(Defect::ListsRecords) && self.read(&record, now).is_some() {
            keys.push(record);
        }
        if self.has(Defect::OneLongPage) {
            return Page { keys, next: None };
        }
        let after = after.map(|cursor| <[u8; 32]>::try_from(cursor.as_bytes()).unwrap());
        let begin = match after {
            None => 0,
            Some(cursor) if self.has(Defect::PagesByNumber) => usize::from(cursor[0]) * PAGE,
            Some(cursor) => keys.partition_point(|key| *key.as_bytes() <= cursor),
        };
        let rest = keys.get(begin..).unwrap_or_default();
        let page: Vec<StoreKey> = rest.iter().copied().take(PAGE).collect();
        let mut next = match page.last() {
            Some(last) if rest.len() > PAGE => Some(*last.as_bytes()),
            _ => None,
        };
        match self.defect {
            Defect::PagesByNumber if next.is_some() => {
                let number = after.map_or(0, |cursor| cursor[0]);
                next = Some([number + 1; 32]);
            }
            Defect::PagesWithoutEnd => next = Some([0; 32]),
            Defect::OnePageOnly => next = None,
            _ => {}
        }
        Page {
            keys: page,
            next: next.map(Cursor::new),
        }
    }

    fn time(&self, now: UnixTime) -> StoreTime {
        let loads = self.loads.fetch_add(1, Ordering::Relaxed);
        let milliseconds = now.milliseconds();
        StoreTime::from_milliseconds(match self.defect {
            Defect::GoesBackwards => milliseconds - loads,
            Defect::HasAClockEach if self.number > 0 => milliseconds - 5_000,
            Defect::CountsSeconds => now.seconds(),
            Defect::StandsStill => milliseconds / 10_000_000 * 10_000_000,
            _ => milliseconds,
        })
    }
}

impl SessionStore for MapStore {
    fn load<'a>(&'a self, key: &'a StoreKey, now: UnixTime) -> BoxFuture<'a, Result<Loaded, StoreError>> {
        Box::pin(async move {
            let entry = self.read(key, now);
            let time = self.time(now);
            Ok(Loaded { entry, time })
        })
    }

    fn write<'a>(
        &'a self,
        key: &'a StoreKey,
        write: Write<'a>,
        now: UnixTime,
    ) -> BoxFuture<'a, Result<Written, StoreError>> {
        Box::pin(self.compare_and_set(key, write, now))
    }

    fn list<'a>(
        &'a self,
        index: &'a IndexKey,
        after: Option<Cursor>,
        now: UnixTime,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        Box::pin(async move { Ok(self.page(index, after.as_ref(), now)) })
    }

    fn feed(&self) -> BoxFuture<'_, Result<Box<dyn StoreFeed>, StoreError>> {
        Box::pin(async move {
            let (follower, feed) = mpsc::unbounded_channel();
            self.with(|state| state.followers.push((self.number, follower)));
            Ok(Box::new(MapFeed(feed)) as Box<dyn StoreFeed>)
        })
    }
}

struct MapFeed(mpsc::UnboundedReceiver<StoreKey>);

impl StoreFeed for MapFeed {
    fn next(&mut self) -> BoxFuture<'_, Result<StoreKey, StoreError>> {
        Box::pin(async {
            let key = self.0.recv().await;
            key.ok_or_else(|| StoreError::new(StoreErrorKind::Unreachable))
        })
    }
}
