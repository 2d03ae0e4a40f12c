/** What the shape cannot say: that names lead somewhere, nothing stands twice, programs and folders exist, nothing is open by mistake. */
import type { Config, ServerConfig, StdioServerConfig } from './config.ts';
import { defaultOrganizationId } from '../kernel/id.ts';
import { closestWord } from '../kernel/closest-word.ts';
import type { Path } from './config-fault.ts';
import type { Environment } from './environment.ts';
import { findProgram, isFolder } from './find-program.ts';
import { isLoopback, listenAddressText } from './listen-address.ts';
import { checkHeaders, checkUrl } from './check-address.ts';
import { checkAudit } from './check-audit.ts';
import { checkEndpoints } from './check-endpoints.ts';
import { checkAuthorizationServer } from './check-authorization-server.ts';
import { checkCertificates } from './check-certificates.ts';
import { checkIdentity } from './check-identity.ts';
import { checkProviders } from './check-providers.ts';
import { checkMasking } from './check-masking.ts';
import { checkAccess } from './check-access.ts';
import { checkPolicies } from './check-policies.ts';
import { checkTransforms } from './check-transforms.ts';
import { checkUpstream } from './check-upstream.ts';
import type { GatewayFile, HttpServerEntry } from './schema.ts';

/** Reports a fault at a place of the well-shaped file. */
export type Complain = (path: Path, message: string, cause: string, fix: string, more?: { readonly part?: 'key'; readonly unsafe?: true }) => void;

export interface Checked {
  readonly file: GatewayFile;
  /** Made of `file`; its servers come in the same order, those of the environment alone behind them. */
  readonly config: Config;
  readonly env: Environment;
  /** Servers whose entry is wrong: references to them are not. */
  readonly leftOutServers: ReadonlySet<string>;
}

export function checkConfig(checked: Checked, complain: Complain): void {
  checkListen(checked, complain);
  checkNames(checked, complain);
  checkRoutes(checked, complain);
  checkPricing(checked, complain);
  checkRateLimits(checked, complain);
  checkTransforms(checked, complain);
  checkCache(checked, complain);
  checkRecord(checked, complain);
  checkPolicies(checked, complain);
  checkAccess(checked.file.access, complain);
  checkEndpoints(checked, complain);
  checkIdentity(checked, complain);
  checkCertificates(checked, complain);
  checkAuthorizationServer(checked, complain);
  checkOtlp(checked, complain);
  checkAudit(checked.file.audit, complain);
  checkBackup(checked, complain);
  checkProviders(checked, complain);
  for (const [index, server] of checked.config.servers.entries()) {
    const entry = checked.file.servers[index];
    checkOffer(server, ['servers', index, 'organizations'], checked, complain);
    if (server.transport === 'stdio' && entry?.transport === 'stdio') checkProgram(server, entry.command[0] ?? '', ['servers', index], checked.env, complain);
    if (entry?.transport === 'websocket' || entry?.transport === 'sse')
      checkAddresses({ url: entry.url, tls: entry.tls, allow_addresses: entry.allow_addresses }, ['servers', index], complain);
    else if (entry !== undefined && entry.transport !== 'stdio') checkAddresses(entry, ['servers', index], complain);
  }
}

/** What one program remembers of a caller must not come to one of another organization; and callers without a key are of the gateway's own. */
function checkOffer(server: ServerConfig, path: Path, { config }: Checked, complain: Complain): void {
  const { organizations = [defaultOrganizationId] } = server;
  const isOfSeveral = organizations.includes('*') || new Set(organizations).size > 1;
  if (server.transport === 'stdio' && server.processes === 'shared' && isOfSeveral)
    complain(
      path,
      'one process would serve several organizations',
      `With processes: shared all callers of ${server.name} are served by one program; what it keeps of one organization could come to another.`,
      'Write processes: session, or a server of its own for each organization.',
    );
  const isOpen = config.routes.some((route) => route.server === server.name && route.auth.type === 'none');
  if (isOpen && !organizations.includes('*') && !organizations.includes(defaultOrganizationId))
    complain(
      path,
      'an open route leads to a server that callers without a key cannot have',
      `They are of ${defaultOrganizationId}, which ${server.name} is not offered to.`,
      `Add ${defaultOrganizationId} here, or write auth: { type: apiKey } in the route.`,
    );
}

function checkListen({ file, config }: Checked, complain: Complain): void {
  const { metrics, host, port } = config.listen;
  if (metrics !== null && metrics.port !== 0 && metrics.port === port && metrics.host === host) {
    const cause = 'It is the address of the gateway itself, where `/metrics` is served too, to keys that hold metrics.read.';
    complain(['listen', 'metrics'], 'two listeners cannot have one address', cause, 'Name another port, such as 127.0.0.1:9464, or remove it.');
  }
  const { tls } = file.listen;
  if (tls?.client_certificates === undefined || tls.client_ca !== undefined) return;
  const cause = 'Nothing says which certificates are good, so none could be.';
  complain(['listen', 'tls', 'client_certificates'], 'client certificates need a client_ca', cause, 'Add client_ca: FILE, or remove client_certificates.');
}

function checkBackup({ config: { backup } }: Checked, complain: Complain): void {
  if (backup === null || backup.keepMs >= backup.everyMs) return;
  complain(
    ['backup', 'keep'],
    'backups are kept for less than it takes until the next one',
    'There would be times without any.',
    'Keep them longer than every.',
  );
}

function checkOtlp({ file, config, leftOutServers }: Checked, complain: Complain): void {
  const { otlp } = file.telemetry;
  if (otlp === undefined) return;
  const path = ['telemetry', 'otlp'];
  if (config.telemetry.otlp === null)
    complain(
      path,
      'the export has no endpoint',
      'Neither the file nor OTEL_EXPORTER_OTLP_ENDPOINT says where to send.',
      'Add endpoint: https://collector.example:4318.',
    );
  if (otlp.endpoint !== undefined) checkUrl(otlp.endpoint, [...path, 'endpoint'], complain);
  for (const [index, server] of (otlp.filter.servers ?? []).entries())
    requireServer(server, [...path, 'filter', 'servers', index], config, leftOutServers, complain);
  checkHeaders(otlp.headers, [...path, 'headers'], complain);
}

function checkNames({ file }: Checked, complain: Complain): void {
  eachTwin(
    file.servers,
    ({ name }) => name,
    (index, first, name) => {
      complain(
        ['servers', index, 'name'],
        `two servers are named ${name}`,
        `servers[${first}] has the name already, and calls are sent by it.`,
        'Give one of them another name.',
      );
    },
  );
}

function checkRoutes({ file, config, leftOutServers }: Checked, complain: Complain): void {
  const open = isLoopback(config.listen.host);
  for (const [index, route] of file.routes.entries()) {
    requireServer(route.server, ['routes', index, 'server'], config, leftOutServers, complain);
    if (route.auth.type === 'none' && !open) {
      const cause = `The gateway listens on ${listenAddressText(config.listen)}, which other machines can reach: everyone there could call ${route.server}.`;
      complain(
        ['routes', index, 'auth'],
        'a route without authentication needs a loopback address',
        cause,
        'Write auth: { type: apiKey }, or listen on 127.0.0.1.',
        { unsafe: true },
      );
    }
  }
  eachTwin(
    file.routes,
    ({ server }) => server,
    (index, first, server) => {
      complain(['routes', index, 'server'], `two routes lead to ${server}`, `routes[${first}] is the route of this server already.`, 'Keep one of them.');
    },
  );
  const paths = new Map<string, string>();
  for (const route of config.routes) {
    const other = paths.get(route.path);
    const index = file.routes.findIndex(({ server, path }) => server === route.server && path !== undefined);
    const otherIndex = file.routes.findIndex(({ server, path }) => server === other && path !== undefined);
    // Two routes of one server are reported above.
    if (other !== undefined && other !== route.server) {
      const place = index === -1 ? otherIndex : index;
      complain(
        ['routes', place, 'path'],
        `two servers are served at ${route.path}`,
        `Both ${other} and ${route.server} are; a path leads to one server.`,
        'Give one of them another path.',
      );
    }
    paths.set(route.path, route.server);
  }
}

function checkPricing({ file, config, leftOutServers }: Checked, complain: Complain): void {
  const overrides = file.pricing?.overrides ?? [];
  for (const [index, { server }] of overrides.entries()) requireServer(server, ['pricing', 'overrides', index, 'server'], config, leftOutServers, complain);
  for (const [index, { server }] of file.transforms.entries()) requireServer(server, ['transforms', index, 'server'], config, leftOutServers, complain);
  eachTwin(
    overrides,
    ({ server, tool }) => (tool === undefined ? server : `${server} ${tool}`),
    (index, first, name) => {
      complain(
        ['pricing', 'overrides', index],
        `two overrides price ${name}`,
        `pricing.overrides[${first}] does already, and only one price can hold.`,
        'Keep one of them.',
      );
    },
  );
}

function checkRecord({ file, config, leftOutServers }: Checked, complain: Complain): void {
  const { overrides, masking } = file.record;
  for (const [index, { server }] of overrides.entries()) requireServer(server, ['record', 'overrides', index, 'server'], config, leftOutServers, complain);
  eachTwin(
    overrides,
    ({ server, tool }) => (tool === undefined ? server : `${server} ${tool}`),
    (index, first, name) => {
      complain(
        ['record', 'overrides', index],
        `two overrides are for ${name}`,
        `record.overrides[${first}] is already, and only one can hold.`,
        'Keep one of them.',
      );
    },
  );
  checkMasking(masking, ['record', 'masking'], complain);
}

function checkCache({ file, config, leftOutServers }: Checked, complain: Complain): void {
  for (const [index, { server, lists, resources, tools, ttl }] of file.cache.entries()) {
    requireServer(server, ['cache', index, 'server'], config, leftOutServers, complain);
    if (!lists && !resources && Object.keys(tools).length === 0)
      complain(
        ['cache', index],
        `nothing of ${server} is kept`,
        'The entry names neither lists nor resources nor tools.',
        'Add lists: true, resources: true or tools: { NAME: 30s }.',
      );
    if (ttl !== undefined && !lists && !resources)
      complain(
        ['cache', index, 'ttl'],
        'ttl holds for nothing',
        'It is for lists and resources; each tool has a time of its own.',
        'Remove it, or add lists: true.',
      );
  }
  eachTwin(
    file.cache,
    ({ server }) => server,
    (index, first, server) =>
      complain(
        ['cache', index, 'server'],
        `two entries keep answers of ${server}`,
        `cache[${first}] is the entry of this server already.`,
        'Keep one of them.',
      ),
  );
}

function checkRateLimits({ file }: Checked, complain: Complain): void {
  eachTwin(
    file.rate_limits,
    ({ key_prefix: prefix }) => prefix ?? '',
    (index, first, prefix) => {
      const what = prefix === '' ? 'two rate limits without key_prefix' : `two rate limits for ${prefix}`;
      complain(['rate_limits', index], what, `rate_limits[${first}] holds for the same keys, and only one limit can.`, 'Keep one of them.');
    },
  );
}

function requireServer(name: string, path: Path, config: Config, leftOut: ReadonlySet<string>, complain: Complain): void {
  const known = [...new Set([...config.servers.map((server) => server.name), ...leftOut])];
  if (known.includes(name)) return;
  const near = closestWord(name, known);
  const cause = known.length === 0 ? 'No server is configured.' : `Configured: ${known.slice(0, 20).join(', ')}.`;
  complain(path, `there is no server named ${name}`, cause, near === null ? 'Add it under servers, or remove this entry.' : `Did you mean ${near}?`);
}

function checkAddresses(entry: Partial<HttpServerEntry>, path: Path, complain: Complain): void {
  const allowed = entry.allow_addresses ?? [];
  if (entry.url !== undefined) checkUrl(entry.url, [...path, 'url'], complain, allowed);
  for (const [index, { url }] of entry.targets?.entries() ?? []) checkUrl(url, [...path, 'targets', index, 'url'], complain, allowed);
  checkUpstream(entry, path, complain);
}

/** Variables by which a loader or an interpreter runs code that is not the command's own. */
const refusedVariable =
  /^(?:NODE_OPTIONS|NODE_PATH|BASH_ENV|ENV|LD_.*|DYLD_.*|PYTHON.*|PERL5OPT|PERL5LIB|RUBYOPT|RUBYLIB|JAVA_TOOL_OPTIONS|JDK_JAVA_OPTIONS|_JAVA_OPTIONS)$/;
const secretVariable = /(?:TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY)$/i;
const urlWithPassword = /^[a-z][a-z0-9+.-]*:\/\/[^/@\s]*:[^/@\s]+@/i;

function checkProgram(server: StdioServerConfig, written: string, path: Path, env: Environment, complain: Complain): void {
  if (!isFolder(server.cwd)) {
    complain(
      [...path, 'cwd'],
      `the folder ${server.cwd} does not exist, or this user may not enter it`,
      `The server ${server.name} is to run in it.`,
      'Create it, or correct cwd.',
    );
  } else {
    const search = findProgram(server.command[0], server.cwd, env['PATH'] ?? '');
    if (search.found === null) {
      const [cause, fix] =
        search.notExecutable !== null
          ? [`${search.notExecutable} is there, but this user may not run it.`, `Run: chmod +x ${search.notExecutable}`]
          : /\s/.test(written)
            ? [
                'The whole text is taken as the name of one program; no shell splits it.',
                `Write each word as an entry of its own: [${written.trim().split(/\s+/).join(', ')}]`,
              ]
            : written.includes('/')
              ? [`There is no such file: ${server.command[0]}.`, 'Correct the path; it is relative to the configuration file.']
              : ['It is neither in PATH nor in a node_modules/.bin upwards of cwd.', `Install ${written}, or write its whole path.`];
      complain([...path, 'command', 0], `the program ${written} cannot be run`, cause, fix);
    }
  }
  for (const [name, value] of Object.entries(server.env)) {
    if (refusedVariable.test(name)) {
      complain([...path, 'env', name], `the variable ${name} is refused`, 'It can make a program run code that is not its own.', `Remove ${name}.`, {
        part: 'key',
      });
    } else if (typeof value === 'string' && value !== '' && (secretVariable.test(name) || urlWithPassword.test(value))) {
      const cause = secretVariable.test(name)
        ? 'Its name says that it is one; files are copied to backups, tickets and version control.'
        : 'The address holds a password; files are copied to backups, tickets and version control.';
      complain(
        [...path, 'env', name],
        `${name} is a secret written into the file`,
        cause,
        `Write ${name}: { env: ${name} } and set it in the gateway's environment, or use { file: PATH }.`,
      );
    }
  }
}

/** Calls back for every item whose key an earlier item has. */
function eachTwin<Item>(items: readonly Item[], keyOf: (item: Item) => string, report: (index: number, first: number, key: string) => void): void {
  const seen = new Map<string, number>();
  for (const [index, item] of items.entries()) {
    const key = keyOf(item);
    const first = seen.get(key);
    if (first === undefined) seen.set(key, index);
    else report(index, first, key);
  }
}
