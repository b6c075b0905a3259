//! The transition function, row by row.

use core::time::Duration;

use super::super::{Change, Control, Judged, Lease, Refused, Standing};
use crate::{ports::StoreTime, test_support::at};

const LENGTH: Duration = Duration::from_secs(15);

fn time(milliseconds: u64) -> StoreTime {
    StoreTime::from_milliseconds(1_795_000_000_000 + milliseconds)
}

/// The third lease is held until 15,000; the tokens are of the first.
fn live() -> Control {
    let mut control = Control::new(at(3_600), at(43_200));
    control.fence = 3;
    control.tokens_fence = 1;
    control.lease = Some(Lease {
        fence: 3,
        until: time(15_000),
    });
    control
}

fn after(control: &Control, change: Change) -> Control {
    control.after(change).unwrap()
}

fn retiring() -> Control {
    after(&live(), Change::Retire { at: at(10) })
}

fn ended() -> Control {
    after(&live(), Change::End)
}

type Row = (Change, [Result<fn(&mut Control), Refused>; 3]);

/// What each change makes of a live session, one that is being replaced, and one that was ended.
fn table(early: StoreTime, late: StoreTime) -> [Row; 12] {
    let length = LENGTH;
    [
        (
            Change::TakeLease { time: late, length },
            [
                Ok(|next| {
                    next.fence = 4;
                    next.lease = Some(Lease {
                        fence: 4,
                        until: time(30_000),
                    });
                }),
                Err(Refused::Retiring),
                Err(Refused::Ended),
            ],
        ),
        (
            Change::TakeLease { time: early, length },
            [
                Err(Refused::Held {
                    for_another: Duration::from_millis(1),
                }),
                Err(Refused::Retiring),
                Err(Refused::Ended),
            ],
        ),
        (
            Change::ExtendLease { fence: 3, until: late },
            [Ok(|_| {}), Err(Refused::Overtaken), Err(Refused::Ended)],
        ),
        (
            Change::ExtendLease { fence: 2, until: late },
            [Err(Refused::Overtaken), Err(Refused::Overtaken), Err(Refused::Ended)],
        ),
        (
            Change::GiveBack {
                fence: 3,
                rest_until: late,
            },
            [
                Ok(|next| {
                    next.lease = None;
                    next.rest_until = time(15_000);
                }),
                Err(Refused::Overtaken),
                Err(Refused::Ended),
            ],
        ),
        (
            Change::GiveBack {
                fence: 2,
                rest_until: late,
            },
            [Err(Refused::Overtaken), Err(Refused::Overtaken), Err(Refused::Ended)],
        ),
        (
            Change::PutTokens {
                fence: 3,
                expires_at: at(7_200),
            },
            [
                Ok(|next| {
                    next.tokens_fence = 3;
                    next.lease = None;
                    next.expires_at = at(7_200);
                }),
                Err(Refused::Retiring),
                Err(Refused::Ended),
            ],
        ),
        (
            Change::PutTokens {
                fence: 2,
                expires_at: at(7_200),
            },
            [
                Ok(|next| {
                    next.tokens_fence = 2;
                    next.expires_at = at(7_200);
                }),
                Err(Refused::Retiring),
                Err(Refused::Ended),
            ],
        ),
        (
            Change::PutTokens {
                fence: 1,
                expires_at: at(7_200),
            },
            [Err(Refused::Overtaken), Err(Refused::Retiring), Err(Refused::Ended)],
        ),
        (
            Change::Put { expires_at: at(7_200) },
            [
                Ok(|next| next.expires_at = at(7_200)),
                Err(Refused::Retiring),
                Err(Refused::Ended),
            ],
        ),
        (
            Change::Retire { at: at(5) },
            [
                Ok(|next| {
                    next.standing = Standing::Retiring { at: at(5) };
                    next.lease = None;
                }),
                Ok(|next| next.standing = Standing::Retiring { at: at(5) }),
                Err(Refused::Ended),
            ],
        ),
        (
            Change::End,
            [
                Ok(|next| {
                    next.standing = Standing::Ended;
                    next.lease = None;
                }),
                Ok(|next| next.standing = Standing::Ended),
                Ok(|_| {}),
            ],
        ),
    ]
}

#[test]
fn every_change_makes_of_every_standing_what_the_table_says() {
    for (change, expected) in table(time(14_999), time(15_000)) {
        for (control, expected) in [live(), retiring(), ended()].into_iter().zip(expected) {
            let expected = expected.map(|make| {
                let mut next = control.clone();
                make(&mut next);
                next
            });
            assert_eq!(control.after(change), expected, "{change:?} of {:?}", control.standing);
        }
    }
}

#[test]
fn new_session_lives_and_anybody_may_renew_it() {
    let new = Control::new(at(3_600), at(43_200));
    assert_eq!((new.judge(at(0)), new.is_leased(time(0))), (Judged::Live, false));
    let length = LENGTH;
    let taken = after(&new, Change::TakeLease { time: time(0), length });
    assert_eq!(
        taken.fence, 1,
        "the tokens of the login are older than those of any lease"
    );
    assert!(taken.fence > new.tokens_fence);
}

#[test]
fn lease_ends_at_its_very_millisecond() {
    let control = live();
    assert!(control.is_leased(time(14_999)) && !control.is_leased(time(15_000)));
    assert!(!ended().is_leased(time(0)) && !retiring().is_leased(time(0)));
    let take = |at| {
        control.after(Change::TakeLease {
            time: time(at),
            length: LENGTH,
        })
    };
    assert_eq!(
        take(0),
        Err(Refused::Held {
            for_another: Duration::from_secs(15)
        })
    );
    assert!(take(15_000).is_ok());
}

#[test]
fn lease_is_extended_and_never_shortened() {
    let extend = |until| {
        after(
            &live(),
            Change::ExtendLease {
                fence: 3,
                until: time(until),
            },
        )
        .lease
    };
    let until = |until| {
        Some(Lease {
            fence: 3,
            until: time(until),
        })
    };
    assert_eq!(extend(20_000), until(20_000));
    assert_eq!(extend(1), until(15_000));
}

#[test]
fn renewals_rest_until_the_very_millisecond_and_tokens_wake_them() {
    let rest_until = time(2_000);
    let resting = after(&live(), Change::GiveBack { fence: 3, rest_until });
    let take = |control: &Control, at| {
        control.after(Change::TakeLease {
            time: time(at),
            length: LENGTH,
        })
    };
    assert_eq!(
        take(&resting, 1_999),
        Err(Refused::Resting {
            for_another: Duration::from_millis(1)
        })
    );
    assert_eq!(take(&resting, 2_000).unwrap().fence, 4);
    let expires_at = at(7_200);
    let woken = after(&resting, Change::PutTokens { fence: 3, expires_at });
    assert!(take(&woken, 0).is_ok());
}

#[test]
fn late_tokens_leave_a_newer_holder_its_lease_and_never_replace_newer_ones() {
    let length = LENGTH;
    let newer = after(
        &live(),
        Change::TakeLease {
            time: time(15_000),
            length,
        },
    );
    let put = |control: &Control, fence| {
        let expires_at = at(7_200);
        control.after(Change::PutTokens { fence, expires_at })
    };
    let late = put(&newer, 3).unwrap();
    assert_eq!((late.tokens_fence, late.lease), (3, newer.lease));
    let newest = put(&late, 4).unwrap();
    assert_eq!((newest.tokens_fence, newest.lease), (4, None));
    for fence in 0..=4 {
        assert_eq!(put(&newest, fence), Err(Refused::Overtaken), "{fence}");
    }
}

#[test]
fn record_is_judged_at_its_very_second() {
    let retiring = after(&live(), Change::Retire { at: at(10) });
    let short = after(&live(), Change::Put { expires_at: at(5) });
    let short = after(&short, Change::Retire { at: at(10) });
    for (control, moment, expected) in [
        (live(), 3_599, Judged::Live),
        (live(), 3_600, Judged::Expired),
        (live(), 43_200, Judged::Expired),
        (retiring.clone(), 9, Judged::Live),
        (retiring.clone(), 10, Judged::Ended),
        (retiring.clone(), 3_600, Judged::Ended),
        (retiring.clone(), 43_199, Judged::Ended),
        (retiring, 43_200, Judged::Expired),
        (short.clone(), 4, Judged::Live),
        (short.clone(), 5, Judged::Expired),
        (short, 10, Judged::Ended),
        (ended(), -1, Judged::Ended),
        (ended(), 3_600, Judged::Ended),
        (ended(), 43_199, Judged::Ended),
        (ended(), 43_200, Judged::Expired),
        (Control::tombstone(at(100)), 99, Judged::Ended),
        (Control::tombstone(at(100)), 100, Judged::Expired),
    ] {
        assert_eq!(control.judge(at(moment)), expected, "{control:?} at {moment}");
    }
}

#[test]
fn record_is_kept_until_its_end_and_a_tombstone_until_the_absolute_end() {
    assert_eq!(live().keep_until(), at(3_600));
    assert_eq!(retiring().keep_until(), at(43_200));
    assert_eq!(ended().keep_until(), at(43_200));
    assert_eq!(Control::tombstone(at(100)).keep_until(), at(100));
}

#[test]
fn refusals_say_why_in_one_clause() {
    let for_another = Duration::from_secs(1);
    for (refused, text) in [
        (Refused::Ended, "session was ended"),
        (Refused::Held { for_another }, "session's tokens are being renewed"),
        (
            Refused::Resting { for_another },
            "renewals of the session's tokens rest",
        ),
        (Refused::Overtaken, "a newer lease was given meanwhile"),
        (Refused::Retiring, "session is being replaced"),
    ] {
        assert_eq!(refused.to_string(), text);
    }
}
