/**
 * The walls between the gateway's rooms, and around the SDK, as `ARCHITECTURE.md` draws them: parses every import under their src and
 * holds it against the tables below. `node tools/check-walls.ts` prints each breach with its place and the rule.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { parseSync } from 'oxc-parser';

export interface Wall {
  /** Rooms whose values it may import, beside `kernel` and its own files. A path covers everything below it. */
  readonly values: readonly string[];
  /** Rooms that it may not know even by type. Types of all others are free: they are gone at run time. */
  readonly notEvenTypes?: readonly string[];
  /** Packages that it may import, those of Node.js among them; `name/*` for all below it; absent: all. */
  readonly packages?: readonly string[];
}

const rail = ['listener', 'protocol', 'authenticate', 'authorise', 'limit', 'transform', 'cache', 'upstream', 'record'];
const controlPlane = ['control', 'api', 'identity', 'jobs', 'store/registry'];
const onTheRail: Wall = { values: [], notEvenTypes: controlPlane };

/** Path under packages/gateway/src → what it may import. The longest path that fits a file is its wall. */
export const gatewayWalls: Readonly<Record<string, Wall>> = {
  'main.ts': { values: ['cli'] },
  // The only files that construct things: one for the supervisor, one for a worker.
  'assemble.ts': { values: [''] },
  'assemble-worker.ts': { values: [''] },
  // What of a configuration goes to the parts that they construct.
  'assemble-configuration.ts': { values: [''] },
  // The bodies of calls, for the supervisor.
  'assemble-access.ts': { values: [''] },
  'assemble-bodies.ts': { values: [''] },
  // What is done again and again.
  'assemble-chores.ts': { values: [''] },
  // The stores, for the supervisor.
  'assemble-stores.ts': { values: [''] },
  // What listens to calls beside the ledger.
  'assemble-telemetry.ts': { values: [''] },
  // The registry with what stands on it from the first moment.
  'assemble-door.ts': { values: [''] },
  // What the control API remembers of keys.
  'assemble-known-keys.ts': { values: [''] },
  // The issuers of tokens, for the supervisor.
  'assemble-identity.ts': { values: [''] },
  // Those of client certificates.
  'assemble-certificates.ts': { values: [''] },
  'assemble-objects.ts': { values: [''] },
  'assemble-readiness.ts': { values: [''] },
  'assemble-orders.ts': { values: [''] },
  'assemble-providers.ts': { values: [''] },
  'assemble-registry.ts': { values: [''] },
  // Stores that are filled from a backup, without a gateway.
  'assemble-restore.ts': { values: [''] },
  kernel: { values: [], notEvenTypes: [''] },
  // What proves the record: the stores link by it, the control plane and the command line check by it.
  chain: { values: [] },
  config: { values: ['x509'] },
  // Certificates and revocation lists: pure.
  x509: { values: [] },
  plan: { values: ['config'] },
  // What a backup is as a file: written in a running gateway, checked on any machine.
  backup: { values: ['chain'] },

  ...Object.fromEntries(rail.map((room) => [room, onTheRail])),
  // Speaks to servers in their own words: builds on the message vocabulary and the one send.
  consult: { values: ['upstream'], notEvenTypes: controlPlane },
  fabric: { values: ['protocol', 'upstream'], notEvenTypes: controlPlane },
  // The spine: the only room that knows the way of a call.
  exchange: { values: [...rail, 'consult', 'fabric', 'snapshot'], notEvenTypes: controlPlane },

  // A client of the gateway's own door: of the rail it knows the words of the protocol only.
  link: { values: ['protocol'], notEvenTypes: controlPlane },
  snapshot: { values: [] },
  query: { values: [] },
  // The embedded engines are programs of our own; a query becomes SQL there.
  masking: { values: [], notEvenTypes: controlPlane },
  // From a worker to the masking process and to disk; segments are written in the ledger's own row format.
  store: { values: ['process', 'query', 'chain'] },
  bodies: { values: ['masking', 'tokens', 'process', 'record'], notEvenTypes: controlPlane },
  tokens: { values: [], notEvenTypes: controlPlane },
  // A program of its own, also used as a sidecar.
  bridge: { values: [] },
  node: { values: ['assemble.ts', 'assemble-worker.ts', 'assemble-restore.ts', 'process', 'chain'] },
  process: { values: [] },

  // What identity providers say, verified: at its edge the network, of the gateway nothing but its vocabulary.
  identity: { values: ['x509'] },

  control: { values: ['query', 'chain', 'backup', 'identity'] },
  // What is written of a server, a route or another thing of the configuration has one schema, in the file and in the API.
  api: { values: ['control', 'chain', 'backup', 'config'] },
  // The journal's framing is written by `record` and read by `telemetry`: one definition for both.
  telemetry: { values: ['record', 'process', 'chain'] },
  // The check of a backup is a program of its own.
  jobs: { values: ['control', 'process'] },

  cli: { values: ['config', 'plan', 'bridge', 'link', 'node', 'chain', 'backup'] },
};

/** The SDK is one room, which loads wherever there is `fetch`: it imports nothing of the gateway, of Node.js or of others. */
export const sdkWalls: Readonly<Record<string, Wall>> = { '': { values: [''], packages: [] } };

/** The dashboard knows the gateway by its SDK only, and what draws pages. */
export const dashboardWalls: Readonly<Record<string, Wall>> = {
  '': {
    values: [''],
    packages: [
      '@gatewayops/sdk',
      'react',
      'react-dom/client',
      '@base-ui/react/*',
      '@tanstack/react-query',
      '@tanstack/react-router',
      '@tanstack/react-table',
      '@tanstack/react-virtual',
      'chrono-node',
      'chrono-node/en',
      'lucide-react',
      'uplot',
      'uplot/dist/uPlot.min.css',
      'zod/mini',
    ],
  },
};

/** Names that say nothing about the question a room answers. */
const namelessFolders = new Set(['utils', 'util', 'helpers', 'common', 'shared', 'types', 'core', 'lib', 'misc']);

export interface WallReport {
  readonly files: number;
  /** Relative imports and re-exports seen in source files. */
  readonly imports: number;
  /** The same in tests, which may import what they test and what it needs. */
  readonly testImports: number;
  /** `file:line: what and why`, sorted. */
  readonly breaches: readonly string[];
}

/** How the parser calls an import of all that a module has. */
const wholeModule: ReadonlySet<string> = new Set(['Default', 'NamespaceObject']);

interface Import {
  readonly specifier: string;
  readonly line: number;
  readonly kind: 'value' | 'type';
  readonly names: readonly string[];
}

/** Checks every TypeScript file below `source`, which is a package's `src` folder. Paths in the report are relative to it. */
export function checkWalls(source: string, walls: Readonly<Record<string, Wall>>): WallReport {
  const breaches: string[] = [];
  let files = 0;
  let imports = 0;
  let testImports = 0;
  for (const entry of readdirSync(source, { recursive: true, withFileTypes: true })) {
    const path = relative(source, join(entry.parentPath, entry.name));
    if (entry.isDirectory() && namelessFolders.has(entry.name)) {
      breaches.push(`${path}:1: a folder is named for the question it answers; move its files to the rooms that need them`);
    }
    if (!entry.isFile() || !/\.tsx?$/.test(entry.name)) continue;
    files += 1;
    const { found, errors } = readImports(join(source, path));
    breaches.push(...errors.map((error) => `${path}:${error}`));
    for (const one of found) {
      if (one.specifier.startsWith('.')) {
        if (isTest(path)) testImports += 1;
        else imports += 1;
      }
      const breach = isTest(path) ? null : judge(path, one, walls);
      if (breach !== null) breaches.push(`${path}:${one.line}: ${breach}`);
    }
  }
  return { files, imports, testImports, breaches: breaches.sort() };
}

function judge(from: string, one: Import, walls: Readonly<Record<string, Wall>>): string | null {
  if (one.specifier === 'vitest') return 'only tests import vitest';
  if (one.specifier === 'node:process' && !from.startsWith('config/') && one.names.some((name) => name === 'env' || wholeModule.has(name))) {
    return 'the environment is read in config/ only';
  }
  const own = roomOf(from, walls);
  const wall = own === null ? undefined : walls[own];
  if (!one.specifier.startsWith('.')) {
    return wall?.packages?.some((name) => (name.endsWith('/*') ? one.specifier.startsWith(name.slice(0, -1)) : one.specifier === name)) === false
      ? `no package is imported here: ${one.specifier}`
      : null;
  }
  const to = join(dirname(from), one.specifier);
  if (to.startsWith('..')) return `${one.specifier} lies outside of src`;
  if (isTest(to)) return 'only tests import tests';

  if (own === null || wall === undefined) return `no wall stands for this file: add its room to the table in tools/check-walls.ts`;
  if (roomOf(to, walls) === own) return null;
  if (wall.notEvenTypes?.some((room) => covers(room, to)) === true) return `${own} may not know ${to}, not even its types`;
  if (one.kind === 'type' || covers('kernel', to) || wall.values.some((room) => covers(room, to))) return null;
  return `${own} may import only types from ${to}`;
}

function roomOf(path: string, walls: Readonly<Record<string, Wall>>): string | null {
  const fitting = Object.keys(walls).filter((room) => covers(room, path));
  return fitting.sort((a, b) => b.length - a.length)[0] ?? null;
}

function covers(room: string, path: string): boolean {
  return room === '' || path === room || path.startsWith(`${room}/`);
}

function isTest(path: string): boolean {
  return /\.test\.tsx?$/.test(path);
}

function readImports(file: string): { found: Import[]; errors: string[] } {
  const text = readFileSync(file, 'utf8');
  const { module, errors } = parseSync(basename(file), text);
  const lineAt = (offset: number): number => text.slice(0, offset).split('\n').length;
  const found: Import[] = [];
  for (const one of module.staticImports) {
    const onlyTypes = one.entries.length > 0 && one.entries.every((entry) => entry.isType);
    const names = one.entries.map(({ importName }) => importName.name ?? importName.kind);
    found.push({ specifier: one.moduleRequest.value, line: lineAt(one.start), kind: onlyTypes ? 'type' : 'value', names });
  }
  for (const one of module.staticExports) {
    for (const entry of one.entries) {
      if (entry.moduleRequest) found.push({ specifier: entry.moduleRequest.value, line: lineAt(one.start), kind: entry.isType ? 'type' : 'value', names: [] });
    }
  }
  const problems = errors.map((error) => `1: cannot be parsed: ${error.message}`);
  for (const one of module.dynamicImports) {
    const written = text.slice(one.moduleRequest.start, one.moduleRequest.end);
    const literal = /^(['"`])([^'"`$]*)\1$/.exec(written)?.[2];
    if (literal === undefined) problems.push(`${lineAt(one.start)}: import(${written}) cannot be checked: write the path as a literal`);
    else found.push({ specifier: literal, line: lineAt(one.start), kind: 'value', names: ['NamespaceObject'] });
  }
  return { found, errors: problems };
}

/** A check that sees fewer imports than `importsMin` has gone blind, for instance because folders moved. */
const packages = [
  { source: 'packages/gateway/src', walls: gatewayWalls, importsMin: 400 },
  { source: 'packages/sdk/src', walls: sdkWalls, importsMin: 20 },
  { source: 'packages/dashboard/src', walls: dashboardWalls, importsMin: 100 },
];

if (import.meta.main) {
  for (const { source, walls, importsMin } of packages) {
    const report = checkWalls(join(import.meta.dirname, '..', source), walls);
    for (const breach of report.breaches) console.log(`${source}/${breach}`);
    console.log(`${source}: ${report.imports} imports in ${report.files} files (and ${report.testImports} in tests), ${report.breaches.length} breaches`);
    if (report.imports < importsMin) console.log(`fewer than ${importsMin} imports were seen: the check does not see the source`);
    if (report.breaches.length > 0 || report.imports < importsMin) process.exitCode = 1;
  }
}
