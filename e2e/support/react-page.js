// The React application of `e2e/pages/react`, bundled as its users bundle theirs.

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const file = (name) => fileURLToPath(new URL(`../pages/react/${name}`, import.meta.url));

/** The pages for `serveSite`: the same document at each of `paths`, and its script. */
export async function reactPages(paths) {
  const { outputFiles: [script] } = await build({
    entryPoints: [file('app.jsx')],
    bundle: true,
    write: false,
    format: 'esm',
    jsx: 'automatic',
    define: { 'process.env.NODE_ENV': '"production"' },
    logLevel: 'error',
  });
  const document = await readFile(file('index.html'), 'utf8');
  return { ...Object.fromEntries(paths.map((path) => [path, document])), '/app.js': script.text };
}
