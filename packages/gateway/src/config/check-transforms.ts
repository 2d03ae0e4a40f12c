/** What the shape of `transforms` cannot say: that servers are there, patterns can be read, headers may be passed on, rules do not undo each other. */
import { RE2JS } from 're2js';
import { parsePath } from '../kernel/json-path.ts';
import type { Checked, Complain } from './check-config.ts';
import type { Path } from './config-fault.ts';
import type { TransformEntry } from './schema-transforms.ts';

/** Headers that say who somebody is, whoever invented them. */
const credentialHeader =
  /(?:^|[-_])(?:authorization|authentication|auth|cookie2?|token|secret|passw(?:or)?d|credentials?|(?:api|access|private|secret)[-_]?key|session(?:-?id)?|jwt|signature)(?:$|[-_])/i;
/** Headers that belong to a connection, to HTTP, to MCP or to tracing: the gateway writes them itself. */
const ownHeader =
  /^(?:host|connection|content-.*|transfer-encoding|te|trailer|upgrade|keep-alive|accept|accept-encoding|expect|origin|traceparent|tracestate|baggage|last-event-id|user-agent|mcp-.*|proxy-.*|sec-.*|forwarded|x-forwarded-.*|x-real-ip)$/i;

export function checkTransforms({ file, config }: Checked, complain: Complain): void {
  for (const [index, entry] of file.transforms.entries()) {
    const path: Path = ['transforms', index];
    checkRequest(entry, path, complain);
    checkResponse(entry, path, complain);
    const server = config.servers.find(({ name }) => name === entry.server);
    const credential =
      server?.transport === 'http' && server.credential !== null ? (server.credential.type === 'header' ? server.credential.name : 'authorization') : null;
    for (const [at, { from, to }] of entry.headers.entries()) {
      checkHeader(from, [...path, 'headers', at, 'from'], complain);
      checkHeader(to, [...path, 'headers', at, 'to'], complain);
      if (credential?.toLowerCase() === to.toLowerCase())
        complain(
          [...path, 'headers', at, 'to'],
          `${to} is the header of this server's credential`,
          'A caller could send a credential of its own choice.',
          'Pass the value on in another header.',
        );
      if (entry.headers.findIndex((other) => other.to.toLowerCase() === to.toLowerCase()) < at)
        complain([...path, 'headers', at, 'to'], `two rules write the header ${to}`, 'A server can read only one value.', 'Keep one of them.');
    }
    for (const mirrored of Object.keys(entry.mirrors))
      if (parsePath(mirrored)?.includes('*') === true)
        complain([...path, 'mirrors', mirrored], `${mirrored} leads into a list`, 'MCP mirrors no items of lists (x-mcp-header).', 'Remove it.', {
          part: 'key',
        });
  }
}

function checkRequest({ request }: TransformEntry, path: Path, complain: Complain): void {
  const set = new Map<string, number>();
  for (const [index, rule] of request.entries()) {
    const at: Path = [...path, 'request', index];
    if (rule.rename) checkRename(rule.rename, [...at, 'rename'], complain);
    for (const kind of ['default', 'set', 'remove'] as const) {
      const place = rule[kind]?.path;
      if (place !== undefined) checkMember(place, [...at, kind, 'path'], complain);
    }
    const fixed = rule.set?.path ?? rule.default?.path;
    const known = fixed === undefined ? undefined : set.get(fixed);
    if (fixed !== undefined && known !== undefined) {
      const cause = `request[${known}] has given ${fixed} a value already.`;
      complain([...at, rule.set ? 'set' : 'default', 'path'], `two rules give ${fixed} a value`, cause, 'Keep one of them.');
    }
    if (fixed !== undefined) set.set(fixed, index);
    if (rule.remove !== undefined && set.has(rule.remove.path)) {
      const cause = `request[${set.get(rule.remove.path) ?? 0}] gives it a value, and this rule takes it away again.`;
      complain([...at, 'remove', 'path'], `${rule.remove.path} is given and taken`, cause, 'Keep one of them.');
    }
    if (rule.restrict) checkRestrict(rule.restrict, [...at, 'restrict'], complain);
  }
}

function checkRestrict(rule: NonNullable<TransformEntry['request'][number]['restrict']>, at: Path, complain: Complain): void {
  const { enum: values, pattern, min, max } = rule;
  if (values === undefined && pattern === undefined && min === undefined && max === undefined)
    complain(at, 'restrict says no restriction', 'Every value would pass.', 'Add enum, pattern, min or max.');
  if (pattern !== undefined) checkPattern(pattern, [...at, 'pattern'], complain);
  if (pattern !== undefined && (min !== undefined || max !== undefined))
    complain(at, 'no value fits both a pattern and a range', 'A pattern is for text, min and max are for numbers.', 'Keep one of them.');
  if (min !== undefined && max !== undefined && min > max) complain([...at, 'max'], 'max is less than min', 'No number would pass.', 'Swap them.');
}

function checkResponse({ response }: TransformEntry, path: Path, complain: Complain): void {
  for (const [index, rule] of response.entries()) {
    const at: Path = [...path, 'response', index];
    if (rule.rename) checkRename(rule.rename, [...at, 'rename'], complain);
    if (rule.remove) checkMember(rule.remove.path, [...at, 'remove', 'path'], complain);
    const { pattern } = rule.redact ?? {};
    if (pattern !== undefined && checkPattern(pattern, [...at, 'redact', 'pattern'], complain)?.testExact('') === true)
      complain(
        [...at, 'redact', 'pattern'],
        'the pattern fits an empty text',
        'There is one between any two characters.',
        'Write + instead of *, or what must be there.',
      );
  }
}

function checkRename({ from, to }: { readonly from: string; readonly to: string }, at: Path, complain: Complain): void {
  checkMember(from, [...at, 'from'], complain);
  if (parsePath(from)?.at(-1) === to)
    complain([...at, 'to'], `${to} is its name already`, 'The rule changes nothing.', 'Remove the rule, or write another name.');
}

function checkMember(path: string, at: Path, complain: Complain): void {
  if (parsePath(path)?.at(-1) === '*')
    complain(
      at,
      `${path} names no member`,
      'It leads to all items of a list, and this rule is for members of objects.',
      'Write the name of a member behind it.',
    );
}

function checkPattern(pattern: string, at: Path, complain: Complain): RE2JS | null {
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    complain(
      at,
      'the pattern cannot be read',
      `${reason.slice(0, 200)}.`,
      'Write it in the syntax of RE2 (https://github.com/google/re2/wiki/Syntax): without look-around and back references, which can take forever.',
    );
    return null;
  }
}

function checkHeader(name: string, at: Path, complain: Complain): void {
  if (credentialHeader.test(name))
    complain(
      at,
      `${name} may not be passed on`,
      'It carries a credential by its name; what callers prove themselves with is never passed on.',
      "Configure the gateway's own credential for the server.",
    );
  else if (ownHeader.test(name)) complain(at, `${name} may not be passed on`, 'The gateway writes this header itself.', 'Name another header.');
}
