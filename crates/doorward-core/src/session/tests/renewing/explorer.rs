//! Goes through every state that can be reached, in breadth, so that the trace of a broken claim is a shortest one.

use std::collections::{HashMap, VecDeque};

use super::{
    events::Event,
    world::{Status, World},
};

/// What must hold at every step, and where nothing happens any more by itself.
pub(super) struct Claim {
    pub(super) step: fn(before: &World, event: Event, after: &World) -> Result<(), String>,
    pub(super) end: fn(end: &World) -> Result<(), String>,
}

/// What was gone through.
#[derive(Clone, Copy, Debug)]
pub(super) struct Explored {
    pub(super) states: usize,
    pub(super) steps: usize,
    pub(super) ends: usize,
    /// Of all ways without a fault from any state to an end, the length of the longest.
    pub(super) longest: u32,
}

struct Node {
    parent: usize,
    event: Option<Event>,
    /// Where the steps that are no faults lead to.
    next: Vec<usize>,
}

/// Explores everything.
///
/// # Panics
/// With the shortest trace to a state in which a claim is broken.
pub(super) fn explore(begin: &World, claim: &Claim) -> Explored {
    let mut nodes = vec![Node {
        parent: 0,
        event: None,
        next: Vec::new(),
    }];
    let mut known = HashMap::from([(begin.fingerprint(), 0)]);
    let mut frontier = VecDeque::from([(0, begin.clone())]);
    let (mut steps, mut ends) = (0, 0);
    while let Some((number, world)) = frontier.pop_front() {
        let events = world.events();
        if events.iter().all(|event| matches!(event, Event::Fault(_))) {
            ends += 1;
            let is_over = |status: &Status| !matches!(status, Status::Asks(_));
            let all_over = world.instances.iter().all(|instance| is_over(&instance.status));
            let judged = if all_over {
                (claim.end)(&world)
            } else {
                Err("somebody waits for ever".to_owned())
            };
            judged.unwrap_or_else(|broken| fall(begin, &nodes, number, None, &broken));
        }
        for event in events {
            steps += 1;
            let judged = world.after(event).and_then(|next| {
                (claim.step)(&world, event, &next)?;
                Ok(next)
            });
            let next = judged.unwrap_or_else(|broken| fall(begin, &nodes, number, Some(event), &broken));
            let found = *known.entry(next.fingerprint()).or_insert_with(|| {
                nodes.push(Node {
                    parent: number,
                    event: Some(event),
                    next: Vec::new(),
                });
                frontier.push_back((nodes.len() - 1, next));
                nodes.len() - 1
            });
            if !matches!(event, Event::Fault(_)) {
                nodes[number].next.push(found);
            }
        }
    }
    Explored {
        states: nodes.len(),
        steps,
        ends,
        longest: longest(&nodes),
    }
}

/// The length of the longest way without a fault.
///
/// # Panics
/// Where such a way leads in a circle: somebody could go round for ever though nothing goes wrong.
fn longest(nodes: &[Node]) -> u32 {
    let mut ways_in = vec![0_u32; nodes.len()];
    for next in nodes.iter().flat_map(|node| &node.next) {
        ways_in[*next] += 1;
    }
    let mut length = vec![0_u32; nodes.len()];
    let mut ready: Vec<usize> = (0..nodes.len()).filter(|node| ways_in[*node] == 0).collect();
    let mut done = 0;
    while let Some(node) = ready.pop() {
        done += 1;
        for next in &nodes[node].next {
            length[*next] = length[*next].max(length[node] + 1);
            ways_in[*next] -= 1;
            if ways_in[*next] == 0 {
                ready.push(*next);
            }
        }
    }
    assert_eq!(done, nodes.len(), "without a fault somebody goes round in a circle");
    length.into_iter().max().unwrap_or_default()
}

fn fall(begin: &World, nodes: &[Node], mut number: usize, last: Option<Event>, broken: &str) -> ! {
    let mut events: Vec<Event> = last.into_iter().collect();
    while let Some(event) = nodes[number].event {
        events.push(event);
        number = nodes[number].parent;
    }
    events.reverse();
    let mut trace = String::new();
    let mut world = begin.clone();
    for event in events {
        trace.push_str(&format!("  {event:?}\n"));
        match world.after(event) {
            Ok(next) => world = next,
            Err(_) => break,
        }
    }
    panic!("{broken}, after\n{trace}in {world:#?}")
}
