import { bounds } from '../../kernel/bounds.ts';
import type { Clock } from '../../kernel/clock.ts';
import { newAuditId, type OrganizationId } from '../../kernel/id.ts';
import type { Log } from '../../kernel/log.ts';
import type { AuditEvent } from '../../store/registry/audit-store.ts';
import type { RegistryStore } from '../../store/registry/registry-store.ts';

/** A credential that was looked at. */
export interface SignIn {
  readonly outcome: 'succeeded' | 'failed';
  /** Of a failure: unknown, expired, revoked; forged or foreign; of a token the test that it failed. */
  readonly reason: string;
  /** `mcp_session`: a session of an agent; the subject is the key that came with it. `token`: of an issuer, which is the subject where it failed. `grant`: a token of the gateway's own, by the id of the grant. `oauth_client`: whoever asked for tokens, or for a person's leave, and was refused. */
  readonly kind: 'key' | 'token' | 'certificate' | 'grant' | 'oauth_client' | 'session' | 'admin_link' | 'mcp_session';
  /** The id or the visible prefix of what was shown; never a secret. */
  readonly subject: string;
  /** In whose audit it is written; null: nobody can tell, so in that of the gateway's own. */
  readonly organizationId: OrganizationId | null;
  readonly peer: string;
}

export interface SignInLog {
  /** So often, if more than once. Never waits, never throws. */
  note(signIn: SignIn, times?: number): void;
  /** Writes what waits, and ends. */
  stop(): Promise<void>;
}

interface Window {
  readonly startedMs: number;
  readonly timer: NodeJS.Timeout;
  readonly lengthMs: number;
  readonly groups: Map<string, { readonly signIn: SignIn; count: number }>;
  count: number;
}

/**
 * Who was let in and who was refused, as audit events. They are counted by reason, subject and address over a window, and a
 * window that follows a busy one is twice as long: whoever tries keys without end makes some dozens of events a day.
 */
export function createSignInLog(options: {
  readonly registry: Pick<RegistryStore, 'transaction'>;
  readonly organizationId: OrganizationId;
  readonly clock: Clock;
  readonly log: Log;
}): SignInLog {
  const { registry, organizationId, clock, log } = options;
  const windows: Record<SignIn['outcome'], Window | null> = { succeeded: null, failed: null };
  /** The window that ended last: what comes soon after it has a longer one. */
  const ended: Record<SignIn['outcome'], { atMs: number; lengthMs: number }> = {
    succeeded: { atMs: -Infinity, lengthMs: 0 },
    failed: { atMs: -Infinity, lengthMs: 0 },
  };
  let writing: Promise<unknown> = Promise.resolve();

  function open(outcome: SignIn['outcome']): Window {
    const nowMs = clock.monotonicMs();
    const last = ended[outcome];
    const lengthMs = nowMs - last.atMs <= last.lengthMs ? Math.min(last.lengthMs * 2, bounds.signInWindowMsMax) : bounds.signInWindowMs;
    const timer = setTimeout(() => close(outcome), lengthMs);
    timer.unref();
    return { startedMs: nowMs, timer, lengthMs, groups: new Map(), count: 0 };
  }

  function close(outcome: SignIn['outcome']): void {
    const window = windows[outcome];
    windows[outcome] = null;
    if (window === null) return;
    clearTimeout(window.timer);
    ended[outcome] = { atMs: clock.monotonicMs(), lengthMs: window.lengthMs };
    const event = eventOf(outcome, window);
    writing = writing
      .then(() => registry.transaction(({ audit }) => audit.insert(event)))
      .catch((error: unknown) => log.error('audit.sign_ins_lost', { outcome, count: window.count, error }));
  }

  function eventOf(outcome: SignIn['outcome'], { groups, count, startedMs }: Window): AuditEvent {
    const listed = [...groups.values()];
    const [only] = listed;
    // One caller is the actor; of several the detail says who.
    const actor = outcome === 'succeeded' && listed.length === 1 && only ? { kind: only.signIn.kind, id: only.signIn.subject } : { kind: 'callers', id: '' };
    return {
      id: newAuditId(),
      organizationId,
      atMs: clock.nowMs(),
      actorKind: actor.kind,
      actorId: actor.id,
      action: `sign_in.${outcome}`,
      objectKind: 'sign_in',
      objectId: listed.length === 1 && only ? only.signIn.subject : '',
      result: outcome === 'succeeded' ? 'success' : 'denied',
      requestId: '',
      peer: listed.length === 1 && only ? only.signIn.peer : '',
      detail: {
        count,
        over_ms: Math.round(clock.monotonicMs() - startedMs),
        callers: listed.map(({ signIn, count: times }) => ({
          kind: signIn.kind,
          subject: signIn.subject,
          ...(signIn.reason === '' ? {} : { reason: signIn.reason }),
          peer: signIn.peer,
          count: times,
        })),
        others: count - listed.reduce((sum, group) => sum + group.count, 0),
      },
    };
  }

  return {
    note(signIn, times = 1) {
      const window = (windows[signIn.outcome] ??= open(signIn.outcome));
      window.count += times;
      const name = JSON.stringify([signIn.kind, signIn.reason, signIn.subject, signIn.peer]);
      const group = window.groups.get(name);
      if (group !== undefined) group.count += times;
      else if (window.groups.size < bounds.signInCallersMax) window.groups.set(name, { signIn, count: times });
    },
    async stop() {
      close('failed');
      close('succeeded');
      await writing;
    },
  };
}
