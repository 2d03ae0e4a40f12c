import { createHash, timingSafeEqual } from 'node:crypto';
import type { AuthorizationServerConfig, OauthClientConfig } from '../../config/config.ts';
import { isDocumentId } from '../../kernel/document-id.ts';
import type { ControlDependencies } from '../context.ts';
import { OauthRefusal } from './oauth-refusal.ts';

/** A client as it describes itself, or as the operator does. */
export interface OauthClient {
  readonly id: string;
  /** What it calls itself; anybody can call themselves anything. */
  readonly name: string;
  /** `own`: the command line of the gateway; `configured`: the operator vouches for it; `document`: the host of its id does; `registered`: nobody does. */
  readonly kind: 'own' | 'configured' | 'document' | 'registered';
  readonly redirectUris: readonly string[];
}

/** `gateway login`: answered on the machine that it runs on, and nowhere else. */
const commandLine: OauthClient = {
  id: 'gateway-cli',
  name: 'the command line of GatewayOps',
  kind: 'own',
  redirectUris: ['http://127.0.0.1/callback', 'http://[::1]/callback'],
};

/** Whether somebody of this gateway says who it is, not only it itself. */
export function isVouchedFor(kind: OauthClient['kind']): boolean {
  return kind === 'configured' || kind === 'own';
}

/** A name as a page can show it beside words of ours: nothing that no store takes, or that turns the text around it; null: nothing is left. */
export function plainClientName(name: string | undefined): string | null {
  const text = (name ?? '')
    .toWellFormed()
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '')
    .trim();
  return text === '' ? null : text;
}

/** The client of an id. Refusals: `invalid_client`. Faults: `unavailable`. */
export async function findClient(
  { registry, oauth }: Pick<ControlDependencies, 'registry' | 'oauth'>,
  server: AuthorizationServerConfig,
  clientId: string,
): Promise<OauthClient> {
  const configured = configuredClient(server, clientId);
  if (configured !== null) return { id: clientId, name: configured.name, kind: 'configured', redirectUris: configured.redirectUris };
  if (server.controlApi && clientId === commandLine.id) return commandLine;
  if (server.clientDocuments !== null && isDocumentId(clientId)) {
    return { id: clientId, kind: 'document', ...(await oauth.documents.read(clientId, server.clientDocuments)) };
  }
  const registered = server.dynamicRegistration && registeredId.test(clientId) ? await registry.oauthClients.find(clientId) : null;
  if (registered === null) throw new OauthRefusal('invalid_client', 'the client_id is not known here');
  return { id: clientId, name: registered.name, kind: 'registered', redirectUris: registered.redirectUris };
}

export const registeredId = /^client_[0-9A-Za-z]{20}$/;

/**
 * Who asks at the token endpoint: a client without a secret is who it says, for its code or token says so too; one that has a secret shows it. Refusals:
 * `invalid_client`.
 */
export function requireClientSecret(server: AuthorizationServerConfig, clientId: string, secret: string | null): void {
  const known = configuredClient(server, clientId)?.secretDigest ?? null;
  if (known === null && secret === null) return;
  if (known === null || secret === null || !timingSafeEqual(Buffer.from(known, 'hex'), createHash('sha256').update(secret).digest()))
    throw new OauthRefusal('invalid_client', 'the client did not show its secret');
}

/**
 * A client that the operator has taken out of the configuration gets no more tokens: the secret that it had to show went with its entry, and whoever has one of its
 * refresh tokens would need nothing else. Refusals: `invalid_client`.
 */
export function requireStillKnown(server: AuthorizationServerConfig, clientId: string): void {
  const isKnown =
    configuredClient(server, clientId) !== null ||
    (server.controlApi && clientId === commandLine.id) ||
    (server.clientDocuments !== null && isDocumentId(clientId)) ||
    (server.dynamicRegistration && registeredId.test(clientId));
  if (!isKnown) throw new OauthRefusal('invalid_client', 'the client_id is not known here');
}

function configuredClient({ clients }: AuthorizationServerConfig, clientId: string): OauthClientConfig | null {
  return clients.find(({ id }) => id === clientId) ?? null;
}
