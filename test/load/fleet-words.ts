/** What the servers of the bench say of themselves and answer, over HTTP (`fleet.ts`) and on stdio (`stdio-upstream.ts`). */
import { protocolVersion, replyBody } from './messages.ts';

export interface FleetMessage {
  readonly id?: number | string;
  readonly method: string;
  readonly params?: { readonly name?: string; readonly _meta?: Readonly<Record<string, unknown>> };
}

const schema = { type: 'object', properties: { query: { type: 'string', description: 'What to look for, in the words of a person.' } }, required: ['query'] };
const capabilities = '{"tools":{"listChanged":false}}';
const info = '{"name":"fleet","version":"1"}';
/** The result of a tool, as JSON. */
export const answer = (JSON.parse(replyBody) as { result: unknown }).result;
const answerText = JSON.stringify(answer).slice(1);

export const isModern = ({ params }: FleetMessage): boolean => params?._meta?.['io.modelcontextprotocol/protocolVersion'] !== undefined;

/** Results, as JSON text, of a server with the tools `query_0` to `query_{tools - 1}` and `stream`. */
export function createFleetWords(tools: number): (message: FleetMessage) => string {
  const list = JSON.stringify(
    [...Array.from({ length: tools }, (_, index) => `query_${index}`), 'stream'].map((name) => ({
      name,
      description: `Looks things up: ${name}.`,
      inputSchema: schema,
    })),
  );
  return (message) => {
    const modern = isModern(message);
    const lists = modern ? '"resultType":"complete","ttlMs":600000,"cacheScope":"public",' : '';
    switch (message.method) {
      case 'initialize':
        return `{"protocolVersion":"2025-11-25","capabilities":${capabilities},"serverInfo":${info}}`;
      case 'server/discover':
        return `{${lists}"supportedVersions":["${protocolVersion}"],"capabilities":${capabilities},"_meta":{"io.modelcontextprotocol/serverInfo":${info}}}`;
      case 'tools/list':
        return `{${lists}"tools":${list}}`;
      case 'tools/call':
        return `{${modern ? '' : '"legacy":true,'}${answerText}`;
      default:
        return '{}';
    }
  };
}
