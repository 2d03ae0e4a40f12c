/**
 * Clients that describe themselves by a document at the https address that is their id (OAuth Client ID Metadata Document,
 * draft-ietf-oauth-client-id-metadata-document). The address comes from outside: it is dialled only where strangers may
 * send a gateway, without redirects, within a few seconds and KiB, and what it says is kept for a while.
 */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { askOutside, jsonOf, OutsideTrouble } from '../../identity/ask-outside.ts';
import { bounds } from '../../kernel/bounds.ts';
import type { Clock } from '../../kernel/clock.ts';
import { plainClientName } from './find-client.ts';
import { OauthRefusal } from './oauth-refusal.ts';
import { refusedRedirectUri } from '../../kernel/redirect-uri.ts';

export interface ClientDocument {
  readonly name: string;
  readonly redirectUris: readonly string[];
}

export interface ClientDocumentRules {
  /** Networks that documents may lie in although strangers are not sent there. */
  readonly allowedNetworks: readonly string[];
  /** File of certificate authorities in PEM in the place of the public ones, or null. */
  readonly caFile: string | null;
}

export interface ClientDocuments {
  /** Refusals: `invalid_client`, with what is wrong with the document. */
  read(clientId: string, rules: ClientDocumentRules): Promise<ClientDocument>;
}

const keptMax = 500;

export function createClientDocuments(clock: Pick<Clock, 'monotonicMs'>): ClientDocuments {
  const kept = new Map<string, { readonly untilMs: number; readonly document: ClientDocument }>();
  const asking = new Map<string, Promise<ClientDocument>>();

  async function fetchAndKeep(clientId: string, rules: ClientDocumentRules): Promise<ClientDocument> {
    const document = documentOf(clientId, await fetchDocument(new URL(clientId), rules));
    const [oldest] = kept.keys();
    if (kept.size >= keptMax && oldest !== undefined) kept.delete(oldest);
    kept.set(clientId, { document, untilMs: clock.monotonicMs() + bounds.clientDocumentKeptMs });
    return document;
  }

  return {
    async read(clientId, rules) {
      const known = kept.get(clientId);
      if (known !== undefined && clock.monotonicMs() < known.untilMs) return known.document;
      kept.delete(clientId);
      let pending = asking.get(clientId);
      if (pending === undefined) {
        if (asking.size >= bounds.clientDocumentsAtOnceMax) throw new OauthRefusal('temporarily_unavailable', 'too many client documents are being read');
        pending = fetchAndKeep(clientId, rules).finally(() => asking.delete(clientId));
        asking.set(clientId, pending);
      }
      return pending;
    },
  };
}

const documentSchema = z.looseObject({
  client_id: z.string(),
  client_name: z.string().max(200).optional(),
  redirect_uris: z.array(z.string()).min(1).max(50),
  token_endpoint_auth_method: z.string().optional(),
  client_secret: z.never().optional(),
});

/** Refusals: `invalid_client`. */
function documentOf(clientId: string, json: unknown): ClientDocument {
  const parsed = documentSchema.safeParse(json);
  if (!parsed.success) throw refused(`${parsed.error.issues[0]?.path.join('.') ?? 'it'} is not as the specification has it`);
  const { client_id: ownId, client_name: name, redirect_uris: redirectUris, token_endpoint_auth_method: method = 'none' } = parsed.data;
  if (ownId !== clientId) throw refused('its client_id is another address');
  if (method !== 'none') throw refused('its token_endpoint_auth_method must be none');
  const bad = redirectUris.map((uri) => refusedRedirectUri(uri)).find((reason) => reason !== null);
  if (bad !== undefined) throw refused(`of a redirect_uri: ${bad}`);
  return { name: plainClientName(name) ?? new URL(clientId).host, redirectUris };
}

async function fetchDocument(url: URL, { allowedNetworks, caFile }: ClientDocumentRules): Promise<unknown> {
  // A port of its own is for places that the operator has named: else a gateway would knock at doors for strangers.
  if (url.port !== '' && allowedNetworks.length === 0) throw refused('its address has a port');
  const ca = caFile === null ? null : await readFile(caFile, 'utf8');
  try {
    const answer = await askOutside(
      url.href,
      { allowedNetworks, ca },
      { headers: { accept: 'application/json' }, timeoutMs: bounds.clientDocumentTimeoutMs, bytesMax: bounds.clientDocumentBytesMax },
    );
    return jsonOf(url.href, answer);
  } catch (error) {
    if (!(error instanceof OutsideTrouble)) throw error;
    // Which address a name has inside is for the administrator.
    throw refused(error.message.replace(/it has the address \S+, and /, ''), error.message);
  }
}

function refused(why: string, reason = why): OauthRefusal {
  const said = 'the document of this client_id cannot be used';
  return new OauthRefusal('invalid_client', `${said}: ${why}`, `${said}: ${reason}`);
}
