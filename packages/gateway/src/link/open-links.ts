import { bounds } from '../kernel/bounds.ts';
import { Fault } from '../kernel/fault.ts';
import type { HttpLink } from './http-link.ts';
import type { LinkCaller } from './link-caller.ts';

/** Why a link is ended by the gateway, as its transport may say it. */
export type LinkEnd = 'draining' | 'silent' | 'slow' | 'unauthorized';

/** A client's link, whatever its transport. */
export interface OpenLink {
  readonly caller: LinkCaller;
  readonly http: HttpLink;
  /** Whether its transport is served at all. */
  readonly isServed: () => boolean;
  /** A sign of life to the client; false where the one before is still unanswered. */
  ping(): boolean;
  /** Ends the connection, in order where that is possible. */
  end(why: LinkEnd): void;
  /** Ends it at once. */
  destroy(): void;
}

/** The links of a worker: counted per principal, kept alive, ended without cutting an answer. */
export interface OpenLinks {
  /** Faults: `too_many_streams`, `draining`. */
  requireRoom(principalId: string): void;
  add(link: OpenLink): void;
  delete(link: OpenLink): void;
  readonly open: number;
  /** A credential has changed, or with null anything may have: links that would not be taken now are ended. */
  recheck(credentialId: string | null): void;
  /** From now on each link ends when nothing of it is under way. */
  drain(): void;
  close(): void;
}

const lookMs = 25;

export function createOpenLinks(): OpenLinks {
  const links = new Set<OpenLink>();
  const counts = new Map<string, number>();
  let looking: NodeJS.Timeout | null = null;
  const pinging = setInterval(() => {
    for (const link of links) if (!link.ping()) link.end('silent');
  }, bounds.linkPingMs);
  pinging.unref();

  return {
    requireRoom(principalId) {
      if (looking !== null) throw new Fault('draining');
      if ((counts.get(principalId) ?? 0) >= bounds.linksPerPrincipalMax) throw new Fault('too_many_streams');
    },
    add(link) {
      links.add(link);
      const { principalId } = link.caller;
      counts.set(principalId, (counts.get(principalId) ?? 0) + 1);
    },
    delete(link) {
      if (!links.delete(link)) return;
      const { principalId } = link.caller;
      const count = counts.get(principalId) ?? 0;
      if (count > 1) counts.set(principalId, count - 1);
      else counts.delete(principalId);
    },
    recheck(credentialId) {
      for (const link of links) {
        if (credentialId !== null && link.caller.credentialId !== credentialId) continue;
        void link.caller.isStill().then((good) => {
          if (!good || !link.isServed()) link.end('unauthorized');
        });
      }
    },
    get open() {
      return links.size;
    },
    drain() {
      if (looking !== null) return;
      const ending = new WeakSet<OpenLink>();
      const look = (): void => {
        for (const link of links) {
          if (link.http.inFlight > 0 || ending.has(link)) continue;
          ending.add(link);
          link.end('draining');
        }
      };
      looking = setInterval(look, lookMs);
      look();
    },
    close() {
      clearInterval(pinging);
      if (looking !== null) clearInterval(looking);
      for (const link of links) link.destroy();
    },
  };
}

/** Holds a link's replies back while its client reads slowly, and ends it where that lasts. `waiting`: bytes that the client has not taken. */
export interface SlowReader {
  look(): void;
  stop(): void;
}

export function watchReader(link: { readonly http: HttpLink; end(why: LinkEnd): void }, waiting: () => number): SlowReader {
  let timer: NodeJS.Timeout | null = null;
  return {
    look() {
      const bytes = waiting();
      if (timer === null && bytes > bounds.streamBufferBytesMax) {
        link.http.hold();
        timer = setTimeout(() => link.end('slow'), bounds.linkSlowReaderMs);
      } else if (timer !== null && bytes < bounds.streamBufferBytesMax / 2) {
        clearTimeout(timer);
        timer = null;
        link.http.release();
      }
    },
    stop() {
      if (timer !== null) clearTimeout(timer);
    },
  };
}
