/**
 * Ids of the product: `prefix_` and random base62, branded by noun, made and parsed only here. Trace and span ids are
 * the W3C Trace Context ids (https://www.w3.org/TR/trace-context/) behind `tr_` and `sp_`.
 */
import { createHash, randomBytes, randomFillSync } from 'node:crypto';

declare const brand: unique symbol;
export type Id<Noun extends string> = string & { readonly [brand]: Noun };
export type OrganizationId = Id<'organization'>;
export type KeyId = Id<'key'>;
export type TraceId = Id<'trace'>;
export type SpanId = Id<'span'>;
export type RequestId = Id<'request'>;
export type AuditId = Id<'audit'>;
export type SessionId = Id<'session'>;

const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** `length` base62 characters from the system's CSPRNG, each of the 62 equally likely. */
export function randomBase62(length: number): string {
  let text = '';
  while (text.length < length) {
    for (const byte of randomBytes(length * 2)) {
      // 248 = 4 × 62: a byte above would favour the first characters.
      if (byte < 248 && text.length < length) text += base62[byte % 62];
    }
  }
  return text;
}

const make =
  <T extends string>(prefix: string) =>
  (): T =>
    `${prefix}_${randomBase62(20)}` as T;
export const newKeyId = make<KeyId>('key');
export const newAuditId = make<AuditId>('aud');
export const newCheckpointId = make<Id<'checkpoint'>>('chk');
export const newBackupId = make<Id<'backup'>>('bkp');
export const newGrantId = make<Id<'grant'>>('gra');
export const newSessionId = make<SessionId>('ses');

/** An id of something in the directory, by its kind's prefix. */
export function newEntryId(prefix: string): string {
  return `${prefix}_${randomBase62(20)}`;
}

/** The organization that a fresh install has. The gateway as a whole is its own: whoever may change it is at home there. */
export const defaultOrganizationId = 'org_default' as OrganizationId;
export const newOrganizationId = make<OrganizationId>('org');
export const organizationIdPattern = /^org_[A-Za-z0-9][A-Za-z0-9_-]{0,58}$/;

/** Null where the text cannot be the id of an organization. */
export function organizationIdOf(text: string): OrganizationId | null {
  return organizationIdPattern.test(text) ? (text as OrganizationId) : null;
}

const pool = Buffer.allocUnsafe(4096);
let poolAt = pool.length;

/** `bytes` random bytes as lower-case hex, drawn from a pool that is refilled from the CSPRNG: cheap enough for the rail. */
function pooledHex(bytes: number): string {
  if (poolAt + bytes > pool.length) {
    randomFillSync(pool);
    poolAt = 0;
  }
  poolAt += bytes;
  return pool.toString('hex', poolAt - bytes, poolAt);
}

/** 32 lower-case hex digits: a W3C trace id without our prefix. */
export function newTraceHex(): string {
  return pooledHex(16);
}

/** 16 lower-case hex digits: a W3C parent id without our prefix. */
export function newSpanHex(): string {
  return pooledHex(8);
}

export function newRequestId(): RequestId {
  return `req_${pooledHex(12)}` as RequestId;
}

export function traceIdOf(hex: string): TraceId {
  return `tr_${hex}` as TraceId;
}

export function spanIdOf(hex: string): SpanId {
  return `sp_${hex}` as SpanId;
}

/** The trace id that a caller's own X-Trace-ID stands for, by SHA-256 of organization and value: every node maps it alike. */
export function mappedTraceHex(organizationId: string, clientTraceId: string): string {
  return createHash('sha256').update(`${organizationId}\n${clientTraceId}`).digest('hex').slice(0, 32);
}

/** The trace that an id names: `tr_…`, or a caller's own X-Trace-ID. */
export function traceHexFor(organizationId: string, id: string): string {
  return traceHexOf(id) ?? mappedTraceHex(organizationId, id);
}

/** The 32 hex digits behind `tr_`, or null where the text is no trace id of ours. */
export function traceHexOf(id: string): string | null {
  return /^tr_[0-9a-f]{32}$/.test(id) ? id.slice(3) : null;
}
