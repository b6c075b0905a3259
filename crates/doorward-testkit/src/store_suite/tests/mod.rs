//! The suite passes a store that keeps its promises, and fails each store that breaks one, by the name of the promise.

mod broken;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use broken::{Defect, MapStore};
use futures_util::FutureExt;

use super::run_store_suite;

/// The promise that a store breaks; `None` if it breaks none.
///
/// Everything runs on one thread, so that what the store does between two points of waiting is atomic.
async fn broken_promise(defect: Defect) -> Option<String> {
    let store = MapStore::new(defect);
    let handles = AtomicUsize::new(0);
    let suite = run_store_suite(async || Arc::new(store.handle(handles.fetch_add(1, Ordering::Relaxed))));
    let panicked = AssertUnwindSafe(suite).catch_unwind().await.err()?;
    let said = panicked.downcast_ref::<String>().map(String::as_str);
    let promise = said.or_else(|| panicked.downcast_ref::<&str>().copied());
    Some(promise.unwrap_or_default().to_owned())
}

async fn fall(defects: &[(Defect, &str)]) {
    for (defect, promise) in defects {
        let said = broken_promise(*defect).await;
        let said = said.unwrap_or_else(|| panic!("a store that {defect:?} passes"));
        assert!(said.contains(promise), "a store that {defect:?} falls by {said:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_keeps_its_promises_passes() {
    assert_eq!(broken_promise(Defect::None).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_breaks_a_promise_about_records_fails() {
    fall(&[
        (Defect::BeginsAtZero, "begins at version 1"),
        (Defect::WritesOverTheTaken, "a taken key is a conflict"),
        (Defect::ExpectsAnythingOfTheAbsent, "no version is expected"),
        (Defect::IgnoresTheVersion, "not the current one is a conflict"),
        (Defect::TakesLaterVersions, "not the current one is a conflict"),
        (Defect::CountsByTwo, "counts the version up by one"),
        (Defect::DropsAtAConflict, "neither bytes nor how long"),
        (Defect::WritesAtAConflict, "keeps a taken key"),
        (Defect::KeepsTheOldTime, "brings its own time"),
        (Defect::DropsEarly, "last second of its time"),
        (Defect::CutsTimes, "kept until its time"),
        (Defect::RefusesPassedTimes, "answers write"),
        (Defect::CutsBytes, "bytes comes back as it was"),
        (Defect::TakesBytesForText, "bytes comes back as it was"),
        (Defect::TakesEmptyForAbsent, "bytes comes back as it was"),
        (Defect::RefusesTheLargest, "1048576 bytes is taken"),
        (Defect::TakesAnySize, "one byte more"),
        (Defect::KeepsWhatItRefuses, "refused changes nothing"),
        (Defect::CutsKeys, "not touched by its neighbours"),
        (Defect::CutsKeysInFront, "not touched by its neighbours"),
        (Defect::KeepsToItself, "what was written is loaded"),
        (Defect::ReadsThenWrites, "exactly one of many writes"),
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_breaks_a_promise_about_lists_fails() {
    fall(&[
        (Defect::EntersNobody, "stands in the list that its write named"),
        (Defect::LeavesListsUnnamed, "names no list changes none"),
        (Defect::TakesNobodyOut, "is taken out with the write"),
        (Defect::TakesAllOut, "and no other is"),
        (Defect::TakesOutOfAll, "stays in the others"),
        (Defect::TakesOutAtAConflict, "a conflict takes nothing out"),
        (Defect::NeverForgets, "vanishes after its time"),
        (Defect::KeepsTheFirstTime, "until the latest time that was said"),
        (Defect::KeepsTheLastTime, "no earlier time"),
        (Defect::CutsIndexes, "list is not touched"),
        (Defect::ChangesOneList, "may stand in three lists"),
        (Defect::ListsRecords, "a record is no list"),
        (Defect::PagesByNumber, "not missed while others leave"),
        (Defect::PagesWithoutEnd, "come to an end"),
        (Defect::OnePageOnly, "each of its entries"),
        (Defect::OneLongPage, "about a thousand keys at most"),
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_breaks_a_promise_about_feed_or_time_fails() {
    fall(&[
        (Defect::TellsNobody, "heard by everybody"),
        (Defect::TellsOfEverything, "neither a write that is not announced"),
        (Defect::TellsOfConflicts, "neither a write that is not announced"),
        (Defect::TellsOneFollower, "heard by everybody"),
        (Defect::TellsItselfOnly, "heard by everybody"),
        (Defect::GoesBackwards, "one clock for all"),
        (Defect::HasAClockEach, "one clock for all"),
        (Defect::CountsSeconds, "in milliseconds"),
        (Defect::StandsStill, "time goes on"),
    ])
    .await;
}
