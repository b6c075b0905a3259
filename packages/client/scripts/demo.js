// The client as the demo of `doorward dev` carries it: one readable module, so that the demo needs no Node.js.

import { build } from 'esbuild';

export const DEMO = new URL('../../../crates/doorward-gateway/assets/client.js', import.meta.url);

const HEAD = `// @doorward/client as one file. Generated from packages/client by \`npm run refresh\` there; CI proves it fresh.
`;

export async function bundle() {
  const { outputFiles: [file] } = await build({
    stdin: { contents: "export * from './index.js';\nexport * from './websocket.js';", resolveDir: new URL('../dist', import.meta.url).pathname },
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    charset: 'utf8',
    legalComments: 'none',
    logLevel: 'error',
  });
  // Where each part stood is told by paths that depend on where the bundle was made.
  return HEAD + file.text.replace(/^\/\/ (\.\.\/)*(dist|src)\/.*\n/gm, '');
}
