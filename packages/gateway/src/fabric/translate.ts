/**
 * The words of one era in those of the other, as far as a message of one server needs it. Sources: the changelog of 2026-07-28, SEP-2322,
 * SEP-2549. Texts are JSON; what is not named here keeps its bytes.
 */
import { modernVersions } from '../protocol/versions.ts';
import type { ClientFace, DialogueRequest } from './dialogue.ts';
import { editObject, memberTexts } from './edit-object.ts';
import { isMembers, type Members } from './rpc-message.ts';
import { isWebAddress, withSafeAddresses } from './safe-addresses.ts';

const metaPrefix = 'io.modelcontextprotocol/';
const tasksExtension = `${metaPrefix}tasks`;
export const newestModern = modernVersions[0] ?? '';
/** What a server is told where a caller named no client. */
export const gatewayInfo = '{"name":"gatewayops","version":"0.1.0"}';

/** The results that say how long they hold (SEP-2549). */
const cacheable: ReadonlySet<string> = new Set(['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list', 'resources/read']);
/** The order of log levels (RFC 5424), the least first. */
const logLevels: readonly string[] = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'];

/** `params` for a server of 2026-07-28: with the claims of the envelope, and the gateway's span where the caller named its own. */
export function modernParams(params: string, face: ClientFace, traceparent: string): string {
  const meta = memberTexts(params).get('_meta') ?? '{}';
  return editObject(params, {
    _meta: editObject(meta, {
      ...ownSpan(meta, traceparent),
      [`${metaPrefix}protocolVersion`]: `"${newestModern}"`,
      [`${metaPrefix}clientInfo`]: face.info ?? gatewayInfo,
      [`${metaPrefix}clientCapabilities`]: face.capabilities,
      [`${metaPrefix}logLevel`]: face.logLevel === null ? null : JSON.stringify(face.logLevel),
    }),
  });
}

/** The retry of a request that needed input: the same `params` with the answers, by the key of each question (SEP-2322). */
export function retryParams(params: string, responses: ReadonlyMap<string, string>, requestState: string | null): string {
  const answered = [...responses].map(([key, text]) => `${JSON.stringify(key)}:${text}`);
  return editObject(params, { inputResponses: answered.length === 0 ? null : `{${answered.join(',')}}`, requestState });
}

/** `params` for a server with sessions. Progress is asked for under a token of our own: the caller's comes back as it was written. */
export function legacyParams(params: string, token: string, traceparent: string): { readonly params: string; readonly progressToken: string | null } {
  const meta = memberTexts(params).get('_meta');
  const edits: Record<string, string | null> = { inputResponses: null, requestState: null };
  if (meta === undefined) return { params: editObject(params, edits), progressToken: null };
  const progressToken = memberTexts(meta).get('progressToken') ?? null;
  const claims = ['protocolVersion', 'clientInfo', 'clientCapabilities', 'logLevel'].map((name) => [`${metaPrefix}${name}`, null]);
  const kept = editObject(meta, {
    ...ownSpan(meta, traceparent),
    ...(Object.fromEntries(claims) as Record<string, null>),
    ...(progressToken !== null && { progressToken: token }),
  });
  edits['_meta'] = kept === '{}' ? null : kept;
  return { params: editObject(params, edits), progressToken };
}

function ownSpan(meta: string, traceparent: string): Record<string, string> {
  return memberTexts(meta).has('traceparent') ? { traceparent: JSON.stringify(traceparent) } : {};
}

/** ClientCapabilities for `initialize`. Lists of roots are never announced, tasks are not routed; both would be promises nobody keeps. */
export function legacyCapabilities(capabilities: string): string {
  const texts = memberTexts(capabilities);
  const extensions = texts.get('extensions');
  return editObject(capabilities, {
    tasks: null,
    ...(texts.has('roots') && { roots: '{}' }),
    ...(extensions !== undefined && { extensions: editObject(extensions, { [tasksExtension]: null }) }),
  });
}

/** ServerCapabilities of `initialize` as a client of 2026-07-28 may read them. */
export function modernCapabilities(capabilities: string): string {
  const extensions = memberTexts(capabilities).get('extensions');
  return editObject(capabilities, { tasks: null, ...(extensions !== undefined && { extensions: editObject(extensions, { [tasksExtension]: null }) }) });
}

/** Whether a request changes nothing: lists and reads. */
export function isRepeatable(method: string): boolean {
  return cacheable.has(method);
}

/** A server's result with what 2026-07-28 requires of it, and without addresses that are not safe; what else is there stays. An older server has said nothing of caching. */
export function modernResult(result: string, parsed: Members, method: string): string {
  const missing: Record<string, string> = {};
  if (parsed['resultType'] === undefined) missing['resultType'] = '"complete"';
  if (cacheable.has(method) && (parsed['resultType'] ?? 'complete') === 'complete') {
    if (parsed['ttlMs'] === undefined) missing['ttlMs'] = '0';
    if (parsed['cacheScope'] === undefined) missing['cacheScope'] = '"private"';
  }
  const safe = withSafeAddresses(result);
  return Object.keys(missing).length === 0 ? safe : editObject(safe, missing);
}

/**
 * A legacy server's error. A resource that is not there has had another code since (-32002 must not be sent any more), and consent at an address (-32042)
 * is no error any more: who `returns` input cannot be told by it.
 */
export function modernError(
  error: string,
  code: number,
  inputs: DialogueRequest['inputs'],
): { readonly error: string; readonly code: number; readonly httpStatus: number } {
  const instead = code === -32_002 ? -32_602 : code === -32_042 && inputs === 'return' ? -32_603 : null;
  if (instead !== null) return { error: editObject(error, { code: String(instead) }), code: instead, httpStatus: 200 };
  return { error, code, httpStatus: code === -32_601 ? 404 : 200 };
}

/**
 * What a server of 2025-11-25 means by its error -32042, a person's consent at an address, as the result that has taken its place; null where it is no
 * such error, or the client declared that it opens no addresses.
 */
export function consentNeeded(error: Members, capabilities: Members): string | null {
  if (error['code'] !== -32_042 || !isMembers(error['data'])) return null;
  const { elicitations } = error['data'];
  if (!Array.isArray(elicitations) || elicitations.length === 0) return null;
  if (!elicitations.every((one) => isMembers(one) && declares(capabilities, 'elicitation/create', { ...one, mode: 'url' }))) return null;
  const requests = elicitations.filter(isMembers).map(({ elicitationId: _removed, ...params }, index) => {
    const request = { method: 'elicitation/create', params: { ...params, mode: 'url' } };
    return [`consent_${index + 1}`, request] as const;
  });
  return JSON.stringify({ resultType: 'input_required', inputRequests: Object.fromEntries(requests) });
}

/** What a server of 2025-11-25 says when all is done at the address of a question (URL mode). */
export const elicitationComplete = 'notifications/elicitation/complete';

/** The ids under which an error -32042 asks for consent at addresses. */
export function elicitationIds(error: Members): readonly unknown[] {
  const elicitations = error['code'] === -32_042 && isMembers(error['data']) ? error['data']['elicitations'] : null;
  return Array.isArray(elicitations) ? elicitations.filter(isMembers).map((one) => one['elicitationId']) : [];
}

/** Whether a client declared that it answers such a question. One that would open anything but a web page is never asked. */
export function declares(capabilities: Members, method: string, params: Members): boolean {
  if (method === 'roots/list') return isMembers(capabilities['roots']);
  if (method === 'sampling/createMessage') return isMembers(capabilities['sampling']);
  const { elicitation } = capabilities;
  if (method !== 'elicitation/create' || !isMembers(elicitation)) return false;
  // An empty object is what clients declared when there was but one mode.
  if (params['mode'] === 'url') return isMembers(elicitation['url']) && isWebAddress(params['url']);
  return isMembers(elicitation['form']) || !isMembers(elicitation['url']);
}

/** Whether a message of this level is wanted by who asked for `least`; null asks for none. */
export function wantsLevel(least: string | null, level: unknown): boolean {
  return least !== null && logLevels.indexOf(String(level)) >= logLevels.indexOf(least);
}

/** Whether `level` lets more through than `than`; null lets through what the server likes. */
export function isFiner(level: string, than: string | null): boolean {
  return than === null || logLevels.indexOf(level) < logLevels.indexOf(than);
}
