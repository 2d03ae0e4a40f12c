import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { processEnvironment } from '../bridge/process-environment.ts';
import { Fault } from '../kernel/fault.ts';
import { configFaultsOf, type ConfigFault } from './config-fault.ts';
import type { Config } from './config.ts';
import { loadConfig, type LoadOptions } from './load.ts';

const folder = mkdtempSync(join(tmpdir(), 'gatewayops-config-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const env = { PATH: `${dirname(process.execPath)}:/usr/bin:/bin` };

function load(text: string | Buffer, more: Partial<LoadOptions> = {}): Config {
  const file = join(folder, 'gateway.yaml');
  writeFileSync(file, text);
  return loadConfig({ file, env, ...more });
}

function faultOf(action: () => unknown): Fault {
  try {
    action();
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error('no fault was found');
}

function faultsOf(text: string, more: Partial<LoadOptions> = {}): readonly ConfigFault[] {
  const fault = faultOf(() => load(text, more));
  expect(fault.code).toBe('config_invalid');
  for (const one of configFaultsOf(fault)) {
    for (const words of [one.message, one.cause, one.fix]) {
      expect(words).toMatch(/\w{2}/);
      expect(words).not.toMatch(/Invalid input|undefined|\[object|ZodError/);
    }
  }
  return configFaultsOf(fault);
}

function places(faults: readonly ConfigFault[]): string[] {
  return faults.map(({ line, column, path }) => `${line}:${column} ${path}`);
}

const first = `version: 1
listen: { http: 127.0.0.1:8080 }          # any other address than loopback needs authentication and real secrets
servers:
  - name: filesystem
    transport: stdio                        # http (default) | stdio; later sse, websocket
    command: [node, -y, "@modelcontextprotocol/server-filesystem", ./files]   # an argv, never a shell
    env: { LANG: C.UTF-8 }                  # nothing else of the gateway's environment is passed
  - name: search
    url: https://search.example/mcp
    timeout: 30s
    credential: { type: bearer, secret: { env: SEARCH_TOKEN } }
routes:                                     # a server without a route is served at /mcp/{name} with auth apiKey
  - server: search
    auth: { type: apiKey }                  # apiKey | none; later jwt, oauth
    timeout: 20s
pricing:
  default: { per_call: 0.001, per_token_input: 0.00001, per_token_output: 0.00003 }
  overrides: [{ server: search, tool: query, per_call: 0.01 }]
`;

describe('a configuration', () => {
  test('of the first shape is read whole, with defaults filled in', () => {
    const config = load(first);
    expect(config.listen).toEqual({
      host: '127.0.0.1',
      port: 8080,
      hosts: [],
      origins: [],
      websocket: false,
      sse: false,
      metrics: null,
      tls: null,
      publicUrl: null,
    });
    expect(config.servers).toEqual([
      {
        name: 'filesystem',
        transport: 'stdio',
        command: [join(dirname(process.execPath), 'node'), '-y', '@modelcontextprotocol/server-filesystem', './files'],
        env: { LANG: 'C.UTF-8' },
        cwd: folder,
        processes: 'session',
        timeoutMs: 60_000,
        connectionsMax: 1000,
      },
      {
        name: 'search',
        transport: 'http',
        url: 'https://search.example/mcp',
        credential: { type: 'bearer', secret: { env: 'SEARCH_TOKEN' } },
        timeoutMs: 30_000,
        connectionsMax: 1000,
      },
    ]);
    expect(config.routes).toEqual([
      { server: 'filesystem', path: '/mcp/filesystem', auth: { type: 'apiKey' }, timeoutMs: 60_000 },
      { server: 'search', path: '/mcp/search', auth: { type: 'apiKey' }, timeoutMs: 20_000 },
    ]);
    expect(config.rateLimits).toEqual([{ scope: 'api_key', keyPrefix: null, limit: 500, windowMs: 60_000, burst: 0 }]);
    expect(config.keys).toEqual({ environment: 'dev', bcryptCost: 12 });
    expect(config.retention.tracesDays).toBe(30);
    expect(config.workers).toBeGreaterThanOrEqual(1);
  });

  test('holds money exactly as written; what an override leaves out stays left out', () => {
    const { pricing } = load(`${first.slice(0, first.indexOf('pricing:'))}pricing:
  default: { per_call: 0.1, per_token_input: 1e-9, per_token_output: 9007199.254740991, per_second: 0.0005 }
  overrides:
    - { server: search, per_call: 0.2 }
    - { server: search, tool: query, per_token_input: "0.3" }
    - { server: filesystem, tool: read, per_call: 0 }
`);
    expect(pricing?.default).toEqual({
      perCallNano: 100_000_000n,
      perTokenInputNano: 1n,
      perTokenOutputNano: 9_007_199_254_740_991n,
      perSecondNano: 500_000n,
    });
    expect(pricing?.overrides).toEqual([
      { server: 'search', tool: null, perCallNano: 200_000_000n },
      { server: 'search', tool: 'query', perTokenInputNano: 300_000_000n },
      { server: 'filesystem', tool: 'read', perCallNano: 0n },
    ]);
  });

  test('without pricing says nothing of prices, and trusts a server with its own costs only where it is told to', () => {
    const config = load(
      'version: 1\nservers:\n  - { name: a, url: http://a/mcp, reported_cost_max: 0.5 }\n  - { name: b, url: http://b/mcp }\n  - { name: c, url: http://c/mcp, reported_cost_max: 1 }\n',
      { env: { ...env, MCP_SERVER_C_URL: 'http://elsewhere/mcp' } },
    );
    expect(config.pricing).toBe(null);
    expect(config.servers.map(({ reportedCostMaxNano }) => reportedCostMaxNano)).toEqual([500_000_000n, undefined, undefined]);
  });

  test('without a file is the defaults', () => {
    const config = loadConfig({ file: null, env });
    expect(config).toMatchObject({ file: null, servers: [], routes: [], listen: { host: '127.0.0.1', port: 8080 }, log: { level: 'info', format: 'json' } });
  });

  test('cannot be changed afterwards', () => {
    const config = load(first);
    expect(() => Object.assign(config.listen, { host: '0.0.0.0' })).toThrow(TypeError);
    expect(() => (config.servers as unknown[]).push({})).toThrow(TypeError);
    expect(Object.isFrozen(config.pricing?.overrides[0])).toBe(true);
  });

  test('takes paths relative to its file, wherever the gateway is started', () => {
    mkdirSync(join(folder, 'deep', 'files'), { recursive: true });
    const program = join(folder, 'deep', 'run.sh');
    writeFileSync(program, '#!/bin/sh\n', { mode: 0o755 });
    writeFileSync(
      join(folder, 'deep', 'gateway.yaml'),
      'version: 1\nservers: [{ name: a, transport: stdio, command: [./run.sh], cwd: files, env: { T: { file: t.key } } }]\n',
    );
    const [server] = loadConfig({ file: join(folder, 'deep', 'gateway.yaml'), env }).servers;
    expect(server).toMatchObject({ command: [program], cwd: join(folder, 'deep', 'files'), env: { T: { file: join(folder, 'deep', 't.key') } } });
  });

  test('finds a program in node_modules/.bin upwards of its cwd', () => {
    const bin = join(folder, 'node_modules', '.bin');
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, 'my-mcp-server'), '#!/bin/sh\n', { mode: 0o755 });
    mkdirSync(join(folder, 'a', 'b'), { recursive: true });
    expect(load('version: 1\nservers: [{ name: a, transport: stdio, command: [my-mcp-server], cwd: a/b }]').servers[0]).toMatchObject({
      command: [join(bin, 'my-mcp-server')],
    });
  });

  test('passes over folders of PATH that cannot be looked into', () => {
    symlinkSync('loop', join(folder, 'loop'));
    writeFileSync(join(folder, 'my-other-server'), '#!/bin/sh\n', { mode: 0o755 });
    const text = 'version: 1\nservers: [{ name: a, transport: stdio, command: [my-other-server] }]';
    expect(load(text, { env: { ...env, PATH: `${join(folder, 'loop')}:${folder}` } }).servers[0]).toMatchObject({ command: [join(folder, 'my-other-server')] });
  });

  test('may use anchors and aliases', () => {
    const { pricing } = load(
      'version: 1\nservers: [{ name: a, url: http://a/mcp }, { name: b, url: http://b/mcp }]\npricing: { default: &p { per_call: 0.5 }, overrides: [{ server: a, per_call: 0.5 }] }\nrate_limits:\n  - { scope: api_key, limit: 5, window: &w 1m }\n  - { scope: api_key, key_prefix: gwo_dev_abcd, limit: 5, window: *w }\n',
    );
    expect(pricing?.overrides[0]?.perCallNano).toBe(500_000_000n);
  });
});

describe('a fault has its place, cause and fix:', () => {
  test.each<[what: string, text: string, place: string, words: RegExp, fix: RegExp]>([
    ['no version', 'servers: []', '1:1 version', /version is missing/, /version: 1/],
    ['an empty file', '', '1:1 version', /version is missing/, /version: 1/],
    ['another version', 'version: 2', '1:10 version', /must be 1/, /version: 1/],
    ['a list in place of the file', '- a', '1:1 the file', /must be a map/, /config\.schema/],
    ['a misspelt setting', 'version: 1\nserves: []', '2:1 serves', /"serves" is not a setting/, /Did you mean servers\?/],
    ['a misspelt nested setting', 'version: 1\nlog: { levle: info }', '2:8 log.levle', /"levle" is not a setting of log/, /Did you mean level\?/],
    ['a setting written twice', 'version: 1\nlog: {}\nlog: {}', '3:1 log', /"log" is written twice/, /Keep one/],
    ['a tab', 'version: 1\nlisten:\n\thttp: 127.0.0.1:1', '3:1 the file', /tab/, /spaces/],
    ['two documents', 'version: 1\n---\nversion: 1', '2:1 the file', /more than one/, /Keep one/],
    ['a tag', 'version: !!js/function 1', '1:10 the file', /tags/, /Remove/],
    ['an open bracket', 'version: 1\nservers: [', '2:11 the file', /not valid YAML/, /Correct/],
    ['a map as key', 'version: 1\n? { a: b }\n: c', '2:3 the file', /key/, /Quote/],
    ['an alias of nothing', 'version: *x', '1:1 the file', /alias/, /value itself/],
    ['a name with capitals', 'version: 1\nservers:\n  - { name: Search, url: https://x/mcp }', '3:13 servers[0].name', /lower-case/, /name: search/],
    ['the name v', 'version: 1\nservers: [{ name: v, url: https://x/mcp }]', '2:19 servers[0].name', /virtual servers/, /name:/],
    ['no url', 'version: 1\nservers:\n  - name: a', '3:5 servers[0].url', /url is missing/, /Add: url: https/],
    [
      'a command without its transport',
      'version: 1\nservers:\n  - name: a\n    command: [node]',
      '4:5 servers[0].command',
      /not a setting/,
      /transport: stdio/,
    ],
    [
      'an unknown transport',
      'version: 1\nservers:\n  - name: a\n    transport: stdoi',
      '4:16 servers[0].transport',
      /http, stdio, websocket or sse/,
      /Did you mean stdio\?/,
    ],
    [
      'a WebSocket address of an HTTP server',
      'version: 1\nservers: [{ name: a, url: "wss://x/mcp" }]',
      '2:27 servers[0].url',
      /need transport: websocket/,
      /./,
    ],
    [
      'an HTTP address of a WebSocket server',
      'version: 1\nservers: [{ name: a, transport: websocket, url: "https://x/mcp" }]',
      '2:49 servers[0].url',
      /ws:\/\/ or wss:\/\//,
      /wss:\/\/search/,
    ],
    [
      'a WebSocket address with a password',
      'version: 1\nservers: [{ name: a, transport: websocket, url: "wss://u:p@x/mcp" }]',
      '2:49 servers[0].url',
      /user name or password/,
      /credential/,
    ],
    [
      'targets of an HTTP+SSE server',
      'version: 1\nservers: [{ name: a, transport: sse, url: "https://x/sse", balance: sticky }]',
      '2:60 servers[0].balance',
      /not a setting/,
      /./,
    ],
    ['a shell line', 'version: 1\nservers: [{ name: a, transport: stdio, command: node x.js }]', '2:49 servers[0].command', /must be a list/, /\[npx/],
    [
      'a shell line in a list',
      'version: 1\nservers: [{ name: a, transport: stdio, command: [node x.js] }]',
      '2:50 servers[0].command[0]',
      /cannot be run/,
      /\[node, x\.js\]/,
    ],
    [
      'a program that is not there',
      'version: 1\nservers: [{ name: a, transport: stdio, command: [no-such-program] }]',
      '2:50 servers[0].command[0]',
      /no-such-program cannot be run/,
      /Install/,
    ],
    [
      'a file that is not there',
      'version: 1\nservers: [{ name: a, transport: stdio, command: [./no-such] }]',
      '2:50 servers[0].command[0]',
      /cannot be run/,
      /relative to the configuration file/,
    ],
    [
      'a folder that is not there',
      'version: 1\nservers: [{ name: a, transport: stdio, command: [node], cwd: nope }]',
      '2:62 servers[0].cwd',
      /does not exist/,
      /Create it/,
    ],
    ['an address without scheme', 'version: 1\nservers: [{ name: a, url: search.example/mcp }]', '2:27 servers[0].url', /http:\/\/ or https:\/\//, /https:/],
    ['an ftp address', 'version: 1\nservers: [{ name: a, url: "ftp://x/" }]', '2:27 servers[0].url', /http:\/\/ or https:\/\//, /https:/],
    ['a placeholder in an address', 'version: 1\nservers: [{ name: a, url: "https://${HOST}/mcp" }]', '2:27 servers[0].url', /placeholder/, /MCP_SERVER/],
    [
      'a password in an address',
      'version: 1\nservers: [{ name: a, url: "https://u:hunter2@x/mcp" }]',
      '2:27 servers[0].url',
      /user name or password/,
      /credential/,
    ],
    [
      'a duration without unit',
      'version: 1\nservers: [{ name: a, url: https://x, timeout: 30 }]',
      '2:47 servers[0].timeout',
      /duration .* unit/,
      /timeout: 30s/,
    ],
    [
      'a duration out of bounds',
      'version: 1\nservers: [{ name: a, url: https://x, timeout: 2h }]',
      '2:47 servers[0].timeout',
      /from 100ms to 1h/,
      /timeout: 30s/,
    ],
    ['a decimal size', 'version: 1\nlimits: { body_max: 4MB }', '2:21 limits.body_max', /size .* unit/, /4MiB/],
    ['a price below zero', 'version: 1\npricing: { default: { per_call: -1 } }', '2:33 pricing.default.per_call', /amount/, /per_call: 0\.001/],
    [
      'a price finer than a nano',
      'version: 1\npricing: { default: { per_call: 0.0000000001 } }',
      '2:33 pricing.default.per_call',
      /at most 9 decimals/,
      /per_call/,
    ],
    ['retention above 90 days', 'version: 1\nretention: { traces: 91d }', '2:22 retention.traces', /1d to 90d/, /30d/],
    ['an empty section', 'version: 1\nlog:', '2:5 log', /must be a map/, /Remove "log:"/],
    [
      'an unquoted number in env',
      'version: 1\nservers: [{ name: a, transport: stdio, command: [node], env: { PORT: 8080 } }]',
      '2:70 servers[0].env.PORT',
      /quote/,
      /"8080"/,
    ],
    [
      'a name no variable can have',
      'version: 1\nservers: [{ name: a, transport: stdio, command: [node], env: { "A B": x } }]',
      '2:64 servers[0].env.A B',
      /letters, digits/,
      /Rename/,
    ],
    [
      'a path outside of /mcp',
      'version: 1\nservers: [{ name: a, url: https://x }]\nroutes: [{ server: a, path: /v1/keys }]',
      '3:29 routes[0].path',
      /\/mcp\//,
      /path: \/mcp/,
    ],
    [
      'a route to an unknown server',
      'version: 1\nservers: [{ name: search, url: https://x }]\nroutes: [{ server: serch }]',
      '3:20 routes[0].server',
      /no server named serch/,
      /Did you mean search\?/,
    ],
    ['a price of an unknown server', 'version: 1\npricing: { overrides: [{ server: b }] }', '2:34 pricing.overrides[0].server', /no server named b/, /Add it/],
    [
      'two servers of one name',
      'version: 1\nservers:\n  - { name: a, url: https://x }\n  - { name: a, url: https://y }',
      '4:13 servers[1].name',
      /two servers are named a/,
      /another name/,
    ],
    [
      'two routes of one server',
      'version: 1\nservers: [{ name: a, url: https://x }]\nroutes: [{ server: a }, { server: a, path: /mcp/b }]',
      '3:35 routes[1].server',
      /two routes/,
      /Keep one/,
    ],
    [
      'two servers at one path',
      'version: 1\nservers: [{ name: a, url: https://x }, { name: b, url: https://y }]\nroutes: [{ server: b, path: /mcp/a }]',
      '3:29 routes[0].path',
      /two servers are served at \/mcp\/a/,
      /another path/,
    ],
    [
      'backups that are gone before the next one',
      'version: 1\nbackup: { folder: b, every: 2d, keep: 1d }',
      '2:39 backup.keep',
      /kept for less/,
      /longer than every/,
    ],
    [
      'two prices for one tool',
      'version: 1\nservers: [{ name: a, url: https://x }]\npricing: { overrides: [{ server: a, tool: t }, { server: a, tool: t }] }',
      '3:48 pricing.overrides[1]',
      /two overrides/,
      /Keep one/,
    ],
    [
      'two default limits',
      'version: 1\nrate_limits: [{ scope: api_key, limit: 1, window: 1m }, { scope: api_key, limit: 2, window: 1m }]',
      '2:57 rate_limits[1]',
      /two rate limits/,
      /Keep one/,
    ],
    [
      'a whole key as prefix',
      'version: 1\nrate_limits: [{ scope: api_key, key_prefix: gwo_prod_a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6, limit: 1, window: 1m }]',
      '2:45 rate_limits[0].key_prefix',
      /never the whole key/,
      /gwo_prod_a1b2/,
    ],
    ['an origin with a path', 'version: 1\nlisten: { origins: ["https://x/y"] }', '2:21 listen.origins[0]', /origin/, /config\.schema/],
    ['any origin', 'version: 1\nlisten: { origins: ["*"] }', '2:21 listen.origins[0]', /origin/, /config\.schema/],
    ['an environment that no key can carry', 'version: 1\nenvironment: Prod_1', '2:14 environment', /lower-case letters/, /environment: prod/],
  ])('%s', (_, text, place, words, fix) => {
    const faults = faultsOf(text);
    expect(places(faults)).toEqual([place]);
    expect(faults[0]?.message).toMatch(words);
    expect(faults[0]?.fix).toMatch(fix);
  });

  test('all of them at once, in the order of the file, those of meaning beside those of shape', () => {
    const faults = faultsOf(`version: 1
listn: {}
servers:
  - { name: a, url: https://x, timeout: 5 }
  - { name: ok, url: https://x }
  - { name: ok, url: https://x }
routes:
  - { server: a }
  - { server: gone }
log: { level: loud }
`);
    expect(places(faults)).toEqual(['2:1 listn', '4:41 servers[0].timeout', '6:13 servers[2].name', '9:15 routes[1].server', '10:15 log.level']);
  });

  test('lines are counted alike with CRLF and a byte order mark', () => {
    expect(places(faultsOf('\uFEFFversion: 1\r\nlog: {}\r\nlisten: { http: x }\r\n'))).toEqual(['3:17 listen.http']);
  });
});

describe('a secret in the file is refused, and its value shown nowhere:', () => {
  const canary = 'hunter2-canary-4711';
  test.each([
    ['a credential', `version: 1\nservers: [{ name: a, url: https://x, credential: { type: bearer, secret: ${canary} } }]`, 'servers[0].credential.secret'],
    [
      'a variable named like one',
      `version: 1\nservers: [{ name: a, transport: stdio, command: [node], env: { GITHUB_TOKEN: ${canary} } }]`,
      'servers[0].env.GITHUB_TOKEN',
    ],
    [
      'a password in an address',
      `version: 1\nservers: [{ name: a, transport: stdio, command: [node], env: { DB: "postgres://u:${canary}@h/d" } }]`,
      'servers[0].env.DB',
    ],
    ['an address', `version: 1\nservers: [{ name: a, url: "https://u:${canary}@x/" }]`, 'servers[0].url'],
    ['a broken address', `version: 1\nservers: [{ name: a, url: "htps://u:${canary}@x/" }]`, 'servers[0].url'],
  ])('%s', (_, text, path) => {
    const fault = faultOf(() => load(text));
    expect(configFaultsOf(fault).map((one) => one.path)).toEqual([path]);
    expect(JSON.stringify([fault.extra, fault.message, fault.fix])).not.toContain(canary);
  });
});

test.each([
  'NODE_OPTIONS',
  'NODE_PATH',
  'LD_PRELOAD',
  'LD_LIBRARY_PATH',
  'DYLD_INSERT_LIBRARIES',
  'BASH_ENV',
  'ENV',
  'PYTHONPATH',
  'PYTHONSTARTUP',
  'PERL5OPT',
  'RUBYOPT',
  'JAVA_TOOL_OPTIONS',
  'LANG',
  'NODE_EXTRA_CA_CERTS',
  'TZ',
])('P5: the variable %s is judged as the bridge will judge it', (name) => {
  const text = `version: 1\nservers: [{ name: a, transport: stdio, command: [node], env: { ${name}: x } }]`;
  let refused = false;
  try {
    processEnvironment({ env: { [name]: 'x' }, cwd: folder, searchPath: '', home: folder });
  } catch {
    refused = true;
  }
  expect(refused).toBe(!['LANG', 'NODE_EXTRA_CA_CERTS', 'TZ'].includes(name));
  if (refused) expect(faultsOf(text)).toMatchObject([{ line: 2, column: 64, path: `servers[0].env.${name}`, message: `the variable ${name} is refused` }]);
  else expect(load(text).servers[0]).toMatchObject({ env: { [name]: 'x' } });
});

describe('A29: an open door', () => {
  const open = 'version: 1\nservers: [{ name: a, url: https://x }]\nroutes: [{ server: a, auth: { type: none } }]\n';
  test.each(['0.0.0.0:8080', ':8080', '[::]:8080', '10.0.0.1:80', 'gateway.example:80'])('on %s is a fault that counts as unsafe', (listen) => {
    expect(faultsOf(`${open}listen: { http: "${listen}" }`)).toMatchObject([{ line: 3, column: 29, path: 'routes[0].auth', unsafe: true }]);
    expect(faultsOf(open, { overrides: { listen } })).toMatchObject([{ path: 'routes[0].auth', unsafe: true }]);
  });
  test('on loopback is allowed, and so is a guarded route anywhere', () => {
    expect(load(open).routes[0]?.auth.type).toBe('none');
    expect(load('version: 1\nlisten: { http: ":80" }\nservers: [{ name: a, url: https://x }]').listen.host).toBe('0.0.0.0');
  });
});

describe('the environment', () => {
  const file =
    'version: 1\nlog: { level: warn, format: text }\nservers: [{ name: my-search, url: https://old/mcp, timeout: 5s, credential: { type: bearer, secret: { env: T } } }]\n';

  test('overrides the file', () => {
    const config = load(file, {
      env: {
        ...env,
        LOG_LEVEL: 'DEBUG',
        LOG_FORMAT: 'json',
        API_KEY_BCRYPT_COST: '10',
        DATABASE_URL: 'postgres://u:p@h/d',
        DB_MAX_CONNECTIONS: '25',
        CLICKHOUSE_URL: 'http://h:8123',
        CLICKHOUSE_CLUSTER: 'main',
        REDIS_URL: 'rediss://h',
      },
    });
    expect(config.log).toEqual({ level: 'debug', format: 'json' });
    expect(config.keys.bcryptCost).toBe(10);
    expect(config.stores).toEqual({
      databaseUrl: 'postgres://u:p@h/d',
      databaseConnectionsMax: 25,
      clickhouseUrl: 'http://h:8123',
      clickhouseCluster: 'main',
      redisUrl: 'rediss://h',
    });
  });

  test('moves a server; its credential goes only to the same origin', () => {
    expect(load(file, { env: { ...env, MCP_SERVER_MY_SEARCH_URL: 'https://old/other' } }).servers).toMatchObject([
      { name: 'my-search', url: 'https://old/other', timeoutMs: 5000, credential: { type: 'bearer' } },
    ]);
    expect(load(file, { env: { ...env, MCP_SERVER_MY_SEARCH_URL: 'https://new/mcp' } }).servers).toMatchObject([{ url: 'https://new/mcp', credential: null }]);
  });

  test('adds a server that the file does not name', () => {
    const config = loadConfig({ file: null, env: { MCP_SERVER_GIT_HUB_URL: 'http://mcp-github:8080' } });
    expect(config.routes).toEqual([{ server: 'git-hub', path: '/mcp/git-hub', auth: { type: 'apiKey' }, timeoutMs: 60_000 }]);
  });

  test.each([
    ['JWT_SECRET', 'x', /not used/],
    ['LOG_LEVEL', 'loud', /one of debug/],
    ['API_KEY_BCRYPT_COST', '9', /10 to 15/],
    ['API_KEY_BCRYPT_COST', '16', /10 to 15/],
    ['DATABASE_URL', 'mysql://u:canary@h', /postgres/],
    ['REDIS_URL', 'canary', /redis/],
    // A cluster of no server.
    ['CLICKHOUSE_CLUSTER', 'canary', /CLICKHOUSE_URL/],
    ['MCP_SERVER_A_URL', 'canary', /http/],
    ['MCP_SERVER_V_URL', 'http://x', /does not name a server/],
  ])('%s=%s is a fault outside of the file, its value not shown', (name, value, words) => {
    const [fault, ...others] = faultsOf('version: 1', { env: { ...env, [name]: value } });
    expect(others).toEqual([]);
    expect(fault).toMatchObject({ line: null, column: null, path: name });
    expect(fault?.message).toMatch(words);
    expect(JSON.stringify(fault)).not.toContain('canary');
  });

  test('a name that means two servers is a fault', () => {
    const faults = faultsOf('version: 1\nservers: [{ name: a-b, url: https://x }, { name: a_b, url: https://y }]', {
      env: { ...env, MCP_SERVER_A_B_URL: 'https://z' },
    });
    expect(faults.map(({ path }) => path)).toEqual(['MCP_SERVER_A_B_URL']);
  });

  test('--listen overrides the file, and is checked', () => {
    expect(load('version: 1', { overrides: { listen: '[::1]:0' } }).listen).toMatchObject({ host: '::1', port: 0 });
    expect(faultsOf('version: 1', { overrides: { listen: '8080' } })).toMatchObject([{ path: '--listen', line: null }]);
  });
});

describe('a file that cannot be read says why:', () => {
  test.each<[what: string, make: (path: string) => void, reason: RegExp]>([
    ['none', () => undefined, /no such file/],
    ['a folder', (path) => mkdirSync(path), /folder/],
    ['a binary file', (path) => writeFileSync(path, Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 1])), /binary/],
    ['not UTF-8', (path) => writeFileSync(path, Buffer.from([0x76, 0xff, 0xfe])), /UTF-8/],
    ['2 MiB', (path) => writeFileSync(path, '#'.repeat(2 * 1024 * 1024)), /larger than 1 MiB/],
    ['a link to itself', (path) => symlinkSync(path, path), /link to itself/],
    ['a named pipe', (path) => execFileSync('sh', ['-c', 'mkfifo "$0"', path]), /regular file/],
  ])('%s', (what, make, reason) => {
    const path = join(folder, `unreadable ${what}`.replaceAll(' ', '-'));
    make(path);
    const fault = faultOf(() => loadConfig({ file: path, env }));
    expect(fault.code).toBe('config_unreadable');
    expect(fault.message).toMatch(reason);
  });

  test.skipIf(process.getuid?.() === 0)('one that this user may not read', () => {
    const path = join(folder, 'closed.yaml');
    writeFileSync(path, 'version: 1');
    chmodSync(path, 0);
    expect(faultOf(() => loadConfig({ file: path, env })).message).toMatch(/may not read/);
  });
});

/** Of this thread, which a busy machine leaves as it is: seconds on the clock it does not. */
const hostileCpuMsMax = 10_000;

describe('a hostile file ends in faults, after little work:', () => {
  const bomb = [
    'a: &a [x,x,x,x,x,x,x,x,x]',
    ...'bcdefghi'.split('').map((key, index) => `${key}: &${key} [${Array.from({ length: 9 }, () => `*${'abcdefgh'[index] ?? 'a'}`).join(',')}]`),
  ].join('\n');
  test.each([
    ['aliases of aliases', bomb],
    ['an alias of itself', 'version: &a [*a]'],
    ['brackets without end', '['.repeat(200_000)],
    ['lists in lists', '- '.repeat(200_000)],
    ['60,000 unknown settings', Array.from({ length: 60_000 }, (_, index) => `k${index}: 1`).join('\n')],
    ['50,000 equal settings', 'a: 1\n'.repeat(50_000)],
    ['a prototype', '__proto__: { version: 1 }\nconstructor: { prototype: { polluted: 1 } }'],
    ['one long line', `version: ${'9'.repeat(1_000_000)}`],
    ['10,000 wrong servers', `version: 1\nservers:\n${'- { name: A, timeot: 1, url: x }\n'.repeat(10_000)}`],
    ['10,000 prices of unknown servers', `version: 1\npricing:\n  overrides:\n${'  - { server: abc }\n'.repeat(10_000)}`],
  ])('%s', (_, text) => {
    const before = process.threadCpuUsage();
    const faults = configFaultsOf(faultOf(() => load(text)));
    const { user, system } = process.threadCpuUsage(before);
    expect((user + system) / 1_000).toBeLessThan(hostileCpuMsMax);
    expect(faults.length).toBeGreaterThan(0);
    expect(faults.length).toBeLessThanOrEqual(100);
    expect(JSON.stringify(faults).length).toBeLessThan(100_000);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});
