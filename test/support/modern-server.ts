/** What a server of 2026-07-28 with any tool answers: a reply for the recording upstream, which the tests can count on. */
import { defaultReply, json, type Reply } from './replies.ts';

/** Answers discovery and lists itself, and leaves calls to `onCall`; by default each is answered at once. */
export function modernServer(onCall: Reply = defaultReply): Reply {
  return (request, socket) => {
    const { id, method } = parse(request.body);
    if (method === 'tools/call' || id === undefined) return onCall(request, socket);
    return json({ jsonrpc: '2.0', id, result: { resultType: 'complete', ...answers[method ?? ''] } })(request, socket);
  };
}

const serverInfo = { name: 'modern', version: '1' };
const answers: Readonly<Record<string, object>> = {
  'server/discover': { supportedVersions: ['2026-07-28'], capabilities: { tools: {} }, serverInfo, ttlMs: 0, cacheScope: 'private' },
  'tools/list': { tools: [{ name: 'echo', inputSchema: { type: 'object' } }], ttlMs: 0, cacheScope: 'private' },
};

function parse(body: Buffer): { id?: unknown; method?: string } {
  return JSON.parse(body.toString('utf8')) as { id?: unknown; method?: string };
}
