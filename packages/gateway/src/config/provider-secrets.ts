import { readFileSync, statSync } from 'node:fs';
import type { ProviderData } from '../identity/provider-data.ts';
import { bounds } from '../kernel/bounds.ts';
import type { ProviderConfig, SamlProviderConfig, SecretReference } from './config.ts';
import type { Environment } from './environment.ts';
import { missing, oneLine, resolveSecret, type SecretReader } from './read-secret.ts';
import { readUpstreamTls } from './upstream-tls.ts';

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

export function providerReaders(provider: ProviderConfig, env: Environment): SecretReader[] {
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
export function authoritiesOf(caFile: string | null, setting: string, env: Environment): string | null {
  if (caFile === null) return null;
  return readUpstreamTls({ caFile, certFile: null, key: null, serverName: null }, `${setting}.ca`, (one, place) => resolveSecret(one, env, place)).ca;
}

export function authoritiesReaders(caFile: string | null, setting: string, env: Environment): SecretReader[] {
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
