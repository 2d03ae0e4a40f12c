/**
 * listener: the public socket. Reads requests within bounds, hands them to handlers, says faults in HTTP. Imports
 * `kernel/`; types from other rooms. Promises: one pass over the headers decides what is read of them, anything doubled
 * or malformed is refused before a handler runs, and `X-Forwarded-*` of strangers is nobody.
 */
import { bounds } from '../kernel/bounds.ts';
import { Fault } from '../kernel/fault.ts';

/** The headers that the gateway reads. What is not named here is read by nobody and goes nowhere, `Mcp-Param-*` excepted. */
export interface InboundHeaders {
  host: string | undefined;
  origin: string | undefined;
  authorization: string | undefined;
  contentType: string | undefined;
  contentLength: string | undefined;
  contentEncoding: string | undefined;
  transferEncoding: string | undefined;
  accept: string | undefined;
  expect: string | undefined;
  protocolVersion: string | undefined;
  mcpMethod: string | undefined;
  mcpName: string | undefined;
  sessionId: string | undefined;
  lastEventId: string | undefined;
  traceparent: string | undefined;
  tracestate: string | undefined;
  baggage: string | undefined;
  clientTraceId: string | undefined;
  requestId: string | undefined;
  userAgent: string | undefined;
  agentName: string | undefined;
  /** What of a client certificate speaks for the caller, as `SecureServer.certificateOf`. No header: the listener knows it of the connection, or of a proxy that it trusts. */
  certificate: string | undefined;
  /** `Mcp-Param-*` as name, value, name, value. */
  params: string[] | undefined;
}

type Field = Exclude<keyof InboundHeaders, 'params' | 'certificate'>;

const fields: Readonly<Record<string, Field>> = {
  host: 'host',
  // HTTP/2's name for it (RFC 9113 section 8.3.1). No header of HTTP/1.1 can begin with a colon.
  ':authority': 'host',
  origin: 'origin',
  authorization: 'authorization',
  'content-type': 'contentType',
  'content-length': 'contentLength',
  'content-encoding': 'contentEncoding',
  'transfer-encoding': 'transferEncoding',
  accept: 'accept',
  expect: 'expect',
  'mcp-protocol-version': 'protocolVersion',
  'mcp-method': 'mcpMethod',
  'mcp-name': 'mcpName',
  'mcp-session-id': 'sessionId',
  'last-event-id': 'lastEventId',
  traceparent: 'traceparent',
  tracestate: 'tracestate',
  baggage: 'baggage',
  'x-trace-id': 'clientTraceId',
  'x-request-id': 'requestId',
  'user-agent': 'userAgent',
  'x-agent-name': 'agentName',
};

/** Lists by definition (RFC 9110 section 5.3, W3C Trace Context): several lines are one value. All others may occur once. */
const listFields: ReadonlySet<Field> = new Set<Field>(['accept', 'tracestate', 'baggage']);
const paramPrefix = 'mcp-param-';
const spellingsMax = 512;

/** Reads the header lines of one request. Faults: `headers_too_large`, `invalid_request` for a header that occurs twice. */
export type HeaderGate = (rawHeaders: readonly string[]) => InboundHeaders;

export function createHeaderGate(): HeaderGate {
  // Clients spell a header in one or two ways: a look-up of the spelling as it came saves lower-casing each line.
  const bySpelling = new Map<string, Field | 'param' | null>();

  function fieldOf(name: string): Field | 'param' | null {
    const known = bySpelling.get(name);
    if (known !== undefined) return known;
    const lower = name.toLowerCase();
    const field = lower.startsWith(paramPrefix) ? 'param' : Object.hasOwn(fields, lower) ? (fields[lower] ?? null) : null;
    if (bySpelling.size < spellingsMax) bySpelling.set(name, field);
    return field;
  }

  return (rawHeaders) => {
    if (rawHeaders.length > bounds.headerLinesMax * 2) throw new Fault('headers_too_large');
    const headers = noHeaders();
    for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
      const name = rawHeaders[index] ?? '';
      const value = rawHeaders[index + 1] ?? '';
      const field = fieldOf(name);
      if (field === null) continue;
      if (field === 'param') {
        (headers.params ??= []).push(name, value);
        continue;
      }
      const earlier = headers[field];
      if (earlier === undefined) headers[field] = value;
      else if (listFields.has(field)) headers[field] = `${earlier}, ${value}`;
      // HTTP/2 may name it in both ways, if it is the same.
      else if (field === 'host' && earlier === value && rawHeaders.includes(':authority')) continue;
      else throw new Fault('invalid_request', { reason: `the header ${name} occurs twice` });
    }
    return headers;
  };
}

function noHeaders(): InboundHeaders {
  return {
    host: undefined,
    origin: undefined,
    authorization: undefined,
    contentType: undefined,
    contentLength: undefined,
    contentEncoding: undefined,
    transferEncoding: undefined,
    accept: undefined,
    expect: undefined,
    protocolVersion: undefined,
    mcpMethod: undefined,
    mcpName: undefined,
    sessionId: undefined,
    lastEventId: undefined,
    traceparent: undefined,
    tracestate: undefined,
    baggage: undefined,
    clientTraceId: undefined,
    requestId: undefined,
    userAgent: undefined,
    agentName: undefined,
    certificate: undefined,
    params: undefined,
  };
}

const jsonType = /^application\/json(?:[ \t]*;[ \t]*charset=(?:utf-8|"utf-8"))?$/i;

/** Faults: `unsupported_media_type` unless the body is JSON, in UTF-8 where it says so, without a content encoding. */
export function requireJson(headers: InboundHeaders): void {
  const { contentType, contentEncoding } = headers;
  if (contentType !== 'application/json' && (contentType === undefined || !jsonType.test(contentType))) throw new Fault('unsupported_media_type');
  if (contentEncoding !== undefined) throw new Fault('unsupported_media_type');
}

/**
 * The address check against DNS rebinding (2026-07-28, streamable HTTP, security warning): Host must be one that is served,
 * Origin, where a browser sends one, must be allowed. Null in `hosts` serves any. Faults: `invalid_request` without a Host,
 * `host_not_allowed`, `origin_not_allowed`.
 */
export function requireAddress(headers: InboundHeaders, hosts: ReadonlySet<string> | null, origins: ReadonlySet<string>): void {
  const { host, origin } = headers;
  if (host === undefined) throw new Fault('invalid_request', { reason: 'the Host header is missing' });
  if (hosts !== null && !hosts.has(host) && !hosts.has(host.toLowerCase())) throw new Fault('host_not_allowed');
  if (origin !== undefined && !origins.has(origin)) throw new Fault('origin_not_allowed');
}

/** Where the page of an identity provider lets the browser post its answer, from its own origin. Whether it is one to a question of ours is told by what it carries. */
const providerAnswers = /^\/v1\/auth\/sso\/(?:oidc\/callback(?:\/[a-z0-9_-]{1,63})?|saml\/acs)(?:\?|$)/;

/** As `requireAddress`, for the control plane: the answers of identity providers may come from any origin. */
export function requireControlAddress(
  headers: InboundHeaders,
  hosts: ReadonlySet<string> | null,
  origins: ReadonlySet<string>,
  { method, url = '' }: { readonly method?: string | undefined; readonly url?: string | undefined },
): void {
  const isAnswer = method === 'POST' && providerAnswers.test(url);
  requireAddress(isAnswer ? { ...headers, origin: undefined } : headers, hosts, origins);
}

/**
 * For what a page can read that another site made the browser open, with its cookies and without our leave: a WebSocket. Who names no
 * credential must be a page of ours. Faults: `origin_not_allowed`.
 */
export function requireOwnPage({ host, origin, authorization }: InboundHeaders): void {
  if (authorization !== undefined) return;
  if (origin === undefined || host === undefined || !URL.canParse(origin) || new URL(origin).host !== host.toLowerCase()) throw new Fault('origin_not_allowed');
}
