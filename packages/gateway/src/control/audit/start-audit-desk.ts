import { signCheckpoint, type CheckpointBody, type PublicKeyRecord } from '../../chain/checkpoint.ts';
import type { SigningKey } from '../../chain/signing-key.ts';
import { bounds } from '../../kernel/bounds.ts';
import type { Clock } from '../../kernel/clock.ts';
import { newCheckpointId, newRequestId, type OrganizationId } from '../../kernel/id.ts';
import type { Log } from '../../kernel/log.ts';
import type { ChainHead } from '../../store/registry/audit-store.ts';
import type { RegistryStore } from '../../store/registry/registry-store.ts';
import { system } from '../actor.ts';
import type { AuditAnchor, AuditDesk } from './audit-desk.ts';
import { auditEvent } from './audit-event.ts';
import { createSignInCounts } from './sign-in-counts.ts';
import { createSignInLog, type SignInLog } from './sign-in-log.ts';

/** The key of this node, as its state folder keeps it. */
export interface NodeKeys {
  readonly key: SigningKey;
  own(): readonly string[];
  rotate(nowMs: number, record: (next: PublicKeyRecord) => Promise<void>): Promise<PublicKeyRecord>;
  resume(isRecorded: (keyId: string) => boolean): void;
  anchor(organizationId: string): AuditAnchor | null;
  keepAnchor(organizationId: string, anchor: AuditAnchor): void;
}

/** Where a node's chain of calls is, by organization. */
export interface CallPlaces {
  heads(organizationId: string): CheckpointBody['calls'];
  allocated(organizationId: string): { readonly chain: string; readonly sequence: number };
}

export interface AuditDeskOptions {
  readonly registry: RegistryStore;
  /** In whose audit the keys of nodes stand, and what belongs to none. */
  readonly organizationId: OrganizationId;
  readonly node: string;
  readonly keys: NodeKeys;
  /** Public keys of other nodes, in base64. */
  readonly trusted: () => readonly string[];
  /** This node's chain of calls. */
  readonly calls: CallPlaces;
  /** How long calls are kept. */
  readonly callDays: () => number;
  readonly clock: Clock;
  readonly log: Log;
}

export interface RunningAuditDesk extends AuditDesk {
  /** Writes what waits and signs it. */
  stop(): Promise<void>;
}

/** Makes the node's key known and signs a checkpoint of each organization every minute in which something happened there. Faults: `unavailable`. */
export async function startAuditDesk(options: AuditDeskOptions): Promise<RunningAuditDesk> {
  const { registry, organizationId, node, keys, trusted, calls: places, callDays, clock, log } = options;
  const signIns = new Map<OrganizationId, SignInLog>();
  const counts = createSignInCounts();
  let signing: Promise<unknown> = Promise.resolve();

  const known = new Set((await registry.audit.keys()).map(({ id }) => id));
  keys.resume((id) => known.has(id));
  if (!known.has(keys.key.id)) await introduce();
  /** The last checkpoint of each organization. */
  const last = new Map<OrganizationId, string | null>();

  async function introduce(): Promise<void> {
    const key: PublicKeyRecord = { id: keys.key.id, node, publicKey: keys.key.publicKey, createdAtMs: clock.nowMs(), previousKeyId: null, signature: '' };
    await registry.transaction(async ({ audit }) => {
      await audit.insertKey(key);
      await audit.insert(
        auditEvent({ organizationId, clock, actor: system, requestId: newRequestId(), peer: '' }, 'audit_key.added', key.id, {
          node,
          public_key: key.publicKey,
        }),
      );
    });
  }

  async function sign(): Promise<void> {
    for (const [id, head] of await registry.audit.heads()) await signChain(id, head);
  }

  async function signChain(organization: OrganizationId, events: ChainHead): Promise<void> {
    const calls = places.heads(organization);
    if (!last.has(organization)) last.set(organization, (await registry.audit.lastCheckpoint(organization, node))?.body ?? null);
    const signed = last.get(organization) ?? null;
    const before = signed === null ? null : (JSON.parse(signed) as CheckpointBody);
    const news = before === null || before.events.hash !== events.hash || JSON.stringify(before.calls.map(endOf)) !== JSON.stringify(calls.map(endOf));
    if (!news) return;
    const atMs = clock.nowMs();
    const checkpoint = signCheckpoint(
      { organization_id: organization, node, at: new Date(atMs).toISOString(), events, calls, calls_days: callDays() },
      keys.key,
    );
    await registry.transaction(({ audit }) =>
      audit.insertCheckpoint({ id: newCheckpointId(), organizationId: organization, node, atMs, sequence: events.sequence, ...checkpoint }),
    );
    last.set(organization, checkpoint.body);
    const body = JSON.parse(checkpoint.body) as CheckpointBody;
    keys.keepAnchor(organization, { ...events, at: body.at });
  }

  function checkpoint(): Promise<void> {
    const mine = signing.then(sign);
    signing = mine.catch(() => undefined);
    return mine;
  }

  let failing = false;
  const timer = setInterval(() => {
    checkpoint().then(
      () => {
        failing = false;
      },
      (error: unknown) => {
        if (!failing) log.warn('audit.checkpoint_failed', { error });
        failing = true;
      },
    );
  }, bounds.auditCheckpointMs);
  timer.unref();

  return {
    node,
    key: keys.key,
    trustedKeys: () => [...keys.own(), ...trusted()],
    anchor: (organization) => keys.anchor(organization),
    allocatedCalls: (organization) => places.allocated(organization),
    checkpoint,
    rotateKey: (record) => keys.rotate(clock.nowMs(), record),
    signIns: counts,
    noteSignIn(signIn, times = 1) {
      counts.credential(signIn, times);
      const organization = signIn.organizationId ?? organizationId;
      let own = signIns.get(organization);
      if (own === undefined) signIns.set(organization, (own = createSignInLog({ registry, organizationId: organization, clock, log })));
      own.note(signIn, times);
    },
    async stop() {
      clearInterval(timer);
      for (const own of signIns.values()) await own.stop();
      await checkpoint().catch((error: unknown) => log.warn('audit.checkpoint_failed', { error }));
    },
  };
}

function endOf({ chain, entry }: CheckpointBody['calls'][number]): string {
  return `${chain} ${entry}`;
}
