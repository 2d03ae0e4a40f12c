/** Tools that say something while they work: log messages, progress, a stream that is closed and resumed, list changes. */
import type { McpServer, ServerNotifier } from '@modelcontextprotocol/server';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { say } from './content-tools.ts';

const stepMs = 50;
const none = z.object({});

export function addStreamTools(server: McpServer, news: () => ServerNotifier): void {
  server.registerTool('test_tool_with_logging', { description: 'Logs three times while it works', inputSchema: none }, async (_, context) => {
    for (const [index, data] of ['Tool execution started', 'Tool processing data', 'Tool execution completed'].entries()) {
      if (index > 0) await pause(stepMs);
      await context.mcpReq.notify({ method: 'notifications/message', params: { level: 'info', data } });
    }
    return say('Tool with logging executed successfully');
  });

  server.registerTool('test_tool_with_progress', { description: 'Reports progress where the client gave a token', inputSchema: none }, async (_, context) => {
    const { _meta: meta } = context.mcpReq;
    const progressToken = meta?.progressToken;
    if (progressToken === undefined) return say('no-progress-token');
    for (const progress of [0, 50, 100]) {
      if (progress > 0) await pause(stepMs);
      await context.mcpReq.notify({
        method: 'notifications/progress',
        params: { progressToken, progress, total: 100, message: `Completed step ${progress} of 100` },
      });
    }
    return say(String(progressToken));
  });

  // SEP-1699: the client comes back with Last-Event-ID and finds the result in the event store.
  server.registerTool('test_reconnection', { description: 'Closes its stream before the result is there', inputSchema: none }, async (_, context) => {
    context.http?.closeSSE?.();
    await pause(2 * stepMs);
    return say('Reconnection test completed successfully. If you received this, the client properly reconnected after stream closure.');
  });

  // SEP-2575: logged only where the request's `_meta` asks for a log level.
  server.registerTool('test_logging_tool', { description: 'Logs by the rule of 2026-07-28', inputSchema: none }, async (_, context) => {
    await context.mcpReq.log('info', 'test_logging_tool ran');
    return say('logged');
  });

  server.registerTool('test_streaming_elicitation', { description: 'Its response stream carries no request of the server', inputSchema: none }, () =>
    say('result frames only'),
  );

  server.registerTool('test_trigger_tool_change', { description: 'Announces a changed tool list to subscribers', inputSchema: none }, () => {
    news().toolsChanged();
    return say('tools_list_changed published');
  });

  server.registerTool('test_trigger_prompt_change', { description: 'Announces a changed prompt list to subscribers', inputSchema: none }, () => {
    news().promptsChanged();
    return say('prompts_list_changed published');
  });
}
