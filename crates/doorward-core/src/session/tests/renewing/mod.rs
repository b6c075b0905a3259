//! Every order in which several instances can renew one session's tokens, with everything that may go wrong at every step.
//!
//! The explorer is our own: what the claims need of one, states by breadth and the shortest way to a broken claim, is a page, and the
//! libraries for it bring actors, networks and a web page.

mod alone;
mod claims;
mod events;
mod explorer;
mod provider;
mod step;
mod world;

use claims::{ALWAYS, always, end_is_sound};
use explorer::{Claim, Explored, explore};
use provider::{ROTATIONS, Rotation};
use world::{Budget, Status, World};

use super::super::Outcome;

/// Explores with each kind of provider; every claim that holds always is tried along the way.
fn explore_all(instances: usize, budget: Budget, claim: &Claim) -> Vec<Explored> {
    let each = ROTATIONS.map(|rotation| explore_with(rotation, instances, budget, claim));
    each.to_vec()
}

#[allow(
    clippy::print_stdout,
    reason = "the figures are the proof that everything was gone through"
)]
fn explore_with(rotation: Rotation, instances: usize, budget: Budget, claim: &Claim) -> Explored {
    let explored = explore(&World::new(instances, rotation, budget), claim);
    let Explored {
        states,
        steps,
        ends,
        longest,
    } = explored;
    assert!(states > 1_000 && ends > 50, "not much was gone through: {explored:?}");
    println!(
        "{instances} instances, {rotation:?}: {states} states, {steps} steps, {ends} ends, at most {longest} steps to one"
    );
    explored
}

#[test]
fn without_faults_there_is_one_call_and_everybody_has_its_tokens() {
    let claim = Claim {
        step: always,
        end: |end| {
            end_is_sound(end)?;
            let record = end.record.as_ref().ok_or("the record is lost")?;
            let all = end.outcomes().filter(|outcome| *outcome == Outcome::Renewed).count();
            match (end.calls, all == end.instances.len(), record.token) {
                (1, true, 1) if end.provider.newest == 1 && !end.is_ended() => Ok(()),
                _ => Err("not one call whose tokens everybody has".to_owned()),
            }
        },
    };
    let budget = Budget {
        puts: 2,
        extensions: 2,
        ..Budget::default()
    };
    explore_all(2, budget, &claim);
    let budget = Budget {
        puts: 1,
        extensions: 1,
        ..Budget::default()
    };
    explore_all(3, budget, &claim);
}

#[test]
fn one_crash_costs_at_most_one_more_call() {
    let budget = Budget {
        crashes: 1,
        puts: 1,
        extensions: 1,
        ..Budget::default()
    };
    explore_all(2, budget, &AT_MOST_TWO_CALLS);
    explore_all(3, budget, &AT_MOST_TWO_CALLS);
}

#[test]
fn one_pause_beyond_the_lease_costs_at_most_one_more_call() {
    let budget = Budget {
        pauses: 1,
        puts: 1,
        extensions: 1,
        ..Budget::default()
    };
    explore_all(2, budget, &AT_MOST_TWO_CALLS);
    let budget = Budget {
        pauses: 1,
        ..Budget::default()
    };
    explore_all(3, budget, &AT_MOST_TWO_CALLS);
}

const AT_MOST_TWO_CALLS: Claim = Claim {
    step: |before, event, after| {
        always(before, event, after)?;
        (after.calls <= 2)
            .then_some(())
            .ok_or_else(|| "a third call".to_owned())
    },
    end: end_is_sound,
};

#[test]
fn crash_signs_nobody_out_where_the_provider_forgives_one_reuse() {
    let claim = Claim {
        step: always,
        end: |end| {
            end_is_sound(end)?;
            let living = end.instances.iter().any(|instance| instance.status != Status::Crashed);
            let is_renewed = end
                .record
                .as_ref()
                .is_some_and(|record| record.control.tokens_fence > 0);
            (!end.is_ended() && (is_renewed || !living))
                .then_some(())
                .ok_or_else(|| "somebody is signed out or has no tokens".to_owned())
        },
    };
    let budget = Budget {
        crashes: 1,
        puts: 1,
        ..Budget::default()
    };
    explore_with(Rotation::Grace, 3, budget, &claim);
}

#[test]
fn holder_that_was_stopped_and_goes_on_brings_its_tokens_home() {
    let claim = Claim {
        step: always,
        end: |end| {
            end_is_sound(end)?;
            let is_renewed = end
                .record
                .as_ref()
                .is_some_and(|record| record.control.tokens_fence > 0);
            (!end.is_ended() && is_renewed)
                .then_some(())
                .ok_or_else(|| "a session is ended whose newest tokens somebody has".to_owned())
        },
    };
    let stopped = Budget {
        pauses: 1,
        puts: 1,
        ..Budget::default()
    };
    // The store fails for longer than the lease lasts when the tokens are there.
    let cut_off = Budget {
        pauses: 1,
        store_failures: 1,
        ..Budget::default()
    };
    explore_all(2, stopped, &claim);
    explore_all(2, cut_off, &claim);
}

#[test]
fn outage_of_provider_or_store_ends_no_session() {
    let claim = Claim {
        step: always,
        end: |end| {
            end_is_sound(end)?;
            (!end.is_ended())
                .then_some(())
                .ok_or_else(|| "an outage ended a session".to_owned())
        },
    };
    let provider = Budget {
        outages: 2,
        retries: 1,
        puts: 1,
        extensions: 1,
        ..Budget::default()
    };
    let store = Budget {
        store_failures: 2,
        retries: 1,
        puts: 1,
        extensions: 1,
        ..Budget::default()
    };
    for budget in [provider, store] {
        explore_all(2, budget, &claim);
    }
}

#[test]
fn session_is_ended_only_for_a_newest_token_that_the_provider_took_back() {
    let budget = Budget {
        call_failures: 1,
        store_failures: 1,
        pauses: 1,
        outages: 1,
        retries: 1,
        ..Budget::default()
    };
    explore_all(2, budget, &ALWAYS);
}

#[test]
fn what_was_ended_stays_ended_and_late_tokens_are_handed_back() {
    let budget = Budget {
        logouts: 1,
        retirements: 1,
        losses: 1,
        store_failures: 1,
        pauses: 1,
        ..Budget::default()
    };
    explore_all(2, budget, &ALWAYS);
}

#[test]
fn fetched_tokens_are_written_and_never_fetched_again_whatever_the_store_does() {
    let budget = Budget {
        store_failures: 3,
        pauses: 1,
        puts: 1,
        ..Budget::default()
    };
    explore_all(2, budget, &ALWAYS);
}

#[test]
fn whatever_goes_wrong_together_breaks_no_claim() {
    let budget = Budget {
        crashes: 1,
        store_failures: 1,
        pauses: 1,
        logouts: 1,
        puts: 2,
        ..Budget::default()
    };
    explore_with(Rotation::Plain, 2, budget, &ALWAYS);
}

#[test]
fn whatever_goes_wrong_with_calls_together_breaks_no_claim() {
    let budget = Budget {
        crashes: 1,
        store_failures: 1,
        call_failures: 1,
        pauses: 1,
        impatience: 1,
        retries: 1,
        ..Budget::default()
    };
    explore_with(Rotation::Grace, 2, budget, &ALWAYS);
}
