/**
 * `npm start`: installs what is missing and starts the gateway on the quickstart configuration. Arguments are passed on:
 * `npm start -- --listen 127.0.0.1:0 -o json`.
 */
import { join, relative } from 'node:path';
import { becomeNode, isSupportedNode } from '../packages/gateway/bin/pinned-node.js';
import { ensureDashboard } from './build-dashboard.mjs';
import { ensureInstalled, root } from './install.mjs';

const node = await ensureInstalled();
ensureDashboard(node);
const gateway = join(root, 'packages', 'gateway', 'bin', 'gateway.js');
const config = join('examples', 'quickstart', 'gateway.yaml');

process.chdir(root);
const args = ['start', '--config', config, '--state', '.gatewayops', ...process.argv.slice(2)];
if (isSupportedNode(process.versions.node)) {
  // Already the right Node.js: one process less between npm and the gateway.
  process.argv = [process.execPath, gateway, ...args];
  await import(`../${relative(root, gateway)}`);
} else {
  await becomeNode(node, [gateway, ...args]);
}
