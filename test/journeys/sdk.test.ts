import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { lexer } from 'marked';
import { nodePath, repositoryFolder } from '../support/node-path.ts';
import { until } from '../support/poll.ts';
import { post } from '../support/post.ts';
import { gatewayEnvironment, removeGatewayFolders, type RunningGateway, startGateway, temporaryFolder } from '../support/start-gateway.ts';

/** The SDK as who installs it has it: built as it is published, with the examples of its README as programs of their own. */
const sdkFolder = join(repositoryFolder, 'packages', 'sdk');
const tsc = [nodePath, join(repositoryFolder, 'node_modules', 'typescript', 'bin', 'tsc')] as const;
let gateway: RunningGateway;
let project: string;
let names: readonly string[];

beforeAll(async () => {
  const folder = temporaryFolder();
  const files = join(folder, 'files');
  mkdirSync(files);
  writeFileSync(join(files, 'welcome.txt'), 'read through the SDK');
  const program = (name: string): string => join(repositoryFolder, 'node_modules', '@modelcontextprotocol', name, 'dist', 'index.js');
  const starting = startGateway({
    readyTimeoutMs: 150_000,
    config: {
      workers: 1,
      servers: [
        { name: 'everything', transport: 'stdio', command: [nodePath, program('server-everything')] },
        { name: 'filesystem', transport: 'stdio', command: [nodePath, program('server-filesystem'), files], processes: 'shared' },
      ],
      pricing: { default: { per_call: 0.001 } },
    },
  });
  project = join(folder, 'project');
  const installed = join(project, 'node_modules', '@gatewayops', 'sdk');
  mkdirSync(installed, { recursive: true });
  cpSync(join(sdkFolder, 'package.json'), join(installed, 'package.json'));
  run(...tsc, '-p', join(sdkFolder, 'tsconfig.pack.json'), '--outDir', join(installed, 'dist'));
  names = writeExamples();
  gateway = await starting;
  await until(async () => (await post(`${gateway.url}/readyz`)).text.includes('"servers":{"ready":2,'), { what: 'the stdio servers', timeoutMs: 60_000 });
  // The example of lists reads what has come to the ledger.
  const asked = await post(
    `${gateway.url}/v1/mcp/filesystem/tools/call`,
    { tool: 'read_text_file', arguments: { path: 'welcome.txt' } },
    { key: gateway.apiKey },
  );
  const { trace_id: trace } = (JSON.parse(asked.text) as { metadata: { trace_id: string } }).metadata;
  await until(async () => (await post(`${gateway.url}/v1/traces/${trace}`, undefined, { key: gateway.apiKey })).status === 200, {
    what: 'the call',
    timeoutMs: 60_000,
  });
}, 240_000);

afterAll(async () => {
  await gateway?.stop();
  removeGatewayFolders();
});

/** Each `ts` block of the README as a file; their names in order. */
function writeExamples(): readonly string[] {
  const blocks = lexer(readFileSync(join(sdkFolder, 'README.md'), 'utf8')).flatMap((token) =>
    token.type === 'code' && token.lang === 'ts' ? [String(token.text)] : [],
  );
  writeFileSync(join(project, 'package.json'), '{"type":"module"}');
  const options = {
    target: 'es2022',
    module: 'nodenext',
    lib: ['es2023', 'dom', 'dom.iterable'],
    types: [],
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
  };
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: blocks.map((_block, index) => `example-${index}.ts`) }));
  return blocks.map((block, index) => {
    writeFileSync(join(project, `example-${index}.ts`), block);
    return `example-${index}.ts`;
  });
}

function run(file: string, ...args: string[]): string {
  const env = gatewayEnvironment(gateway === undefined ? {} : { GATEWAYOPS_URL: gateway.url, GATEWAYOPS_API_KEY: gateway.apiKey ?? '' });
  const { status, stdout, stderr } = spawnSync(file, args, { cwd: project, env, encoding: 'utf8', timeout: 120_000 });
  expect([args, status, `${status === 0 ? '' : stdout}${stderr}`]).toEqual([args, 0, '']);
  return stdout;
}

test('the examples of the README compile with the types of the package', () => {
  expect(names.length).toBeGreaterThan(8);
  expect(run(...tsc, '-p', project, '--pretty', 'false')).toBe('');
});

test('the examples of the README run against a gateway', () => {
  // One process for all: each is a module that has ended when the next begins.
  writeFileSync(join(project, 'all.js'), names.map((name) => `console.log('=== ${name}');\nawait import('./${name}');\n`).join(''));
  const printed = run(nodePath, 'all.js')
    .split(/^=== .*\n/m)
    .slice(1);
  expect(printed).toHaveLength(names.length);
  const [first, tools, progress, traces, live, faults, health, changes, configured, around, webhook, ownTrace, rest] = printed;
  expect(first).toMatch(/read through the SDK[\s\S]*tr_[0-9a-f]{32} 0\.001\n[\d.e-]+ USD\n$/);
  expect(tools).toMatch(/^read_text_file /m);
  expect(progress).toMatch(/^1 of 2\n2 of 2\n[\s\S]*completed/);
  expect(traces).toMatch(/^tr_[0-9a-f]{32} read_text_file success$/m);
  expect(live).toMatch(/^list_allowed_directories success [\d.]+\n$/);
  expect(faults).toMatch(/^not_found [^\n]+ req_\w+ tr_[0-9a-f]{32}\n$/);
  expect(health).not.toBe('undefined\n');
  expect(changes).toBe('planned changed\n');
  expect(configured).toMatch(/^masking_rule employee-number 2\n\[ 'add traces' \]\n$/);
  expect(around).toMatch(/^1 GET http:\S+\/v1\/me 200 \d+\nkey\n$/);
  expect(webhook).toBe('');
  expect(ownTrace).toContain('4bf92f3577b34da6a3ce929d0e0e4736');
  expect(rest).toMatch(/^\d+ \d+\n$/);
});
