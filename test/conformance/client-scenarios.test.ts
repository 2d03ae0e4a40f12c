/**
 * The client scenarios of the official suite, judged on what the gateway sends to the suite's own servers: its client stands behind the
 * gateway (`client.ts --gateway`), the same for all. Scenarios of authorization are those of the gateway's own OAuth client and stand with it.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { nodePath, repositoryFolder } from '../support/node-path.ts';
import { removeGatewayFolders, startGateway, type RunningGateway } from '../support/start-gateway.ts';

const run = promisify(execFile);
const suite = join(repositoryFolder, 'node_modules', '@modelcontextprotocol', 'conformance', 'dist', 'index.js');
const client = join(import.meta.dirname, 'client.ts');

const scenarios = {
  '2025-11-25': ['initialize', 'tools_call', 'elicitation-sep1034-client-defaults', 'sse-retry', 'json-schema-2020-12-preservation'],
  '2026-07-28': [
    'tools_call',
    'request-metadata',
    'sep-2322-client-request-state',
    'http-standard-headers',
    'http-custom-headers',
    'http-invalid-tool-headers',
    'json-schema-ref-no-deref',
    'json-schema-2020-12-preservation',
  ],
};

let gateway: RunningGateway;
beforeAll(async () => {
  gateway = await startGateway({ config: { workers: 1, servers: [], routes: [], log: { level: 'error' } } });
});
afterAll(async () => {
  await gateway.stop();
  removeGatewayFolders();
});

test.each(Object.entries(scenarios).flatMap(([version, names]) => names.map((name) => [version, name] as const)))(
  'client scenario of %s: %s',
  { timeout: 60_000 },
  async (version, name) => {
    const folder = mkdtempSync(join(tmpdir(), 'gwo-scenario-'));
    const args = [
      suite,
      'client',
      '--command',
      `${nodePath} ${client} --gateway ${gateway.configFile} ${gateway.mcp}`,
      '--scenario',
      name,
      '--spec-version',
      version,
    ];
    try {
      const { stdout, stderr } = await run(nodePath, args, { cwd: folder, timeout: 50_000 }).catch(
        (error: unknown) => error as { stdout: string; stderr: string },
      );
      expect(`${stdout}\n${stderr}`).toContain('OVERALL: PASSED');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
