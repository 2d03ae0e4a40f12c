/**
 * `npm run clients`: Claude Code and Codex, as npm has them, sign in at a gateway of which they know the address and nothing else: as clients that register
 * themselves, and as clients whose documents the operator vouches for, for what lies on the internet is not asked here. What needs an account at their makers is not
 * tried. Installs them first (800 MB). Ends with 1 where one does not come in. Needs `script` (Debian: bsdutils), for one speaks to terminals only.
 */
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openLink, type Person } from '../support/person.ts';
import { startReference } from '../support/reference.ts';
import { programEnvironment, signInProgram } from '../support/sign-in-program.ts';
import { removeGatewayFolders, startGateway, type RunningGateway } from '../support/start-gateway.ts';

const folder = import.meta.dirname;
const run = promisify(execFile);
const program = (name: string): string => join(folder, 'node_modules', '.bin', name);

interface Client {
  readonly name: string;
  readonly document: { readonly client_id: string; readonly name: string; readonly redirect_uris: readonly string[] };
  /** Adds the address and signs in there. */
  signIn(person: Person, address: string, home: string): Promise<void>;
  /** What it says of the server afterwards, and what that must have in it. */
  readonly list: readonly string[];
  readonly isIn: RegExp;
}

const clients: readonly Client[] = [
  {
    name: 'Claude Code',
    document: {
      client_id: 'https://claude.ai/oauth/claude-code-client-metadata',
      name: 'Claude Code',
      redirect_uris: ['http://localhost/callback', 'http://127.0.0.1/callback'],
    },
    async signIn(person, address, home) {
      await run(program('claude'), ['mcp', 'add', '--transport', 'http', 'gateway', address], { env: programEnvironment(home), cwd: home });
      await signInProgram(person, [program('claude'), 'mcp', 'login', 'gateway'], { home, terminal: true });
    },
    list: [program('claude'), 'mcp', 'list'],
    isIn: /gateway: .*Connected/,
  },
  {
    name: 'Codex',
    document: {
      client_id: 'https://chatgpt.com/oauth/codex/client.json',
      name: 'Codex',
      redirect_uris: ['http://127.0.0.1/callback', 'http://localhost/callback'],
    },
    async signIn(person, address, home) {
      await signInProgram(person, [program('codex'), 'mcp', 'add', 'gateway', '--url', address], { home });
    },
    list: [program('codex'), 'mcp', 'list'],
    isIn: /gateway .*\bOAuth\b/,
  },
];

const takes = { auth: { type: ['apiKey', 'oauth'] } };
const ways = {
  'registers itself': { dynamic_registration: true, client_documents: { enabled: false } },
  'has a document': { clients: clients.map(({ document }) => document) },
};

execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'] });
const reference = await startReference();
try {
  for (const [way, authorizationServer] of Object.entries(ways)) {
    const gateway = await startGateway({
      config: {
        workers: 1,
        servers: [{ name: 'reference', url: reference.url }],
        routes: [{ server: 'reference', ...takes }],
        aggregate: takes,
        identity: { authorization_server: authorizationServer },
      },
    });
    try {
      const person = await openLink(gateway.adminLink ?? '');
      for (const client of clients) await tryClient(client, way, gateway, person);
    } finally {
      await gateway.stop();
    }
  }
} finally {
  await reference.stop();
  removeGatewayFolders();
}

async function tryClient(client: Client, way: string, gateway: RunningGateway, person: Person): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'gwo-client-'));
  try {
    const [file = '', ...args] = client.list;
    const { stdout: version } = await run(file, ['--version'], { env: programEnvironment(home), cwd: home });
    await client.signIn(person, gateway.mcp, home);
    const { stdout: listed } = await run(file, args, { env: programEnvironment(home), cwd: home, timeout: 60_000 });
    const said = await gateway.cli('grants', 'list', '-o', 'json');
    const { grants } = JSON.parse(said.stdout) as { grants: readonly { readonly status: string; readonly client_name: string }[] };
    const isIn = client.isIn.test(listed) && grants[0]?.status === 'active';
    console.log(`${isIn ? '✓' : '✕'} ${client.name} (${version.trim()}) ${way}: ${isIn ? 'signed in' : `not signed in\n${listed}\n${said.stdout}`}`);
    if (!isIn) process.exitCode = 1;
  } catch (error) {
    console.error(`✕ ${client.name} ${way}:`, error);
    process.exitCode = 1;
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}
