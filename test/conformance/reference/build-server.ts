/** One MCP server with all fixtures: made anew for each request of 2026-07-28 and for each older session. */
import { createRequestStateCodec, McpServer, type ServerNotifier } from '@modelcontextprotocol/server';
import { randomBytes } from 'node:crypto';
import { addAskingTools } from './asking-tools.ts';
import { addContentTools } from './content-tools.ts';
import { addInputRequiredTools, type RoundState } from './input-required-tools.ts';
import { addPrompts } from './prompts.ts';
import { addResources } from './resources.ts';
import { addStreamTools } from './stream-tools.ts';

/** @param news where changes are announced to subscribers of 2026-07-28 */
export function createServerBuilder(news: () => ServerNotifier): () => McpServer {
  const state = createRequestStateCodec<RoundState>({ key: randomBytes(32) });

  return () => {
    const server = new McpServer(
      { name: 'gatewayops-reference', version: '1.0.0' },
      {
        capabilities: {
          tools: { listChanged: true },
          resources: { subscribe: true, listChanged: true },
          prompts: { listChanged: true },
          logging: {},
          completions: {},
        },
        requestState: { verify: state.verify },
      },
    );
    addContentTools(server);
    addStreamTools(server, news);
    addAskingTools(server);
    addInputRequiredTools(server, state);
    addResources(server);
    addPrompts(server);
    server.server.setRequestHandler('logging/setLevel', () => ({}));
    return server;
  };
}
