/** `access` as it is written → what decisions stand on. */
import { isAbsolute, resolve } from 'node:path';
import type { AccessConfig, CredentialConfig, OpaConfig, SecretReference } from './config.ts';
import { parseDuration } from './quantities.ts';
import type { GatewayFile } from './schema.ts';
import type { OpaEntry } from './schema-access.ts';

export function buildAccess({ risks, opa }: GatewayFile['access'], folder: string, reference: (secret: SecretReference) => SecretReference): AccessConfig {
  return { risks, opa: opa === undefined ? null : buildOpa(opa, folder, reference) };
}

/** One that names no place, or two, is reported by the check of it. */
function buildOpa(entry: OpaEntry, folder: string, reference: (secret: SecretReference) => SecretReference): OpaConfig {
  const { url = null, bundle, decision, timeout, credential, tls, allow_addresses: allowedNetworks = [] } = entry;
  const file = (path: string): string => (isAbsolute(path) ? path : resolve(folder, path));
  const shown: CredentialConfig | null = credential === undefined ? null : { ...credential, secret: reference(credential.secret) };
  return {
    url,
    bundle: bundle === undefined ? null : file(bundle),
    decision,
    timeoutMs: parseDuration(timeout) ?? 0,
    credential: shown,
    tls:
      tls === undefined
        ? null
        : {
            caFile: tls.ca === undefined ? null : file(tls.ca),
            certFile: tls.cert === undefined ? null : file(tls.cert),
            key: tls.key === undefined ? null : reference(tls.key),
            serverName: tls.server_name ?? null,
          },
    allowedNetworks,
  };
}
