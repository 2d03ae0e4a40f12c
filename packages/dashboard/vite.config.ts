import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const { version } = JSON.parse(readFileSync(here('../gateway/package.json'), 'utf8')) as { version: string };

/**
 * What every page asks for once its program runs, and the letters of its first word, are on their way while the program itself is: a link a line, relative to
 * `<base>` as everything is.
 */
const early: Plugin = {
  name: 'early',
  apply: 'build',
  transformIndexHtml: {
    order: 'post',
    handler: (_html, { bundle = {} }) =>
      [
        ['fetch', '../v1/me'],
        ['fetch', '../v1/me/capabilities'],
        ...Object.keys(bundle)
          .filter((file) => file.includes('instrument-sans'))
          .map((file) => ['font', `./${file}`] as const),
      ].map(([as = '', href = '']) => ({ tag: 'link', attrs: { rel: 'preload', as, href, crossorigin: true }, injectTo: 'head' })),
  },
};

export default defineConfig({
  root: here('.'),
  // Every address is relative to `<base>`, which the gateway fills in: it may stand behind any path.
  base: './',
  plugins: [react(), tailwindcss(), early],
  define: { __VERSION__: JSON.stringify(version) },
  resolve: { alias: { '@gatewayops/sdk': here('../sdk/src/index.ts') } },
  build: {
    outDir: here('../gateway/ui'),
    emptyOutDir: true,
    target: 'es2023',
    // What a chunk weighs is held by test/journeys of the dashboard, after compression.
    chunkSizeWarningLimit: 1000,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    manifest: 'manifest.json',
    // What is built in is of others too, whose licences go with it.
    license: { fileName: 'third-party.md' },
  },
});
