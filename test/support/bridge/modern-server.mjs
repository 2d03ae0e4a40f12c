/** A server of 2026-07-28 on the official SDK; with the argument `dual` it serves `initialize` too. */
import { acceptedContent, inputRequired, McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { z } from 'zod';

const say = (text) => ({ content: [{ type: 'text', text: String(text) }] });

function build() {
  const server = new McpServer({ name: 'modern-fixture', version: '1.0.0' }, { capabilities: { tools: { listChanged: true }, logging: {} } });
  server.registerTool('echo', { inputSchema: z.object({ value: z.string(), delayMs: z.number().optional() }) }, async ({ value, delayMs }) => {
    await new Promise((resolve) => setTimeout(resolve, delayMs ?? 0));
    return say(value);
  });
  server.registerTool('progress', { inputSchema: z.object({ steps: z.number() }) }, async ({ steps }, { mcpReq }) => {
    for (let progress = 1; progress <= steps; progress++)
      await mcpReq.notify({ method: 'notifications/progress', params: { progressToken: mcpReq['_meta']?.progressToken, progress } });
    return say('done');
  });
  server.registerTool('log', { inputSchema: z.object({}) }, async (_, { mcpReq }) => {
    await mcpReq.log('info', 'a log message');
    return say('logged');
  });
  server.registerTool('hang', { inputSchema: z.object({}) }, (_, { mcpReq }) => {
    process.stderr.write('hanging\n');
    return new Promise((resolve) => {
      mcpReq.signal.addEventListener('abort', () => {
        process.stderr.write('aborted\n');
        resolve(say('late'));
      });
    });
  });
  server.registerTool('confirm', { inputSchema: z.object({}) }, (_, { mcpReq }) => {
    const name = acceptedContent(mcpReq.inputResponses, 'name')?.name;
    if (typeof name === 'string') return say(`hello ${name}`);
    const requestedSchema = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] };
    return inputRequired({ inputRequests: { name: { method: 'elicitation/create', params: { mode: 'form', message: 'Who?', requestedSchema } } } });
  });
  server.registerTool('change', { inputSchema: z.object({}) }, async () => {
    server.sendToolListChanged();
    return say('changed');
  });
  server.registerTool('die', { inputSchema: z.object({}) }, () => process.exit(1));
  return server;
}

serveStdio(build, { legacy: process.argv.includes('dual') ? 'serve' : 'reject' });
