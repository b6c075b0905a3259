// How much of a page's weight each part is: minified and gzipped, as a page would load it.

import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

/** The core may weigh so many bytes. */
export const CORE_LIMIT = 3000;

const CORE = "export { createClient, DoorwardError } from './index.js';";
/** Label and module; each part is weighed together with the core, and counts what it adds. */
const PARTS = [
  ['`createClient` with `client.fetch` (the core)', ''],
  ['`redirectToLogin`, `redirectToLogout`, `getCsrfToken`', "export { redirectToLogin, redirectToLogout, getCsrfToken } from './index.js';"],
  ['`getSession`', "export { getSession } from './index.js';"],
  ['`getToken`', "export { getToken } from './index.js';"],
  ['`onSessionChange`', "export { onSessionChange } from './index.js';"],
  ['`@doorward/client/axios`', "export * from './axios.js';"],
  ['`@doorward/client/websocket`', "export * from './websocket.js';"],
  ['`@doorward/client/react` (all of the above but the adapters)', "export * from './react.js';"],
];

async function weigh(contents) {
  const { outputFiles: [file] } = await build({
    stdin: { contents, resolveDir: new URL('../dist', import.meta.url).pathname },
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    external: ['react', 'axios'],
    logLevel: 'error',
  });
  return gzipSync(file.contents, { level: 9 }).length;
}

/** Rows of label and bytes, the core first. */
export async function sizes() {
  const core = await weigh(CORE);
  return Promise.all(PARTS.map(async ([label, contents], index) => [label, index ? await weigh(`${CORE}\n${contents}`) - core : core]));
}

/** Bytes as people read them. */
export const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;

export const table = (rows) => [
  '| part | minified and gzipped |',
  '|---|---|',
  ...rows.map(([label, bytes], index) => `| ${label} | ${index ? '+ ' : ''}${kilobytes(bytes)} |`),
].join('\n');
