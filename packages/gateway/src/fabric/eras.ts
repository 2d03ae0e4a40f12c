import { bounds } from '../kernel/bounds.ts';
import type { Clock } from '../kernel/clock.ts';
import { Fault } from '../kernel/fault.ts';
import { isModernVersion, legacyVersions } from '../protocol/versions.ts';
import type { Server } from '../snapshot/compile-snapshot.ts';
import type { ClientFace, Servers } from './dialogue.ts';
import { requestOnce, type OnceReply } from './request-once.ts';
import { codeOf, isMembers, type Members } from './rpc-message.ts';
import { placeOf, type SendExchange } from './server-exchange.ts';
import { gatewayInfo, modernParams, newestModern } from './translate.ts';

/**
 * Which eras a server serves. Found by asking it, kept for minutes, forgotten as soon as an answer looks like another era's: a server is
 * replaced behind its address, and a stale verdict for the older era would succeed silently for ever.
 */
export interface EraBook {
  readonly known: Servers['serves'];
  readonly find: Servers['findIfServes'];
  /** Whether to speak to it in the words of 2026-07-28: known at once where it was found out before. */
  speaksModern(server: Server): boolean | Promise<boolean>;
  forget(server: Server): void;
  /** Something of another era was perhaps heard of it: what is known holds for half a minute more at most. */
  doubt(server: Server): void;
  sweep(): void;
}

interface Entry {
  readonly modern: Promise<boolean>;
  isModern: boolean | null;
  legacy: Promise<boolean> | null;
  isLegacy: boolean | null;
  untilMs: number;
}

const nobody: ClientFace = { principalId: '', capabilities: '{}', info: null, logLevel: null };
/** Answers of what stands before a server, not its own. */
const notItsOwn: ReadonlySet<number> = new Set([502, 503, 504]);

export function createEraBook(sendExchange: SendExchange, clock: Clock): EraBook {
  const entries = new Map<string, Entry>();

  function entryOf(server: Server): Entry {
    const place = placeOf(server);
    const known = entries.get(place);
    if (known && clock.monotonicMs() < known.untilMs) return known;
    const entry: Entry = {
      modern: discover(server, (ms) => (entry.untilMs = clock.monotonicMs() + ms)),
      isModern: null,
      legacy: null,
      isLegacy: null,
      untilMs: Infinity,
    };
    entries.set(place, entry);
    entry.modern.then(
      (modern) => (entry.isModern = modern),
      // A server that could not be reached has said nothing about its era.
      () => drop(place, entry),
    );
    return entry;
  }

  function drop(place: string, entry: Entry): void {
    if (entries.get(place) === entry) entries.delete(place);
  }

  async function discover(server: Server, keep: (ms: number) => void): Promise<boolean> {
    const headers = ['mcp-protocol-version', newestModern, 'mcp-method', 'server/discover'];
    const body = `{"jsonrpc":"2.0","id":1,"method":"server/discover","params":${modernParams('{}', nobody, '')}}`;
    let reply: OnceReply | null = null;
    try {
      reply = await requestOnce(sendExchange, server, { headers, body, caller: '', firstByteMsMax: bounds.fabricProbeTimeoutMs, repeatable: true });
    } catch (thrown) {
      // A server that does not know the question may leave it unanswered, or answer with what is no message.
      if (!(thrown instanceof Fault) || (thrown.code !== 'mcp_timeout' && thrown.code !== 'upstream_invalid')) throw thrown;
    }
    if (reply !== null && notItsOwn.has(reply.status) && reply.message === null)
      throw new Fault('upstream_invalid', { server: server.data.name, reason: `it answered HTTP ${reply.status}` });
    keep(reply === null || reply.status >= 500 ? bounds.fabricDoubtfulEraMs : bounds.fabricEraMs);
    const message = reply?.message;
    if (!message) return false;
    return message.kind === 'error' ? isModernError(message.body) : includesModern(message.body['supportedVersions']);
  }

  /** A session that is opened and closed again: the only way to know whether a server takes clients of before 2026-07-28 as well. */
  async function tryLegacy(server: Server): Promise<boolean> {
    const params = `{"protocolVersion":"${legacyVersions[0] ?? ''}","capabilities":{},"clientInfo":${gatewayInfo}}`;
    const { message, sessionId, target } = await requestOnce(sendExchange, server, {
      headers: [],
      body: `{"jsonrpc":"2.0","id":1,"method":"initialize","params":${params}}`,
      caller: '',
      firstByteMsMax: bounds.fabricProbeTimeoutMs,
    });
    const version = message?.body['protocolVersion'];
    const isLegacy = message?.kind === 'result' && typeof version === 'string' && legacyVersions.includes(version);
    if (isLegacy && sessionId !== '') void endSession(sendExchange, server, { id: sessionId, version, target });
    return isLegacy;
  }

  return {
    known(server, era) {
      const entry = entries.get(placeOf(server));
      if (!entry || clock.monotonicMs() >= entry.untilMs) return null;
      return era === 'modern' ? entry.isModern : entry.isLegacy;
    },
    async find(server, era) {
      const entry = entryOf(server);
      const modern = await entry.modern;
      if (era === 'modern') return modern;
      // What is not modern is taken for legacy: its own handshake says more when somebody needs it.
      entry.legacy ??= modern ? tryLegacy(server).catch(noLegacy) : Promise.resolve(true);
      try {
        entry.isLegacy = await entry.legacy;
      } catch (thrown) {
        entry.legacy = null;
        throw thrown;
      }
      return entry.isLegacy;
    },
    speaksModern(server) {
      const entry = entryOf(server);
      return entry.isModern ?? entry.modern;
    },
    forget(server) {
      entries.delete(placeOf(server));
    },
    doubt(server) {
      const entry = entries.get(placeOf(server));
      if (entry) entry.untilMs = Math.min(entry.untilMs, clock.monotonicMs() + bounds.fabricDoubtfulEraMs);
    },
    sweep() {
      for (const [place, { untilMs }] of entries) if (untilMs <= clock.monotonicMs()) entries.delete(place);
    },
  };
}

/** A server of 2026-07-28 that leaves the older handshake unanswered, or answers it with what is no message, does not know it. */
function noLegacy(thrown: unknown): boolean {
  if (thrown instanceof Fault && (thrown.code === 'mcp_timeout' || thrown.code === 'upstream_invalid')) return false;
  throw thrown;
}

/** An error that only a server of 2026-07-28 or later makes: it is spoken to in its own words, whatever it refuses. */
export function isModernError(error: Members): boolean {
  const code = codeOf(error);
  if (code === -32_020 || code === -32_021) return true;
  const supported = isMembers(error['data']) ? error['data']['supported'] : undefined;
  // A server that knows of versions to come may yet serve only those of before.
  return code === -32_022 && (!Array.isArray(supported) || includesModern(supported));
}

function includesModern(versions: unknown): boolean {
  return Array.isArray(versions) && versions.some((version) => typeof version === 'string' && isModernVersion(version));
}

/** Tells a server that a session is over; resolves when it knows. Whoever is gone already needs no farewell. */
export function endSession(
  sendExchange: SendExchange,
  server: Server,
  session: { readonly id: string; readonly version: string; readonly target: string },
): Promise<void> {
  const headers = ['mcp-protocol-version', session.version, 'mcp-session-id', session.id];
  const firstByteMsMax = bounds.upstreamConnectTimeoutMs;
  return new Promise((resolve) => {
    const sink = { message: () => undefined, end: () => resolve(), failed: () => resolve() };
    sendExchange(server, { method: 'DELETE', headers, body: null, caller: '', target: session.target, firstByteMsMax }, sink);
  });
}
