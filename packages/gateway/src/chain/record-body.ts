import { z } from 'zod';
import { auditResults, type ChainedRecord } from './audit-record.ts';
import type { StoredRecord } from './verify-events.ts';

/** A record as the API, an export and a stream show it. */
export interface RecordBody {
  readonly id: string;
  readonly sequence: number | null;
  readonly time: string;
  readonly actor: { readonly kind: string; readonly id: string };
  readonly action: string;
  readonly object: { readonly kind: string; readonly id: string };
  readonly result: (typeof auditResults)[number];
  readonly ip: string | null;
  readonly request_id: string | null;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly previous_hash: string | null;
  readonly hash: string | null;
  readonly key_id: string | null;
  readonly signature: string | null;
}

export function recordBody(record: ChainedRecord): RecordBody & { sequence: number; previous_hash: string; hash: string; key_id: string; signature: string };
export function recordBody(record: StoredRecord): RecordBody;
export function recordBody(record: StoredRecord): RecordBody {
  return {
    id: record.id,
    sequence: record.sequence,
    time: new Date(record.atMs).toISOString(),
    actor: { kind: record.actorKind, id: record.actorId },
    action: record.action,
    object: { kind: record.objectKind, id: record.objectId },
    result: record.result,
    ip: record.peer === '' ? null : record.peer,
    request_id: record.requestId === '' ? null : record.requestId,
    detail: record.detail,
    previous_hash: record.previousHash,
    hash: record.hash,
    key_id: record.keyId,
    signature: record.signature,
  };
}

const bodySchema = z.object({
  id: z.string(),
  sequence: z.int().nullable(),
  time: z.iso.datetime(),
  actor: z.object({ kind: z.string(), id: z.string() }),
  action: z.string(),
  object: z.object({ kind: z.string(), id: z.string() }),
  result: z.enum(auditResults),
  ip: z.string().nullable(),
  request_id: z.string().nullable(),
  detail: z.record(z.string(), z.unknown()),
  previous_hash: z.string().nullable(),
  hash: z.string().nullable(),
  key_id: z.string().nullable(),
  signature: z.string().nullable(),
});

/** The record behind a body, or null where the value is none. */
export function recordOfBody(value: unknown, organizationId: string): StoredRecord | null {
  const parsed = bodySchema.safeParse(value);
  if (!parsed.success) return null;
  const body = parsed.data;
  return {
    id: body.id,
    organizationId,
    sequence: body.sequence,
    atMs: Date.parse(body.time),
    actorKind: body.actor.kind,
    actorId: body.actor.id,
    action: body.action,
    objectKind: body.object.kind,
    objectId: body.object.id,
    result: body.result,
    requestId: body.request_id ?? '',
    peer: body.ip ?? '',
    detail: body.detail,
    previousHash: body.previous_hash,
    hash: body.hash,
    keyId: body.key_id,
    signature: body.signature,
  };
}
