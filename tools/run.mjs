/** `node tools/run.mjs FILE ARGS…`: installs what is missing, then runs a TypeScript file on the pinned Node.js. */
import { becomeNode } from '../packages/gateway/bin/pinned-node.js';
import { ensureInstalled } from './install.mjs';

const [file, ...args] = process.argv.slice(2);
if (file === undefined) {
  console.error('error: no file was named\nfix: node tools/run.mjs FILE ARGS…');
  process.exit(2);
}
await becomeNode(await ensureInstalled(), [file, ...args]);
