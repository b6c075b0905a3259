// Small applications on the built `@doorward/client`, bundled as their users bundle theirs.

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));
const dist = (name) => path(`../packages/client/dist/${name}.js`);

/** The script of `e2e/pages/client/NAME`; `replaced` are modules that give way to others, by their name in an import. */
export async function clientScript(name, { folder = 'pages/client', replaced = {} } = {}) {
  if (!existsSync(dist('index'))) throw new Error('the browser package is not built: (cd packages/client && npm ci && npm run build)');
  const { outputFiles: [script] } = await build({
    entryPoints: [path(`${folder}/${name}`)],
    bundle: true,
    write: false,
    format: 'esm',
    jsx: 'automatic',
    define: { 'process.env.NODE_ENV': '"production"' },
    alias: {
      '@doorward/client/axios': dist('axios'),
      '@doorward/client/react': dist('react'),
      '@doorward/client/websocket': dist('websocket'),
      '@doorward/client': dist('index'),
      // One React for the application and the package, as an installed package would find it.
      react: path('node_modules/react'),
    },
    plugins: [{
      name: 'replaced',
      setup({ onResolve }) {
        for (const [from, to] of Object.entries(replaced)) {
          onResolve({ filter: new RegExp(`^${from.replaceAll('.', '\\.')}$`) }, () => ({ path: path(to) }));
        }
      },
    }],
    logLevel: 'error',
  });
  return script.text;
}

/** The pages for `serveSite`: at each path of `options` a document with that script, which finds its options on it. */
export async function clientPages(script, options) {
  const document = (settings) => `<!doctype html>
<html lang="en" data-options="${JSON.stringify(settings).replaceAll('&', '&amp;').replaceAll('"', '&quot;')}">
<meta charset="utf-8"><title>Orders</title><link rel="icon" href="data:,">
<button id="read">Read</button> <button id="save">Save</button> <output id="shown"></output>
<div id="root"></div>
<script type="module" src="/client.js"></script>
</html>`;
  return {
    ...Object.fromEntries(Object.entries(options).map(([at, settings]) => [at, document(settings)])),
    '/client.js': await clientScript(script),
  };
}
