/** Prompts, and completion of their arguments. */
import { acceptedContent, inputRequired, type McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { askFor } from './input-required-tools.ts';
import { redPixelPng } from './media.ts';

export function addPrompts(server: McpServer): void {
  server.registerPrompt('test_simple_prompt', { description: 'Without arguments' }, () => ({ messages: [say('This is a simple prompt for testing.')] }));

  server.registerPrompt(
    'test_prompt_with_arguments',
    { description: 'With two arguments', argsSchema: z.object({ arg1: z.string().describe('First'), arg2: z.string().describe('Second') }) },
    ({ arg1, arg2 }) => ({ messages: [say(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)] }),
  );

  server.registerPrompt(
    'test_prompt_with_embedded_resource',
    { description: 'With a resource', argsSchema: z.object({ resourceUri: z.string().describe('URI of the resource') }) },
    ({ resourceUri }) => ({
      messages: [
        {
          role: 'user',
          content: { type: 'resource', resource: { uri: resourceUri, mimeType: 'text/plain', text: 'Embedded resource content for testing.' } },
        },
        say('Please process the embedded resource above.'),
      ],
    }),
  );

  server.registerPrompt('test_prompt_with_image', { description: 'With an image' }, () => ({
    messages: [{ role: 'user', content: { type: 'image', data: redPixelPng, mimeType: 'image/png' } }, say('Please analyze the image above.')],
  }));

  // SEP-2322: prompts may ask as tools do.
  server.registerPrompt('test_input_required_result_prompt', { description: 'Asks before it answers' }, ({ mcpReq }) => {
    const context = acceptedContent<{ context: string }>(mcpReq.inputResponses, 'user_context')?.context;
    if (typeof context === 'string') return { messages: [say(`Use the following context: ${context}`)] };
    return inputRequired({ inputRequests: { user_context: askFor('context', 'What context should the prompt use?') } });
  });

  server.server.setRequestHandler('completion/complete', () => ({ completion: { values: [], total: 0, hasMore: false } }));
}

function say(text: string) {
  return { role: 'user' as const, content: { type: 'text' as const, text } };
}
