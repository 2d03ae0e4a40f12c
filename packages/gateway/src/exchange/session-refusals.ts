import { bounds } from '../kernel/bounds.ts';
import { Fault } from '../kernel/fault.ts';

/** Why a session was refused that an honest client would not have shown. */
export type SessionRefusalReason =
  /** It has the form of ours, and its seal does not hold: changed, made up, or sealed with a key that this node does not have. */
  | 'forged'
  /** It is another caller's, or another server's. */
  | 'foreign';

/** The cause of a fault that tells the caller no more than that there is no such session. */
class SessionRefused extends Error {
  readonly reason: SessionRefusalReason;

  constructor(reason: SessionRefusalReason) {
    super(reason);
    this.reason = reason;
  }
}

/** The same answer as for a session that has ended. */
export function refusedSession(reason: SessionRefusalReason): Fault {
  return new Fault('session_not_found', {}, { cause: new SessionRefused(reason) });
}

/** Null where the fault says nothing of the kind. */
export function sessionRefusalOf({ cause }: Fault): SessionRefusalReason | null {
  return cause instanceof SessionRefused ? cause.reason : null;
}

/** So often in one second. */
export interface SessionRefusal {
  readonly reason: SessionRefusalReason;
  /** Id of the key that came with it, and its organization; both empty where none did. */
  readonly subject: string;
  readonly organizationId: string;
  readonly peer: string;
  readonly count: number;
}

export interface SessionRefusals {
  note(reason: SessionRefusalReason, key: { readonly keyId: string; readonly organizationId: string } | null, peer: string): void;
}

const everyMs = 1_000;

/** Tells of refusals once a second, by reason, key and address; what is more than the bound is counted under no name. */
export function createSessionRefusals(tell: (refusals: readonly SessionRefusal[]) => void): SessionRefusals {
  let waiting = new Map<string, SessionRefusal>();
  let timer: NodeJS.Timeout | null = null;

  function flush(): void {
    timer = null;
    const taken = [...waiting.values()];
    waiting = new Map();
    tell(taken);
  }

  function add(refusal: SessionRefusal): boolean {
    const name = `${refusal.reason}\n${refusal.subject}\n${refusal.peer}`;
    const known = waiting.get(name);
    if (known === undefined && refusal.peer !== '' && waiting.size >= bounds.signInCallersMax) return false;
    waiting.set(name, { ...refusal, count: (known?.count ?? 0) + 1 });
    return true;
  }

  return {
    note(reason, key, peer) {
      const { keyId: subject, organizationId } = key ?? { keyId: '', organizationId: '' };
      if (!add({ reason, subject, organizationId, peer, count: 0 })) add({ reason, subject: '', organizationId: '', peer: '', count: 0 });
      timer ??= setTimeout(flush, everyMs).unref();
    },
  };
}
