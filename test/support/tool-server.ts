/** A server whose tools say much of themselves: schemas of every kind, hints, structured content; and very many of them. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { toNodeHandler, type NodeMcpRequestHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer, ResourceTemplate } from '@modelcontextprotocol/server';
import { z } from 'zod';

export interface ToolServer {
  readonly url: string;
  /** The arguments of the calls that reached it. */
  readonly calls: readonly { readonly tool: string; readonly arguments: unknown }[];
  stop(): Promise<void>;
}

type Node = Parameters<NodeMcpRequestHandler>[0];

const issue = z.object({
  title: z.string().min(3).describe('What it is about.'),
  size: z.enum(['small', 'large']).default('small').describe('How much work it is.'),
  count: z.number().int().min(1).max(9).optional().describe('How often it was seen.'),
  labels: z.array(z.string()).optional(),
  where: z.object({ repo: z.string().describe('owner/name'), draft: z.boolean().default(false) }),
  password: z.string().optional(),
});

/** `create_issue` (arguments of every kind), `look` (only reads), `drop_repo` (destroys), `fail`, and `extra` more; a resource, a template of resources and a prompt. */
export async function startToolServer(extra = 0): Promise<ToolServer> {
  const calls: { tool: string; arguments: unknown }[] = [];
  const text = (said: string) => ({ content: [{ type: 'text' as const, text: said }] });

  function build(): McpServer {
    const server = new McpServer({ name: 'tools', version: '1.0.0' });
    const safe = { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false };
    server.registerTool(
      'create_issue',
      {
        title: 'Create an issue',
        description: 'Writes down what is wrong.',
        inputSchema: issue,
        outputSchema: z.object({ number: z.number() }),
        annotations: safe,
      },
      (args) => {
        calls.push({ tool: 'create_issue', arguments: args });
        return { ...text(`created ${args.title}`), structuredContent: { number: calls.length } };
      },
    );
    const reads = { readOnlyHint: true, openWorldHint: false };
    server.registerTool('look', { description: 'Looks at a path.', inputSchema: z.object({ path: z.string() }), annotations: reads }, ({ path }) => {
      calls.push({ tool: 'look', arguments: { path } });
      return { content: [] };
    });
    server.registerTool(
      'drop_repo',
      { description: 'Deletes it for good.', inputSchema: z.object({ repo: z.string() }), annotations: { destructiveHint: true } },
      ({ repo }) => {
        calls.push({ tool: 'drop_repo', arguments: { repo } });
        return text(`dropped ${repo}`);
      },
    );
    server.registerTool('fail', { description: 'Fails.', inputSchema: z.object({}), annotations: reads }, () => ({
      ...text('the disk is full'),
      isError: true,
    }));
    const readme = { description: 'To be read first.', mimeType: 'text/markdown' };
    server.registerResource('readme', 'desk:///readme', readme, () => ({ contents: [] }));
    server.registerResource('issue', new ResourceTemplate('desk:///issues/{number}', { list: undefined }), {}, () => ({ contents: [] }));
    server.registerPrompt('triage', { description: 'Sorts what is wrong.', argsSchema: z.object({ repo: z.string(), since: z.string().optional() }) }, () => ({
      messages: [],
    }));
    for (let index = 0; index < extra; index += 1)
      server.registerTool(`report_${index}`, { description: `Report number ${index}.`, inputSchema: z.object({ day: z.string() }), annotations: reads }, () =>
        text('reported'),
      );
    return server;
  }

  const handler = toNodeHandler(createMcpHandler(build));
  const http = createServer((request, response) => void handler(request as Node, response));
  await new Promise<void>((resolve) => void http.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`,
    calls,
    async stop() {
      http.closeAllConnections();
      await new Promise((resolve) => void http.close(resolve));
    },
  };
}
