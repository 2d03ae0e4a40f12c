/** The settings that environment variables carry; they override the file. Values are never shown: a URL may hold a password. */
import { closestWord } from '../kernel/closest-word.ts';
import { refusedHost } from '../kernel/outward-address.ts';
import type { ConfigFault } from './config-fault.ts';
import type { Config } from './config.ts';
import type { OtlpConfig } from './otlp-config.ts';
import type { Environment } from './environment.ts';
import { serverUrl } from './schema-parts.ts';

export interface EnvironmentSettings {
  readonly databaseUrl: string | null;
  readonly databaseConnectionsMax: number;
  readonly clickhouseUrl: string | null;
  readonly clickhouseCluster: string | null;
  readonly redisUrl: string | null;
  readonly bcryptCost: number;
  readonly logLevel: Config['log']['level'] | null;
  readonly logFormat: Config['log']['format'] | null;
  /** The variables of https://opentelemetry.io/docs/specs/otel/protocol/exporter/ that are read. Headers may hold secrets: they are read where they are used. */
  readonly otlp: { readonly endpoint: string | null; readonly protocol: OtlpConfig['protocol'] | null; readonly hasHeaders: boolean };
  /** `{NAME}` of `MCP_SERVER_{NAME}_URL` → URL. */
  readonly serverUrls: ReadonlyMap<string, string>;
}

const bcryptCostDefault = 12;
const databaseConnectionsDefault = 10;
const logLevels = ['debug', 'info', 'warn', 'error'] as const;
const logFormats = ['json', 'text'] as const;
const otlpProtocols = ['http/protobuf', 'http/json', 'grpc'] as const;
const serverVariable = /^MCP_SERVER_([A-Z0-9_]+)_URL$/;

export function readEnvironmentSettings(env: Environment): { settings: EnvironmentSettings; faults: readonly ConfigFault[] } {
  const faults: ConfigFault[] = [];
  const complain = (path: string, message: string, cause: string, fix: string): void =>
    void faults.push({ line: null, column: null, path, message: `${path} ${message}`, cause, fix });

  function url(name: string, schemes: readonly string[], example: string, instead = 'the embedded store'): string | null {
    const value = env[name];
    if (value === undefined) return null;
    if (schemes.includes(URL.parse(value)?.protocol ?? '')) return value;
    complain(
      name,
      `must be an address that begins with ${schemes.map((scheme) => `${scheme}//`).join(' or ')}`,
      `The variable is set and overrides ${instead}.`,
      `Write it like ${example}, or unset ${name} to use ${instead}.`,
    );
    return null;
  }

  /** Telemetry goes to no address that nothing is sent to. */
  function outwardUrl(name: string, schemes: readonly string[], example: string, instead: string): string | null {
    const value = url(name, schemes, example, instead);
    const refusal = value === null ? null : refusedHost(new URL(value).hostname);
    if (refusal === null) return value;
    complain(name, 'names no place to send anything to', `Of such addresses, ${refusal}.`, `Write it like ${example}, or unset ${name} to use ${instead}.`);
    return null;
  }

  function whole(name: string, least: number, most: number, otherwise: number): number {
    const value = env[name];
    if (value === undefined) return otherwise;
    if (/^\d{1,6}$/.test(value) && Number(value) >= least && Number(value) <= most) return Number(value);
    complain(
      name,
      `must be a whole number from ${least} to ${most}`,
      `It is "${value.slice(0, 40)}".`,
      `Unset ${name} (then it is ${otherwise}), or set it within the range.`,
    );
    return otherwise;
  }

  function cluster(): string | null {
    const value = env['CLICKHOUSE_CLUSTER'];
    if (value === undefined) return null;
    if (env['CLICKHOUSE_URL'] === undefined)
      complain('CLICKHOUSE_CLUSTER', 'needs CLICKHOUSE_URL', 'It names a cluster of ClickHouse servers, and no server is named.', 'Set both, or neither.');
    else if (!/^[A-Za-z_][\w-]{0,63}$/.test(value))
      complain(
        'CLICKHOUSE_CLUSTER',
        'must be the name of a cluster',
        `It is "${value.slice(0, 40)}".`,
        'Use its name in `remote_servers` of the ClickHouse servers.',
      );
    return value;
  }

  function word<Word extends string>(name: string, words: readonly Word[]): Word | null {
    const value = env[name];
    if (value === undefined) return null;
    const found = words.find((one) => one === value.toLowerCase());
    if (found !== undefined) return found;
    const near = closestWord(value, words);
    complain(
      name,
      `must be one of ${words.join(', ')}`,
      `It is "${value.slice(0, 40)}".`,
      near === null ? `Unset ${name}, or set it to one of them.` : `Did you mean ${near}?`,
    );
    return null;
  }

  function servers(): Map<string, string> {
    const urls = new Map<string, string>();
    for (const [variable, value] of Object.entries(env)) {
      const name = serverVariable.exec(variable)?.[1];
      if (name === undefined || value === undefined) continue;
      if (serverUrl.safeParse(value).success) urls.set(name, value);
      else
        complain(
          variable,
          'must be the http:// or https:// address of an MCP endpoint',
          'It names a server behind the gateway.',
          `Write it like https://search.example/mcp, or unset ${variable}.`,
        );
    }
    return urls;
  }

  if (env['JWT_SECRET'] !== undefined) {
    const cause = 'Sessions are kept on the server and end there; no token is signed, so nothing could use this secret.';
    complain('JWT_SECRET', 'is not used by this gateway', cause, 'Unset JWT_SECRET; nothing takes its place.');
  }
  const settings = {
    databaseUrl: url('DATABASE_URL', ['postgres:', 'postgresql:'], 'postgres://gatewayops@db.example:5432/gatewayops'),
    databaseConnectionsMax: whole('DB_MAX_CONNECTIONS', 1, 1000, databaseConnectionsDefault),
    clickhouseUrl: url('CLICKHOUSE_URL', ['http:', 'https:'], 'https://ledger.example:8443/gatewayops'),
    clickhouseCluster: cluster(),
    redisUrl: url('REDIS_URL', ['redis:', 'rediss:'], 'redis://redis.example:6379/0'),
    bcryptCost: whole('API_KEY_BCRYPT_COST', 10, 15, bcryptCostDefault),
    logLevel: word('LOG_LEVEL', logLevels),
    logFormat: word('LOG_FORMAT', logFormats),
    otlp: {
      endpoint: outwardUrl('OTEL_EXPORTER_OTLP_ENDPOINT', ['http:', 'https:'], 'https://collector.example:4318', '`telemetry.otlp.endpoint`'),
      protocol: word('OTEL_EXPORTER_OTLP_PROTOCOL', otlpProtocols),
      hasHeaders: env['OTEL_EXPORTER_OTLP_HEADERS'] !== undefined,
    },
    serverUrls: servers(),
  };
  return { settings, faults };
}

/** The `{NAME}` by which an environment variable names a server. */
export function variableNameOf(server: string): string {
  return server.toUpperCase().replaceAll('-', '_');
}
