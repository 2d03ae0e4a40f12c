import { authoriseAction } from '../authorise/authorise.ts';
import { editObject, memberTexts } from '../fabric/edit-object.ts';
import { endSession } from '../fabric/eras.ts';
import { requestOnce, type OnceReply } from '../fabric/request-once.ts';
import { isMembers } from '../fabric/rpc-message.ts';
import type { SendExchange } from '../fabric/server-exchange.ts';
import { bounds } from '../kernel/bounds.ts';
import { isServedLegacy } from '../protocol/versions.ts';
import type { Server } from '../snapshot/compile-snapshot.ts';
import type { Call } from './rail.ts';
import type { HeldSession, SessionHandles } from './session-handle.ts';
import type { SessionNoteBook, SessionNotes } from './session-notes.ts';
import { idOfSession, placeSession } from './session-place.ts';
import { callerOf, variantOf } from './target-hints.ts';
import { mappedHeaders } from './transform-call.ts';
import { traceparentOf } from './upstream-headers.ts';

/**
 * Sessions of legacy clients that their server has lost: a handshake in the client's name makes another one, with the log level and the
 * subscriptions that the client had set up, and the client's handle then means that. One of many workers makes it, the others take it over.
 */
export interface SessionRenewal {
  /**
   * The server does not know the session of this generation any more. True: `session` is of a later one now. False: it stays lost, because the
   * client has ended it, too little is remembered of it, the server takes no such client, or it is lost over and over. Never rejects.
   */
  renew(call: Call, server: Server, session: HeldSession, generation: number): Promise<boolean>;
  /** Takes over what other workers have made of the session. Never rejects. */
  refresh(call: Call, session: HeldSession): Promise<void>;
  /** The client ends the session: the one that has taken its place, and no other takes that one's. Never rejects. */
  end(call: Call, session: HeldSession): Promise<void>;
}

export interface SessionRenewalDependencies {
  readonly handles: Pick<SessionHandles, 'openingOf'>;
  readonly notes: SessionNoteBook;
  readonly sendExchange: SendExchange;
}

interface NewSession {
  readonly placed: string;
  readonly target: string;
  readonly version: string;
  readonly lists: readonly string[];
  /** Headers of every request in it. */
  readonly headers: readonly string[];
}

const listed = ['tools', 'prompts', 'resources'] as const;
const replacedMax = 8;
const restoredAtOnce = 16;
const minuteMs = 60_000;
/** Before this version requests do not say which one was agreed on. */
const firstWithHeader = '2025-06-18';

export function createSessionRenewal({ handles, notes, sendExchange }: SessionRenewalDependencies): SessionRenewal {
  /** False: it is the one that is known. */
  function takeOver(call: Call, session: HeldSession, found: SessionNotes): boolean {
    if (found.placed === null || found.generation <= session.generation) return false;
    session.placed = found.placed;
    session.generation = found.generation;
    session.replaced = found.replaced;
    session.notices = noticesOf(found);
    // Streams of the lost one would bring nothing any more: their clients open them anew.
    call.rail.streams.endOf(session);
    return true;
  }

  async function renewNow(call: Call, server: Server, session: HeldSession): Promise<boolean> {
    const { log } = call.rail;
    try {
      const found = await notes.read(session.handle);
      if (found.ended) return false;
      if (takeOver(call, session, found)) return true;
      const opening = handles.openingOf(session);
      if (opening === null || isTooOften(session)) return false;
      const made = await handshake(call, server, opening);
      if (made === null) return false;
      await restore(call, server, made, found);
      const { placed: lost, generation } = session;
      const now = await notes.change(session.handle, (latest) =>
        latest.ended || latest.generation > generation
          ? null
          : { ...latest, placed: made.placed, generation: generation + 1, replaced: [...latest.replaced, lost].slice(-replacedMax), lists: made.lists },
      );
      // Another worker was faster, or the client has ended it meanwhile.
      if (now.placed !== made.placed || now.ended)
        void endSession(sendExchange, server, { id: idOfSession(made.placed), version: made.version, target: made.target });
      else log.info('session.renewed', { server: server.data.name, request_id: call.requestId });
      if (now.ended) return false;
      return takeOver(call, session, now);
    } catch (error) {
      log.warn('session.not_renewed', { server: server.data.name, request_id: call.requestId, error });
      return false;
    }
  }

  /** Null: the server does not take this client as it did, so what the client knows of it is no longer true. */
  async function handshake(call: Call, server: Server, opening: string): Promise<NewSession | null> {
    const { protocolVersion: agreed } = call.inbound;
    const params = agreed === undefined ? opening : editObject(opening, { protocolVersion: JSON.stringify(agreed) });
    const forwarded = mappedHeaders(call, server);
    const { message, sessionId, target } = await ask(call, server, forwarded, `"id":"renew-1","method":"initialize","params":${params}`, '');
    const version = message?.kind === 'result' ? message.body['protocolVersion'] : undefined;
    // Whatever keeps no session cannot have lost one.
    if (typeof version !== 'string' || !isServedLegacy(version) || sessionId === '') return null;
    const isAgreed = agreed === undefined ? version < firstWithHeader || memberTexts(opening).get('protocolVersion') === `"${version}"` : version === agreed;
    if (!isAgreed) {
      void endSession(sendExchange, server, { id: sessionId, version, target });
      return null;
    }
    const headers = ['mcp-protocol-version', version, 'mcp-session-id', sessionId, ...forwarded];
    await ask(call, server, headers, '"method":"notifications/initialized"', target);
    const lists = listed.filter((list) => tellsOfChanges(message?.body['capabilities'], list));
    return { placed: placeSession(server.data, target, sessionId), target, version, lists, headers };
  }

  /** What a server refuses of it is as if the client had asked for it now: it would hear so. */
  async function restore(call: Call, server: Server, made: NewSession, found: SessionNotes): Promise<void> {
    const { principal } = call;
    if (found.logLevel !== null)
      await ask(call, server, made.headers, `"id":"renew-2","method":"logging/setLevel","params":{"level":${JSON.stringify(found.logLevel)}}`, made.target);
    if (principal === null || authoriseAction(principal, 'resources.subscribe').decision === 'deny') return;
    const requests = found.resourceUris.map((uri, index) => `"id":"renew-${index + 3}","method":"resources/subscribe","params":{"uri":${JSON.stringify(uri)}}`);
    for (let at = 0; at < requests.length; at += restoredAtOnce)
      await Promise.all(requests.slice(at, at + restoredAtOnce).map((request) => ask(call, server, made.headers, request, made.target)));
  }

  function ask(call: Call, server: Server, headers: readonly string[], members: string, target: string): Promise<OnceReply> {
    return requestOnce(sendExchange, server, {
      headers: ['traceparent', traceparentOf(call), ...headers],
      body: `{"jsonrpc":"2.0",${members}}`,
      caller: callerOf(call),
      variant: variantOf(call),
      target,
      firstByteMsMax: bounds.sessionRenewalTimeoutMs,
    });
  }

  return {
    renew(call, server, session, generation) {
      if (session.generation !== generation) return Promise.resolve(true);
      // Whoever comes while one is made waits for it.
      session.renewing ??= renewNow(call, server, session).finally(() => (session.renewing = null));
      return session.renewing;
    },
    async refresh(call, session) {
      const found = await notes.read(session.handle).catch(() => null);
      if (found !== null) takeOver(call, session, found);
    },
    async end(call, session) {
      const found = await notes.change(session.handle, (latest) => ({ ...latest, ended: true })).catch(() => null);
      if (found !== null) takeOver(call, session, found);
    },
  };
}

/** A server that forgets every session would be asked for one with each request. */
function isTooOften(session: HeldSession): boolean {
  const nowMs = performance.now();
  if (nowMs - session.renewalsSinceMs > minuteMs) {
    session.renewalsSinceMs = nowMs;
    session.renewals = 0;
  }
  return ++session.renewals > bounds.sessionRenewalsPerMinuteMax;
}

function tellsOfChanges(capabilities: unknown, list: string): boolean {
  const offered: unknown = isMembers(capabilities) ? capabilities[list] : undefined;
  return isMembers(offered) && offered['listChanged'] === true;
}

/** What a client that watches may have missed. */
function noticesOf({ lists, resourceUris }: SessionNotes): string {
  return [
    ...lists.map((list) => `"notifications/${list}/list_changed"`),
    ...resourceUris.map((uri) => `"notifications/resources/updated","params":{"uri":${JSON.stringify(uri)}}`),
  ]
    .map((method) => `event: message\ndata: {"jsonrpc":"2.0","method":${method}}\n\n`)
    .join('');
}
