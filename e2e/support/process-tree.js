// Signals to a process and whatever descends from it; all have obeyed when a call returns.
//
// By descent and not by group: PostgreSQL gives each of its processes a group of its own.

import { readdirSync, readFileSync } from 'node:fs';

const LIMIT_MS = 5_000;

/** Stops all where they stand. The root first: it alone starts others, so that the list is whole afterwards. */
export function freezeAll(root) {
  signal(root, 'SIGSTOP');
  settle([root], 'TZX');
  const all = family(root);
  all.forEach((pid) => signal(pid, 'SIGSTOP'));
  settle(all, 'TZX');
}

/** Lets all go on. */
export function thawAll(root) {
  family(root).reverse().forEach((pid) => signal(pid, 'SIGCONT'));
}

/** Kills all. */
export function killAll(root) {
  freezeAll(root);
  const all = family(root);
  all.forEach((pid) => signal(pid, 'SIGKILL'));
  settle(all, 'ZX');
}

/** A process that is gone already needs no signal. */
function signal(pid, name) {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

/** Looks until each is gone or in one of the `states` (letters as in `ps`). */
function settle(pids, states) {
  const deadline = Date.now() + LIMIT_MS;
  const waits = () => {
    const listed = list();
    return pids.filter((pid) => listed.has(pid) && !states.includes(listed.get(pid).state));
  };
  for (let left = waits(); left.length > 0; left = waits()) {
    if (Date.now() > deadline) throw new Error(`expected processes to obey a signal, found ${left} running`);
    // A millisecond without giving up the thread: whoever asked wants all of them to have obeyed.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
  }
}

/** `root` and its descendants, parents before children. */
function family(root) {
  const listed = [...list()];
  const found = [root];
  for (const parent of found) found.push(...listed.filter(([, one]) => one.parent === parent).map(([pid]) => pid));
  return found;
}

/** All processes, from `/proc`: `PID (name) STATE PARENT …`, where the name may hold anything. */
function list() {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return new Map(pids.flatMap((pid) => {
    try {
      const [state, parent] = readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/^.*\) /s, '').split(' ');
      return [[Number(pid), { state, parent: Number(parent) }]];
    } catch {
      return [];
    }
  }));
}
