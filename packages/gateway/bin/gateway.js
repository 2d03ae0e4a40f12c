#!/usr/bin/env node
/**
 * The command `gateway`: picks the pinned Node.js, then runs the program. From a checkout that is `src/main.ts` as written;
 * a published package carries `dist/main.js`, because Node.js strips no types under `node_modules`.
 */
import { existsSync } from 'node:fs';
import module from 'node:module';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { becomeNode, explainMissingNode, findPinnedNode, isSupportedNode } from './pinned-node.js';

const self = fileURLToPath(import.meta.url);
const packageFolder = dirname(dirname(self));

if (isSupportedNode(process.versions.node)) {
  // Compiled code kept between runs saves a good part of the time to start. In this user's own folder, not in the shared
  // temporary one: whoever can write the cache can put code into the gateway. Where it cannot be written, there is none.
  const cache = cacheFolder();
  if (cache !== null) module.enableCompileCache(cache);
  const source = join(packageFolder, 'src', 'main.ts');
  await import(pathToFileURL(existsSync(source) ? source : join(packageFolder, 'dist', 'main.js')).href);
} else {
  const node = findPinnedNode(packageFolder);
  if (node === null) {
    console.error(
      explainMissingNode(existsSync(join(packageFolder, 'src')) ? 'run `npm install --include=optional` in the checkout' : 'run `npm install gatewayops`'),
    );
    process.exit(1);
  }
  await becomeNode(node, [...process.execArgv, self, ...process.argv.slice(2)]);
}

/** Null for a user without a home, as in a container that runs as any number. */
function cacheFolder() {
  try {
    const folder = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
    return isAbsolute(folder) ? join(folder, 'gatewayops') : null;
  } catch {
    return null;
  }
}
