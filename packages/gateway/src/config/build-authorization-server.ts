/** `identity.authorization_server` as it is written → Config. */
import { resolve } from 'node:path';
import type { AuthorizationServerConfig } from './config.ts';
import { parseDuration } from './quantities.ts';
import type { AuthorizationServerEntry } from './schema-authorization-server.ts';

export function buildAuthorizationServer(entry: AuthorizationServerEntry, folder: string): AuthorizationServerConfig {
  const { enabled, allow_addresses: allowedNetworks = [], ca } = entry.client_documents;
  return {
    clients: entry.clients.map(({ client_id: id, name, redirect_uris: redirectUris, secret_sha256: secretDigest }) => ({
      id,
      name,
      redirectUris,
      secretDigest: secretDigest ?? null,
    })),
    clientDocuments: enabled ? { allowedNetworks, caFile: ca === undefined ? null : resolve(folder, ca) } : null,
    dynamicRegistration: entry.dynamic_registration,
    controlApi: entry.control_api,
    accessTokenMs: milliseconds(entry.access_token_ttl),
    refreshTokenMs: milliseconds(entry.refresh_token_ttl),
  };
}

function milliseconds(duration: string): number {
  const ms = parseDuration(duration);
  if (ms === null) throw new RangeError(`${duration} passed the schema but is no duration`);
  return ms;
}
