/** Events of the audit as other programs read them: a line each, without its end. */
import { recordBody } from '../../chain/record-body.ts';
import type { StoredRecord } from '../../chain/verify-events.ts';

export type EventFormat = 'csv' | 'jsonl' | 'cef' | 'ocsf';

/** What a format writes before the first event; null: nothing. */
export function formatHead(format: EventFormat): string | null {
  return format === 'csv' ? csvColumns.map(([name]) => name).join(',') : null;
}

export function formatEvent(format: EventFormat, event: StoredRecord, product: { readonly version: string }): string {
  switch (format) {
    case 'csv':
      return csvColumns.map(([, value]) => csvCell(value(event))).join(',');
    case 'jsonl':
      return JSON.stringify(recordBody(event));
    case 'cef':
      return cefLine(event, product.version);
    case 'ocsf':
      return JSON.stringify(ocsfEvent(event, product.version));
  }
}

const csvColumns: readonly (readonly [name: string, value: (event: StoredRecord) => string])[] = [
  ['sequence', (event) => numberOf(event)],
  ['time', timeOf],
  ['id', (event) => event.id],
  ['actor_kind', (event) => event.actorKind],
  ['actor', (event) => event.actorId],
  ['action', (event) => event.action],
  ['object_kind', (event) => event.objectKind],
  ['object', (event) => event.objectId],
  ['result', (event) => event.result],
  ['ip', (event) => event.peer],
  ['request_id', (event) => event.requestId],
  ['detail', (event) => JSON.stringify(event.detail)],
  ['hash', (event) => event.hash ?? ''],
];

/**
 * RFC 4180. A cell that a spreadsheet would take for a formula has an apostrophe before it
 * (https://owasp.org/www-community/attacks/CSV_Injection).
 */
function csvCell(text: string): string {
  const safe = /^[=+\-@\t\r\n＝＋－＠]/.test(text) ? `'${text}` : text;
  return /[",\r\n']/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** ArcSight Common Event Format, revision 26: the keys of its dictionary, and what has none in labelled custom strings. */
function cefLine(event: StoredRecord, version: string): string {
  const severity = event.result === 'success' ? 3 : event.result === 'denied' ? 6 : 5;
  const head = ['CEF:0', 'GatewayOps', 'Gateway', version, event.action, event.action.replaceAll(/[._]/g, ' '), String(severity)];
  const extension: Record<string, string> = {
    rt: String(event.atMs),
    externalId: event.id,
    act: event.action,
    outcome: event.result,
    suid: event.actorId,
    sproc: event.actorKind,
    // `src` is an address and nothing else.
    ...(event.peer === '' ? {} : event.peer.includes(':') ? { c6a2: event.peer, c6a2Label: 'Source IPv6 Address' } : { src: event.peer }),
    cs1: `${event.objectKind}:${event.objectId}`,
    cs1Label: 'object',
    cs2: JSON.stringify(event.detail).slice(0, cefTextCharsMax),
    cs2Label: 'detail',
    cs3: event.requestId,
    cs3Label: 'requestId',
    ...(event.sequence === null ? {} : { cn1: numberOf(event), cn1Label: 'sequence' }),
  };
  const pairs = Object.entries(extension).filter(([, value]) => value !== '');
  return `${head.map(cefHead).join('|')}|${pairs.map(([name, value]) => `${name}=${cefValue(value)}`).join(' ')}`;
}

/** What a custom string may hold. */
const cefTextCharsMax = 4000;

function cefHead(text: string): string {
  return text.replaceAll(/[\r\n]+/g, ' ').replaceAll(/[\\|]/g, '\\$&');
}

function cefValue(text: string): string {
  return text.replaceAll(/[\\=]/g, '\\$&').replaceAll('\r', '\\r').replaceAll('\n', '\\n');
}

const ocsfVersion = '1.6.0';
/** Activities of API Activity (6003) by the last word of an action. */
const apiActivities: Readonly<Record<string, number>> = { created: 1, added: 1, read: 2, exported: 2, revoked: 4, deleted: 4, removed: 4, erased: 4 };

/** Open Cybersecurity Schema Framework (https://schema.ocsf.io/1.6.0): Authentication (3002) for sign-ins and sessions, else API Activity (6003). */
function ocsfEvent(event: StoredRecord, version: string): Record<string, unknown> {
  const word = event.action.slice(event.action.lastIndexOf('.') + 1);
  const isSignIn = event.objectKind === 'sign_in' || event.objectKind === 'session';
  const classUid = isSignIn ? 3002 : 6003;
  const activity = isSignIn ? (word === 'ended' ? 2 : 1) : (apiActivities[word] ?? 3);
  const user = { uid: event.actorId === '' ? event.actorKind : event.actorId, type: event.actorKind, type_id: event.actorKind === 'system' ? 3 : 99 };
  const source = event.peer === '' ? { name: 'localhost' } : { ip: event.peer };
  return {
    activity_id: activity,
    category_uid: isSignIn ? 3 : 6,
    class_uid: classUid,
    type_uid: classUid * 100 + activity,
    time: event.atMs,
    severity_id: event.result === 'success' ? 1 : 2,
    status_id: event.result === 'success' ? 1 : 2,
    status: event.result,
    metadata: {
      version: ocsfVersion,
      uid: event.id,
      ...(event.sequence === null ? {} : { sequence: event.sequence }),
      event_code: event.action,
      tenant_uid: event.organizationId,
      product: { name: 'GatewayOps', vendor_name: 'GatewayOps', version },
    },
    actor: { user },
    src_endpoint: source,
    ...(isSignIn
      ? { user: { ...user, uid: event.objectId === '' ? user.uid : event.objectId }, service: { name: 'GatewayOps' } }
      : {
          api: { operation: event.action, ...(event.requestId === '' ? {} : { request: { uid: event.requestId } }) },
          resources: [{ type: event.objectKind, uid: event.objectId }],
        }),
    unmapped: { detail: event.detail, ...(event.hash === null ? {} : { hash: event.hash }) },
  };
}

/** Its place in the chain; what is in no chain of events has none. */
function numberOf({ sequence }: StoredRecord): string {
  return sequence === null ? '' : String(sequence);
}

function timeOf(event: StoredRecord): string {
  return new Date(event.atMs).toISOString();
}
