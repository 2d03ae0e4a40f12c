/**
 * A sign-in that is only tried: somebody goes all the way by the provider, and who asked for the try learns what the provider says of them and what they would be given.
 * Nobody is signed in or made a user by it.
 */
import { z } from 'zod';
import { createHash } from 'node:crypto';
import { bounds } from '../../kernel/bounds.ts';
import { randomBase62, type OrganizationId } from '../../kernel/id.ts';
import type { ProviderData } from '../../identity/provider-data.ts';
import type { VerifiedIdentity } from '../../identity/verified-identity.ts';
import { auditEvent } from '../audit/audit-event.ts';
import type { ControlContext } from '../context.ts';
import { unknownObject } from '../unknown-object.ts';
import { previewIdentity, requireProvider, type MappingPreview } from './list-providers.ts';
import { isRefusal, type Refusal } from './refuse-sign-in.ts';

/** Where somebody begins it in a browser. */
export const tryPath = '/sign-in/try';

export interface TryAsked {
  readonly id: string;
  readonly url: string;
  readonly expiresAtMs: number;
}

/** What became of it so far. */
export type TryOutcome =
  | { readonly state: 'waiting' }
  | { readonly state: 'done'; readonly preview: Omit<MappingPreview, 'identity'>; readonly identity: Omit<VerifiedIdentity, 'organizationId'> }
  | ({ readonly state: 'failed' } & Refusal);

const outcomeSchema: z.ZodType<TryOutcome> = z.custom<TryOutcome>((value) => typeof value === 'object' && value !== null && 'state' in value);
const recordSchema = z.object({ organizationId: z.string(), provider: z.string(), outcome: outcomeSchema });
const tryForm = /^try_[0-9A-Za-z]{43}$/;

type Parts = Pick<ControlContext, 'state' | 'registry' | 'providers'>;

/** Makes a link for a browser, good for ten minutes. Faults: `unknown_object`, `unavailable`. */
export async function askTry(context: ControlContext, name: string): Promise<TryAsked> {
  const { organizationId, state, clock, publicUrl, registry } = context;
  requireProvider(context, name);
  const id = `try_${randomBase62(43)}`;
  await registry.transaction(({ audit }) => audit.insert(auditEvent(context, 'provider.tried', name, {})));
  await put({ state }, id, { organizationId, provider: name, outcome: { state: 'waiting' } });
  return { id, url: `${publicUrl()}${tryPath}?id=${id}`, expiresAtMs: clock.nowMs() + bounds.signInMs };
}

/** Faults: `unknown_object` where there is none of the organization, or its time is over; `unavailable`. */
export async function readTry({ state, organizationId }: ControlContext, id: string): Promise<TryOutcome> {
  const record = await find({ state }, id);
  if (record === null || record.organizationId !== organizationId) throw unknownObject('try', id);
  return record.outcome;
}

/** The provider that a try is of; null: it is over, or was gone through already. Faults: `unavailable`. */
export async function providerOfTry(parts: Parts, id: string): Promise<ProviderData | null> {
  const record = await find(parts, id);
  if (record === null || record.outcome.state !== 'waiting') return null;
  return parts.providers.list().find(({ name, organizationId }) => name === record.provider && organizationId === record.organizationId) ?? null;
}

/** Somebody came back. Faults: `unavailable`. */
export async function noteTried(parts: Parts, id: string, provider: ProviderData, verified: VerifiedIdentity): Promise<void> {
  const { identity, ...preview } = await previewIdentity(parts, provider, verified);
  const { organizationId: _of, ...said } = identity;
  await note(parts, id, { state: 'done', preview, identity: said });
}

/** It stopped at a step; nothing to do where it is no try, or what happened is nobody's doing. Faults: `unavailable`. */
export async function noteTryFailed(parts: Pick<Parts, 'state'>, id: string | null, trouble: unknown): Promise<void> {
  if (id === null || !isRefusal(trouble)) return;
  const { step, reason, fix } = trouble;
  await note(parts, id, { state: 'failed', step, reason, fix });
}

interface TryRecord {
  readonly organizationId: OrganizationId;
  readonly provider: string;
  readonly outcome: TryOutcome;
}

async function note(parts: Pick<Parts, 'state'>, id: string, outcome: TryOutcome): Promise<void> {
  const record = await find(parts, id);
  if (record !== null) await put(parts, id, { ...record, outcome });
}

async function find({ state }: Pick<Parts, 'state'>, id: string): Promise<TryRecord | null> {
  const stored = tryForm.test(id) ? await state.get(keyOf(id)) : null;
  if (stored === null) return null;
  const { organizationId, provider, outcome } = recordSchema.parse(JSON.parse(stored.toString()));
  return { organizationId: organizationId as OrganizationId, provider, outcome };
}

async function put({ state }: Pick<Parts, 'state'>, id: string, record: TryRecord): Promise<void> {
  await state.set(keyOf(id), Buffer.from(JSON.stringify(record)), bounds.signInMs);
}

function keyOf(id: string): string {
  return `sign-in-try:${createHash('sha256').update(id).digest('base64url')}`;
}
