import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const { version } = JSON.parse(readFileSync(here('../gateway/package.json'), 'utf8')) as { version: string };

export default defineConfig({
  root: here('.'),
  // Every address is relative to `<base>`, which the gateway fills in: it may stand behind any path.
  base: './',
  plugins: [react(), tailwindcss()],
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
