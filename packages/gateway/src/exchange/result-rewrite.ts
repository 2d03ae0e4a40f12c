import { listFilter } from './access-call.ts';
import type { Call } from './rail.ts';
import type { Relayed } from './relayed.ts';
import { changesResult, transformResult } from './transform-call.ts';

const resultMember = ['result'];

/**
 * What becomes of a whole response before its client reads it: a list without what this caller may not see, a tool's result as rules have it.
 * Null where nothing does, so that it is relayed as it comes. The function's fault: `upstream_invalid`.
 */
export function resultRewrite(call: Call, { kind, method, name }: Relayed): ((response: Buffer) => Buffer) | null {
  const { server } = call;
  if (server === null || kind !== 'request') return null;
  const filter = listFilter(call, server, method);
  if (filter !== null) return (response) => filter(response, resultMember);
  if (method !== 'tools/call' || !changesResult(server.transforms, name)) return null;
  return (response) => transformResult(call, server, name, response, resultMember);
}
