import { createHash, hkdfSync } from 'node:crypto';
import { Fault } from '../kernel/fault.ts';
import type { IssuerData } from '../identity/issuer-data.ts';
import type { OpaData } from '../snapshot/opa-data.ts';
import type { TlsData } from '../snapshot/upstream-data.ts';
import type { StreamData } from '../jobs/siem/stream-data.ts';
import type { AuditStreamConfig, Config, SecretReference, ServerConfig, UpstreamTlsConfig } from './config.ts';
import type { OtlpConfig } from './otlp-config.ts';
import type { Environment } from './environment.ts';
import { certificateReaders } from './certificate-authorities.ts';
import { readBundle } from './read-bundle.ts';
import { isLoopback, listenAddressText } from './listen-address.ts';
import { authoritiesOf, authoritiesReaders, providerReaders } from './provider-secrets.ts';
import { fileOf, missing, oneLine, resolveCredential, resolveSecret, type SecretReader } from './read-secret.ts';
import { readListenTls, type ListenTlsMaterial } from './listen-tls.ts';
import { readUpstreamTls } from './upstream-tls.ts';

/** Every secret that the configuration refers to and that cannot be used, by setting; empty where all can. */
export function checkSecrets(config: Config, env: Environment): readonly { readonly setting: string; readonly fault: Fault }[] {
  const problems: { setting: string; fault: Fault }[] = [];
  for (const { setting, read } of secretReaders(config, env)) {
    try {
      const value = read();
      if (!isLoopback(config.listen.host) && isSample(value)) {
        const reason = `the secret of ${setting} is a sample value, and the gateway listens on ${listenAddressText(config.listen)}`;
        problems.push({ setting, fault: new Fault('unsafe_start', { reason, fix: 'Put the real secret in its place, or listen on 127.0.0.1.' }) });
      }
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      problems.push({ setting, fault: error });
    }
  }
  return problems;
}

/** The headers of the export to OpenTelemetry, by lower-case name: those of the file, then those of OTEL_EXPORTER_OTLP_HEADERS. */
export function resolveOtlpHeaders({ headers, headersVariable }: OtlpConfig, env: Environment): Record<string, string> {
  const resolved = Object.entries(resolveHeaders(headers, env, 'telemetry.otlp.headers'));
  // W3C Baggage without metadata: `name=value`, percent-encoded, with commas between.
  const further = (headersVariable ? (env['OTEL_EXPORTER_OTLP_HEADERS'] ?? '') : '').split(',').flatMap((pair): [string, string][] => {
    const at = pair.indexOf('=');
    if (at < 1) return [];
    return [[decoded(pair.slice(0, at)).toLowerCase(), oneLine(decoded(pair.slice(at + 1)), 'OTEL_EXPORTER_OTLP_HEADERS')]];
  });
  return Object.fromEntries([...resolved, ...further]);
}

type HeaderReferences = Readonly<Record<string, string | SecretReference>>;

/** Headers that are sent out. Faults: `secret_unavailable`, `unsafe_start`. */
export function resolveHeaders(headers: HeaderReferences, env: Environment, setting: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : oneLine(resolveSecret(value, env, `${setting}.${name}`), `${setting}.${name}`),
    ]),
  );
}

function headerReaders(headers: HeaderReferences, env: Environment, setting: string): SecretReader[] {
  return Object.entries(headers).flatMap(([name, value]) =>
    typeof value === 'string'
      ? []
      : [{ setting: `${setting}.${name}`, reference: value, read: () => resolveHeaders({ [name]: value }, env, setting)[name] ?? '' }],
  );
}

/** Keys made of `session_keys`, in their order; none where there are none. */
export interface SessionKeys {
  readonly seal: readonly Buffer[];
  readonly events: readonly Buffer[];
}

/** One secret makes a key for each purpose (HKDF, RFC 5869). Faults: `secret_unavailable`, `unsafe_start`. */
export function resolveSessionKeys(config: Config, env: Environment): SessionKeys {
  const secrets = sessionKeyReaders(config, env).map(({ read }) => read());
  const derived = (purpose: string): Buffer[] => secrets.map((secret) => Buffer.from(hkdfSync('sha256', secret, 'gatewayops', purpose, sessionKeyBytes)));
  return { seal: derived('seal'), events: derived('events') };
}

const sessionKeyBytes = 32;
const sessionKeyCharsMin = 32;

function sessionKeyReaders({ sessionKeys }: Config, env: Environment): SecretReader[] {
  return sessionKeys.map((reference, index) => {
    const setting = `session_keys[${index}]`;
    const read = (): string => {
      const secret = resolveSecret(reference, env, setting);
      if (secret.length >= sessionKeyCharsMin) return secret;
      throw missing(setting, `it is shorter than ${sessionKeyCharsMin} characters`, 'Make one with: openssl rand -base64 32');
    };
    return { setting, reference, read };
  });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.trim());
  } catch {
    return text.trim();
  }
}

/** As `readListenTls`; null where the door speaks no TLS. */
export function resolveListenTls({ listen }: Config, env: Environment): ListenTlsMaterial | null {
  return listen.tls === null ? null : readListenTls(listen.tls, (reference, setting) => resolveSecret(reference, env, setting), Date.now());
}

function doorReaders(config: Config, env: Environment): SecretReader[] {
  const { tls } = config.listen;
  if (tls === null) return [];
  const files = [tls.certFile, tls.clientCaFile].flatMap((file) => (file === null ? [] : [{ file }]));
  const references: readonly SecretReference[] = [tls.key, ...files];
  return references.map((reference, index) => ({
    setting: 'listen.tls',
    reference,
    // They are of use together only: one of them is asked for all.
    read: () => (index === 0 ? JSON.stringify(resolveListenTls(config, env)) : 'read with the first'),
  }));
}

/** The files that secrets and certificates are read from, Kubernetes' too. */
export function secretFiles(config: Config): readonly string[] {
  return [...new Set(secretReaders(config, {}).flatMap(({ reference }) => ('env' in reference ? [] : [fileOf(reference)])))];
}

/** Every secret and certificate that the configuration refers to: its setting, and where it is kept. */
export function secretReferences(config: Config): readonly string[] {
  const texts = secretReaders(config, {}).map(({ setting, reference }) => `${setting}: ${'env' in reference ? `env ${reference.env}` : fileOf(reference)}`);
  return [...new Set(texts)];
}

/** As `readUpstreamTls`; null where the server has no settings for TLS. */
export function resolveTls({ name, upstream }: ServerConfig, env: Environment): TlsData | null {
  if (upstream === undefined || upstream.tls === null) return null;
  return readUpstreamTls(upstream.tls, `servers.${name}.tls`, (reference, setting) => resolveSecret(reference, env, setting));
}

/** Its certificates are no secrets, but must be there just so, and be looked at for changes. `read`: all of it together. */
function tlsReaders(tls: UpstreamTlsConfig | null, setting: string, read: () => unknown): SecretReader[] {
  if (tls === null) return [];
  const files = [tls.caFile, tls.certFile].flatMap((file) => (file === null ? [] : [{ file }]));
  const references: readonly SecretReference[] = tls.key === null ? files : [...files, tls.key];
  // They are of use together only: one of them is asked for all.
  return references.map((reference, index) => ({ setting, reference, read: () => (index === 0 ? JSON.stringify(read()) : 'read with the first') }));
}

/** How Open Policy Agent is asked, with what is read for it; null: it is not. Faults: `secret_unavailable`, `unsafe_start`. */
export function resolveOpa({ access: { opa } }: Pick<Config, 'access'>, env: Environment): OpaData | null {
  if (opa === null) return null;
  const { url, bundle, decision: path, timeoutMs, credential, tls, allowedNetworks } = opa;
  if (bundle !== null) return { kind: 'bundle', path, timeoutMs, ...readBundle(bundle, path, 'access.opa.bundle') };
  if (url === null) return null;
  const { origin, pathname } = new URL(url);
  return {
    kind: 'rest',
    path,
    timeoutMs,
    origin,
    basePath: pathname.replace(/\/+$/, ''),
    credential: credential && resolveCredential(credential, env, 'access.opa.credential'),
    tls: tls && readUpstreamTls(tls, 'access.opa.tls', (reference, setting) => resolveSecret(reference, env, setting)),
    allowedNetworks,
  };
}

/** Names what of it was read: as long as it is the same, so is all of it. */
function opaDigest(data: OpaData | null): string {
  return createHash('sha256').update(JSON.stringify(data)).digest('hex');
}

/** The issuers with what is read for them. Faults: `secret_unavailable`. */
export function resolveIssuers({ identity }: Pick<Config, 'identity'>, env: Environment): readonly IssuerData[] {
  return identity.issuers.map(({ caFile, ...issuer }) => ({ ...issuer, ca: authoritiesOf(caFile, `identity.issuers.${issuer.name}`, env) }));
}

/** What a stream of the audit is sent with. Faults: `secret_unavailable`, `unsafe_start`. */
export function resolveStream(stream: AuditStreamConfig, env: Environment): StreamData {
  const { to } = stream;
  const setting = `audit.streams.${stream.name}.${to.kind}`;
  const tls = to.tls && readUpstreamTls(to.tls, `${setting}.tls`, (reference, place) => resolveSecret(reference, env, place));
  if (to.kind === 'syslog') return { ...stream, to: { ...to, tls } };
  const { secrets, headers, ...rest } = to;
  return {
    ...stream,
    to: {
      ...rest,
      tls,
      headers: resolveHeaders(headers, env, `${setting}.headers`),
      keys: secrets.map((secret) => webhookKey(secret, env, `${setting}.secrets`)),
    },
  };
}

/** https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#signature-scheme */
function webhookKey(reference: SecretReference, env: Environment, setting: string): Buffer {
  const text = resolveSecret(reference, env, setting).replace(/^whsec_/, '');
  const key = Buffer.from(text, 'base64');
  if (/^[A-Za-z0-9+/]+={0,2}$/.test(text) && key.length >= webhookKeyBytes.least && key.length <= webhookKeyBytes.most) return key;
  throw missing(setting, 'it is not 24 to 64 bytes in base64', 'Make one with: echo whsec_$(openssl rand -base64 32)');
}

const webhookKeyBytes = { least: 24, most: 64 };

function streamReaders(stream: AuditStreamConfig, env: Environment): SecretReader[] {
  const { to } = stream;
  const setting = `audit.streams.${stream.name}.${to.kind}`;
  const tls = tlsReaders(to.tls, `${setting}.tls`, () =>
    resolveStream({ ...stream, to: { ...to, ...(to.kind === 'webhook' ? { headers: {}, secrets: [] } : {}) } }, env),
  );
  if (to.kind === 'syslog') return tls;
  const keys = to.secrets.map((reference) => ({
    setting: `${setting}.secrets`,
    reference,
    read: () => webhookKey(reference, env, `${setting}.secrets`).toString('base64'),
  }));
  return [...tls, ...keys, ...headerReaders(to.headers, env, `${setting}.headers`)];
}

function secretReaders(config: Config, env: Environment): SecretReader[] {
  return [
    ...doorReaders(config, env),
    ...headerReaders(config.telemetry.otlp?.headers ?? {}, env, 'telemetry.otlp.headers'),
    ...config.audit.streams.flatMap((stream) => streamReaders(stream, env)),
    ...sessionKeyReaders(config, env),
    ...opaReaders(config, env),
    ...config.identity.issuers.flatMap(({ name, caFile }) => authoritiesReaders(caFile, `identity.issuers.${name}`, env)),
    ...config.identity.certificates.authorities.flatMap(certificateReaders),
    ...config.identity.providers.flatMap((provider) => providerReaders(provider, env)),
    ...config.servers.flatMap((server) => [
      ...tlsReaders(server.upstream?.tls ?? null, `servers.${server.name}.tls`, () => resolveTls(server, env)),
      ...ownReaders(server, env),
    ]),
  ];
}

/** What is read for it is of use together only: one of them is asked for all. */
function opaReaders({ access }: Config, env: Environment): SecretReader[] {
  const { opa } = access;
  if (opa === null) return [];
  const read = (): string => opaDigest(resolveOpa({ access }, env));
  const bundle: SecretReader[] = opa.bundle === null ? [] : [{ setting: 'access.opa.bundle', reference: { file: opa.bundle }, read }];
  const { credential } = opa;
  const shown: SecretReader[] =
    credential === null
      ? []
      : [
          {
            setting: 'access.opa.credential',
            reference: credential.secret,
            read: () => resolveCredential(credential, env, 'access.opa.credential').value.replace(/^Bearer /, ''),
          },
        ];
  return [...bundle, ...shown, ...tlsReaders(opa.tls, 'access.opa.tls', read)];
}

function ownReaders(server: ServerConfig, env: Environment): SecretReader[] {
  if (server.transport !== 'stdio') {
    const { credential } = server;
    const setting = `servers.${server.name}.credential`;
    return credential === null
      ? []
      : [{ setting, reference: credential.secret, read: () => resolveCredential(credential, env, setting).value.replace(/^Bearer /, '') }];
  }
  return Object.entries(server.env).flatMap(([name, value]) => {
    const setting = `servers.${server.name}.env.${name}`;
    return typeof value === 'string' ? [] : [{ setting, reference: value, read: () => resolveSecret(value, env, setting) }];
  });
}

/** Values that documents and templates carry, and what no one could call a secret. */
function isSample(value: string): boolean {
  return value.length < 8 || /^(?:change[-_ ]?me|secret|password|example|sample|test|dummy|placeholder|your[-_ ].*|<.*>|x{8,}|\*+|(.)\1+)\d*$/i.test(value);
}
