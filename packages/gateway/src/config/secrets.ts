import { createHash, hkdfSync } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readFileSync, statSync } from 'node:fs';
import { bounds } from '../kernel/bounds.ts';
import { Fault } from '../kernel/fault.ts';
import type { IssuerData } from '../identity/issuer-data.ts';
import type { ProviderData } from '../identity/provider-data.ts';
import type { OpaData } from '../snapshot/opa-data.ts';
import type { TlsData } from '../snapshot/upstream-data.ts';
import type { StreamData } from '../jobs/siem/stream-data.ts';
import type {
  AuditStreamConfig,
  Config,
  CredentialConfig,
  ProviderConfig,
  SamlProviderConfig,
  SecretReference,
  ServerConfig,
  UpstreamTlsConfig,
} from './config.ts';
import type { OtlpConfig } from './otlp-config.ts';
import type { Environment } from './environment.ts';
import { certificateReaders } from './certificate-authorities.ts';
import { readBundle } from './read-bundle.ts';
import { isLoopback, listenAddressText } from './listen-address.ts';
import { readListenTls, type ListenTlsMaterial } from './listen-tls.ts';
import { readUpstreamTls } from './upstream-tls.ts';

const secretBytesMax = 64 * 1024;
const kubernetesFolder = '/var/run/secrets/gatewayops';

/**
 * The value of a secret, read now. One newline at the end of a file is not part of it. `setting` names the place that asks
 * (`servers.search.credential`).
 *
 * Faults: `secret_unavailable` where it is missing or empty; `unsafe_start` where others may read its file. No fault holds
 * the value.
 */
export function resolveSecret(reference: SecretReference, env: Environment, setting: string): string {
  if ('env' in reference) {
    const value = env[reference.env];
    if (value === undefined || value === '')
      throw missing(setting, `the environment variable ${reference.env} is not set`, `Set ${reference.env} for the gateway.`);
    return value;
  }
  // Kubernetes writes mounted secrets readable for the pod's group; who may enter the pod is Kubernetes' to say.
  return readSecretFile(fileOf(reference), setting, 'file' in reference);
}

/** The header by which the gateway names itself to a server. Faults: as `resolveSecret`; a secret must fit into a header line. */
export function resolveCredential(credential: CredentialConfig, env: Environment, setting: string): { readonly header: string; readonly value: string } {
  const secret = oneLine(resolveSecret(credential.secret, env, setting), setting);
  return credential.type === 'bearer' ? { header: 'authorization', value: `Bearer ${secret}` } : { header: credential.name.toLowerCase(), value: secret };
}

/** A secret that is to be sent in a header. Faults: `secret_unavailable`. */
function oneLine(secret: string, setting: string): string {
  if (/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(secret)) return secret;
  throw missing(setting, 'it holds line breaks, spaces around it or characters that no header may carry', 'Keep only the secret, in one line of ASCII.');
}

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

function fileOf(reference: Exclude<SecretReference, { readonly env: string }>): string {
  return 'file' in reference ? reference.file : `${kubernetesFolder}/${reference.kubernetes.name}/${reference.kubernetes.key}`;
}

/** Providers with what is read for them. Faults: `secret_unavailable`, `unsafe_start`. */
export function resolveProvider({ caFile, ...provider }: ProviderConfig, env: Environment): ProviderData {
  const setting = `identity.providers.${provider.name}`;
  const ca = authoritiesOf(caFile, setting, env);
  if (provider.type === 'oidc') return { ...provider, ca, clientSecret: provider.clientSecret && clientSecretOf(provider.clientSecret, setting, env) };
  const { metadata, own } = provider;
  return {
    ...provider,
    ca,
    metadata: 'url' in metadata ? metadata : { text: readMetadata(metadata.file, `${setting}.saml.metadata`) },
    own: own && ownKeyOf(own, setting, env),
  };
}

function providerReaders(provider: ProviderConfig, env: Environment): SecretReader[] {
  const { name, caFile } = provider;
  const setting = `identity.providers.${name}`;
  const ca = authoritiesReaders(caFile, setting, env);
  if (provider.type === 'oidc') {
    const { clientSecret } = provider;
    if (clientSecret === null) return ca;
    return [...ca, { setting: `${setting}.client_secret`, reference: clientSecret, read: () => clientSecretOf(clientSecret, setting, env) }];
  }
  const { metadata, own } = provider;
  const readers: SecretReader[] = [...ca];
  if ('file' in metadata) {
    const place = `${setting}.saml.metadata`;
    readers.push({ setting: place, reference: metadata, read: () => readMetadata(metadata.file, place) });
  }
  if (own !== null)
    readers.push(
      { setting: `${setting}.saml.key`, reference: own.key, read: () => ownKeyOf(own, setting, env).key },
      { setting: `${setting}.saml.certificate`, reference: { file: own.certificateFile }, read: () => 'read with the key' },
    );
  return readers;
}

function clientSecretOf(reference: SecretReference, setting: string, env: Environment): string {
  return oneLine(resolveSecret(reference, env, `${setting}.client_secret`), `${setting}.client_secret`);
}

/** Whom an issuer or provider is trusted by; null: by the public authorities. */
function authoritiesOf(caFile: string | null, setting: string, env: Environment): string | null {
  if (caFile === null) return null;
  return readUpstreamTls({ caFile, certFile: null, key: null, serverName: null }, `${setting}.ca`, (one, place) => resolveSecret(one, env, place)).ca;
}

function authoritiesReaders(caFile: string | null, setting: string, env: Environment): SecretReader[] {
  return caFile === null ? [] : [{ setting: `${setting}.ca`, reference: { file: caFile }, read: () => authoritiesOf(caFile, setting, env) ?? '' }];
}

/** Key and certificate by which a SAML provider knows us: of use together only. */
function ownKeyOf({ key, certificateFile }: NonNullable<SamlProviderConfig['own']>, setting: string, env: Environment): { key: string; certificate: string } {
  const files = { caFile: null, certFile: certificateFile, key, serverName: null };
  const read = readUpstreamTls(files, `${setting}.saml`, (one, place) => resolveSecret(one, env, place));
  return { key: read.key ?? '', certificate: read.cert ?? '' };
}

function readMetadata(path: string, setting: string): string {
  try {
    const stat = statSync(path);
    if (!stat.isFile() || stat.size > bounds.providerAnswerBytesMax) throw new Error('not a file of at most 1 MiB');
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const isGone = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    throw missing(
      setting,
      isGone ? `there is no file ${path}` : `${path} cannot be read as a file of at most 1 MiB`,
      'Correct the path, and let this user read it.',
      cause,
    );
  }
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

export interface SecretReader {
  readonly setting: string;
  readonly reference: SecretReference;
  readonly read: () => string;
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

function readSecretFile(path: string, setting: string, ownerOnly: boolean): string {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) throw missing(setting, `${path} is not a file`, 'Name a file that holds only the secret.');
    if (ownerOnly && (stat.mode & 0o077) !== 0) {
      const reason = `the file ${path} of ${setting} may be read or changed by others (mode ${(stat.mode & 0o777).toString(8).padStart(4, '0')})`;
      throw new Fault('unsafe_start', { reason, fix: `Run: chmod 600 ${path}` });
    }
    if (stat.size > secretBytesMax) throw missing(setting, `${path} is larger than 64 KiB`, 'Name a file that holds only the secret.');
    const value = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(descriptor)).replace(/\r?\n$/, '');
    if (value === '') throw missing(setting, `${path} is empty`, 'Write the secret into it.');
    if (value.includes('\0')) throw missing(setting, `${path} holds binary data`, 'Name a file that holds only the secret, as text.');
    return value;
  } catch (error) {
    if (error instanceof Fault) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw missing(setting, `there is no file ${path}`, 'Create it, readable by its owner alone, or correct the reference.', error);
    if (code === 'EACCES' || code === 'EPERM') throw missing(setting, `this user may not read ${path}`, "Make the gateway's user its owner.", error);
    throw missing(setting, `${path} cannot be read as text`, 'Name a file that holds only the secret.', error);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function missing(setting: string, reason: string, fix: string, cause?: unknown): Fault {
  return new Fault('secret_unavailable', { setting, reason, fix }, cause === undefined ? {} : { cause });
}
