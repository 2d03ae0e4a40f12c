import { bounds } from '../kernel/bounds.ts';
import type { Clock } from '../kernel/clock.ts';
import { Fault } from '../kernel/fault.ts';
import type { Server } from '../snapshot/compile-snapshot.ts';
import type { ClientFace, ServerFacts } from './dialogue.ts';
import { memberTexts } from './edit-object.ts';
import { isModernError } from './eras.ts';
import type { LegacySession } from './legacy-sessions.ts';
import { OtherEra } from './legacy-sessions.ts';
import { requestOnce } from './request-once.ts';
import { codeOf, isMembers } from './rpc-message.ts';
import { safeInfo } from './safe-addresses.ts';
import { placeOf, type SendExchange } from './server-exchange.ts';
import { modernCapabilities, modernParams, newestModern } from './translate.ts';

const serverInfoKey = 'io.modelcontextprotocol/serverInfo';

/** What modern servers say of themselves, kept for as long as they allow: for all where they say `public`, else for one principal. */
export interface FactBook {
  /** Throws `OtherEra` where the server does not know the question. Faults: those of the connection, `mcp_error`. */
  modern(server: Server, face: ClientFace): Promise<ServerFacts>;
  sweep(): void;
}

export function createFactBook(sendExchange: SendExchange, nextId: () => string, clock: Clock): FactBook {
  const book = new Map<string, { readonly facts: ServerFacts; readonly untilMs: number }>();
  const asking = new Map<string, Promise<ServerFacts>>();

  async function discover(server: Server, face: ClientFace): Promise<ServerFacts> {
    const { name } = server.data;
    const headers = ['mcp-protocol-version', newestModern, 'mcp-method', 'server/discover'];
    const params = modernParams('{}', { ...face, logLevel: null }, '');
    const body = `{"jsonrpc":"2.0","id":${nextId()},"method":"server/discover","params":${params}}`;
    const { message, status } = await requestOnce(sendExchange, server, { headers, body, caller: face.principalId, repeatable: true });
    if (message === null || (message.kind === 'error' && !isModernError(message.body))) {
      if (status >= 400 && status < 500) throw new OtherEra();
      if (message === null) throw new Fault('upstream_invalid', { server: name, reason: `it answered \`server/discover\` with HTTP ${status}` });
    }
    if (message.kind === 'error')
      throw new Fault('mcp_error', { server: name }, { extra: { cause: { code: codeOf(message.body), message: message.body['message'] } } });
    const texts = memberTexts(message.bodyText);
    const { capabilities, instructions, ttlMs, cacheScope, _meta: meta } = message.body;
    const info = isMembers(meta) && isMembers(meta[serverInfoKey]) ? memberTexts(texts.get('_meta') ?? '{}').get(serverInfoKey) : undefined;
    return {
      era: 'modern',
      capabilities: isMembers(capabilities) ? (texts.get('capabilities') ?? '{}') : '{}',
      instructions: typeof instructions === 'string' ? instructions : null,
      info: info === undefined ? null : safeInfo(info),
      ttlMs: typeof ttlMs === 'number' && ttlMs > 0 ? Math.min(Math.floor(ttlMs), bounds.fabricFactsMsMax) : 0,
      cacheScope: cacheScope === 'public' ? 'public' : 'private',
    };
  }

  async function ask(server: Server, face: ClientFace, key: string): Promise<ServerFacts> {
    const facts = await discover(server, face);
    if (facts.ttlMs > 0) {
      const kept = facts.cacheScope === 'public' ? placeOf(server) : key;
      book.delete(kept);
      book.set(kept, { facts, untilMs: clock.monotonicMs() + facts.ttlMs });
      const [oldest] = book.keys();
      if (book.size > bounds.fabricFactsMax && oldest !== undefined) book.delete(oldest);
    }
    return facts;
  }

  return {
    modern(server, face) {
      const key = [placeOf(server), face.principalId, face.capabilities, face.info ?? ''].join('\n');
      for (const known of [book.get(key), book.get(placeOf(server))]) if (known && clock.monotonicMs() < known.untilMs) return Promise.resolve(known.facts);
      const underWay = asking.get(key);
      if (underWay) return underWay;
      const facts = ask(server, face, key).finally(() => asking.delete(key));
      asking.set(key, facts);
      return facts;
    },
    sweep() {
      for (const [key, { untilMs }] of book) if (untilMs <= clock.monotonicMs()) book.delete(key);
    },
  };
}

/** What a server said in its handshake. It holds for the session, and nothing is said of others. */
export function legacyFacts(session: LegacySession): ServerFacts {
  const { capabilitiesText, instructions, info } = session;
  return { era: 'legacy', capabilities: modernCapabilities(capabilitiesText), instructions, info, ttlMs: 0, cacheScope: 'private' };
}
