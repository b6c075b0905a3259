// Builds `dist` and says what it weighs.

import { execFileSync } from 'node:child_process';
import { copyFile, readdir, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { CORE_LIMIT, kilobytes, sizes } from './sizes.js';

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));

await rm(at('dist'), { recursive: true, force: true });
execFileSync(process.execPath, [at('node_modules/typescript/bin/tsc'), '-p', at('tsconfig.json')], { stdio: 'inherit' });
// A package carries its licences with it.
for (const name of await readdir(at('../..'))) if (name.startsWith('LICENSE-')) await copyFile(at(`../../${name}`), at(`dist/${name}`));

const rows = await sizes();
for (const [label, bytes] of rows) console.log(`${kilobytes(bytes).padStart(8)}  ${bytes.toString().padStart(5)} B  ${label.replaceAll('`', '')}`);
const [[, core]] = rows;
if (core > CORE_LIMIT) {
  console.error(`the core weighs ${core} bytes, ${CORE_LIMIT} are the limit`);
  process.exit(1);
}
