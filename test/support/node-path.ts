/** The Node.js that the product runs on, which is not always the one that runs the tests. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const repositoryFolder = fileURLToPath(new URL('../..', import.meta.url));

const pinned = join(repositoryFolder, 'node_modules', '.bin', 'node');

/** Absolute path of the pinned Node.js; without it (a platform that npm has none for) the one that runs this. */
export const nodePath: string = existsSync(pinned) ? pinned : process.execPath;
