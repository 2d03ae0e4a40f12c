import { createHash, randomUUID } from 'node:crypto';
import { bounds } from '../kernel/bounds.ts';
import type { Clock } from '../kernel/clock.ts';
import { Fault } from '../kernel/fault.ts';
import type { Sealer } from '../kernel/seal.ts';
import type { UnderWay } from './under-way.ts';

/** Whose request is parked, and which: only the same request of the same caller goes on with it. */
export interface ParkOwner {
  readonly principalId: string;
  /** `digestOf` the request. */
  readonly digest: string;
}

export interface ParkTicket extends ParkOwner {
  readonly parkId: string;
  /** The worker that holds the dialogue. */
  readonly home: string;
  readonly expiresAtMs: number;
}

/**
 * Requests of modern clients whose server waits for an answer in the midst of a reply: the unread rest waits here until the client comes
 * with its answers, under a `requestState` that only this gateway can make and that is good once. Bounded in number and time; one
 * that ends before its client comes back is cancelled at its server.
 */
export interface Parks {
  /** Returns the `requestState`. */
  park(underWay: UnderWay, owner: ParkOwner): string;
  /** Null where the text is none that this gateway made. */
  read(requestState: string): ParkTicket | null;
  /** What was parked. Faults: `invalid_params` where it is another's, for other parameters, or no more. */
  take(ticket: ParkTicket, owner: ParkOwner): UnderWay;
  close(): void;
}

const purpose = 'mcp-request-state';

/** `home` names this worker. */
export function createParks({ sealer, clock, home }: { readonly sealer: Sealer; readonly clock: Clock; readonly home: string }): Parks {
  const parked = new Map<string, { readonly underWay: UnderWay; readonly principalId: string; readonly timer: NodeJS.Timeout }>();
  const byPrincipal = new Map<string, Set<string>>();

  function remove(parkId: string): UnderWay | null {
    const entry = parked.get(parkId);
    if (entry === undefined) return null;
    parked.delete(parkId);
    clearTimeout(entry.timer);
    const own = byPrincipal.get(entry.principalId);
    own?.delete(parkId);
    if (own?.size === 0) byPrincipal.delete(entry.principalId);
    return entry.underWay;
  }

  return {
    park(underWay, { principalId, digest }) {
      const own = byPrincipal.get(principalId) ?? new Set();
      byPrincipal.set(principalId, own);
      const [oldestOwn] = own;
      const oldest = own.size >= bounds.parksPerPrincipalMax ? oldestOwn : parked.size >= bounds.parksMax ? parked.keys().next().value : undefined;
      if (oldest !== undefined) remove(oldest)?.cancel();
      const parkId = randomUUID();
      const timer = setTimeout(() => remove(parkId)?.cancel(), bounds.parkMs);
      timer.unref();
      parked.set(parkId, { underWay, principalId, timer });
      byPrincipal.set(principalId, own.add(parkId));
      underWay.leave();
      return sealer.sealText(JSON.stringify([home, parkId, clock.nowMs() + bounds.parkMs, principalId, digest]), purpose);
    },
    read(requestState) {
      const plain = sealer.openText(requestState, purpose);
      if (plain === null) return null;
      const [ticketHome, parkId, expiresAtMs, principalId, digest] = JSON.parse(plain) as [string, string, number, string, string];
      return { home: ticketHome, parkId, expiresAtMs, principalId, digest };
    },
    take(ticket, owner) {
      if (ticket.principalId !== owner.principalId) throw refused('was given to another caller');
      if (ticket.digest !== owner.digest) throw refused('belongs to another method or other parameters');
      if (ticket.expiresAtMs < clock.nowMs()) throw refused('has expired');
      const underWay = remove(ticket.parkId);
      if (underWay === null) throw refused('was used already, or its request has ended');
      return underWay;
    },
    close() {
      for (const parkId of parked.keys()) remove(parkId)?.cancel();
    },
  };
}

/** Endpoint, method and parameters, whatever the order of members and their white space; without what differs in a retry. */
export function digestOf(endpoint: string, method: string, params: string): string {
  const { inputResponses: _inputResponses, requestState: _requestState, _meta, ...rest } = JSON.parse(params) as Record<string, unknown>;
  return createHash('sha256')
    .update(`${endpoint}\n${method}\n${canonical(rest)}`)
    .digest('base64url');
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`).join(',')}}`;
}

export function refused(reason: string): Fault {
  return new Fault('invalid_params', { reason: `\`requestState\` ${reason}; send the request again without it` });
}
