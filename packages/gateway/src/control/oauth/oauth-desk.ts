/**
 * The gateway as authorization server for MCP clients (OAuth 2.1, the profile of the MCP specification of 2026-07-28): somebody who is signed in
 * here allows a client to act in their name at one address, and the client gets tokens that are good there and nowhere else. Promises: codes and refresh
 * tokens are good once and revoke their grant when they are shown again; no secret is stored; what a client is called is never
 * taken for who it is; nothing is fetched for who is not signed in.
 */
import { createClientDocuments, type ClientDocuments } from './client-documents.ts';
import { createTokenKeys, type TokenKeys, type TokenKeyParts } from './token-keys.ts';

export interface OauthDesk {
  readonly keys: TokenKeys;
  readonly documents: ClientDocuments;
}

export function createOauthDesk(parts: TokenKeyParts): OauthDesk {
  return { keys: createTokenKeys(parts), documents: createClientDocuments(parts.clock) };
}
