// Starts a program and waits until it can answer, and stops it again; keeps everything it printed.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const EXAMPLES = process.env.DOORWARD_EXAMPLES ?? fileURLToPath(new URL('../../target/debug/examples', import.meta.url));
const START_LIMIT_MS = 30_000;
const PAUSE_MS = 20;

const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));
// The test runner ends a file that takes too long with SIGTERM, which by itself would leave the children behind.
process.once('SIGTERM', () => process.exit(1));

/**
 * Starts `binary`; resolves once it has printed `lines` lines `ready URL`, with these URLs as `ready`.
 *
 * A program that prints no such lines is asked instead: `answers` is called until it resolves. `ownGroup` puts it at the
 * head of a process group, so that all it starts can be signalled together; `onStart` hears its number at once.
 */
export async function startProcess(binary, args, { env = {}, lines = 1, answers, ownGroup = false, onStart } = {}) {
  const child = spawn(binary, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'], detached: ownGroup });
  running.add(child);
  if (child.pid) onStart?.(child.pid);
  const ended = once(child, 'exit').then(([code, signal]) => {
    running.delete(child);
    return code ?? signal;
  });
  const printed = { stdout: '', stderr: '' };
  child.stderr.setEncoding('utf8').on('data', (text) => { printed.stderr += text; });
  const ready = await new Promise((resolve, reject) => {
    let settled = false;
    let met = '';
    const timer = setTimeout(() => { child.kill('SIGKILL'); fail(`did not get ready${met}`); }, START_LIMIT_MS);
    const settle = (end, value) => {
      settled = true;
      clearTimeout(timer);
      end(value);
    };
    const fail = (why) => settle(reject, new Error(`${binary} ${args.join(' ')} ${why}\n${printed.stdout}${printed.stderr}`.slice(0, 4000)));
    child.on('error', fail);
    ended.then((code) => fail(`ended with ${code}`), () => {});
    child.stdout.setEncoding('utf8').on('data', (text) => {
      printed.stdout += text;
      const urls = [...printed.stdout.matchAll(/^ready (\S+)\r?\n/gm)].map((match) => match[1]);
      if (!answers && urls.length >= lines) settle(resolve, urls);
    });
    const ask = () => answers().then(
      () => settle(resolve, []),
      (error) => { met = `: ${error.message}`; if (!settled) setTimeout(ask, PAUSE_MS); },
    );
    if (answers) ask();
  });
  return {
    ready,
    pid: child.pid,
    /** Everything printed so far, both streams. */
    output: () => printed.stdout + printed.stderr,
    /** Asks it to stop as an operator would, and answers with the exit code, or the signal that ended it. */
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      return ended;
    },
    /** Resolves with the exit code, or the signal that ended it. */
    ended,
  };
}

/** Starts one of the crate's examples (`cargo build -p doorward --examples`), set up by its environment. */
export async function startExample(name, env) {
  const { ready: [url], ...rest } = await startProcess(join(EXAMPLES, name), [], { env });
  return { url, ...rest };
}
