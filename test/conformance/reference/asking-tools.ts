/**
 * Tools that ask the client while they work, the way up to 2025-11-25: by a request of the server on the stream of the
 * client's own. `mcpReq.send` does that; `mcpReq.elicitInput` and `requestSampling` of the SDK (2.4) use the session's GET
 * stream instead, which a client may open too late or not at all.
 */
import type { ElicitRequestFormParams, McpServer, ServerContext } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { say } from './content-tools.ts';

type RequestedSchema = ElicitRequestFormParams['requestedSchema'];

const none = z.object({});

export function addAskingTools(server: McpServer): void {
  server.registerTool(
    'test_sampling',
    { description: 'Asks the client for a completion', inputSchema: z.object({ prompt: z.string() }) },
    async (args, context) => {
      const messages = [{ role: 'user' as const, content: { type: 'text' as const, text: args.prompt } }];
      const result = await context.mcpReq.send({ method: 'sampling/createMessage', params: { messages, maxTokens: 100 } });
      const [first] = Array.isArray(result.content) ? result.content : [result.content];
      return say(`LLM response: ${first?.type === 'text' ? first.text : 'No text'}`);
    },
  );

  server.registerTool('test_elicitation', { description: 'Asks the user', inputSchema: z.object({ message: z.string() }) }, async (args, context) => {
    const requestedSchema: RequestedSchema = {
      type: 'object',
      properties: { response: { type: 'string', description: "User's response" } },
      required: ['response'],
    };
    return say(`User response: ${await ask(context, args.message, requestedSchema)}`);
  });

  // SEP-1034: a default for each primitive type.
  server.registerTool('test_elicitation_sep1034_defaults', { description: 'Asks with defaults', inputSchema: none }, async (_, context) =>
    say(`Elicitation completed: ${await ask(context, 'Please review the defaults', defaults)}`),
  );

  // SEP-1330: each way to write a choice.
  server.registerTool('test_elicitation_sep1330_enums', { description: 'Asks with choices', inputSchema: none }, async (_, context) =>
    say(`Elicitation completed: ${await ask(context, 'Please select options', choices)}`),
  );
}

async function ask(context: ServerContext, message: string, requestedSchema: RequestedSchema): Promise<string> {
  const result = await context.mcpReq.send({ method: 'elicitation/create', params: { message, requestedSchema } });
  return `action=${result.action}, content=${JSON.stringify(result.content ?? {})}`;
}

const defaults: RequestedSchema = {
  type: 'object',
  properties: {
    name: { type: 'string', description: 'User name', default: 'John Doe' },
    age: { type: 'integer', description: 'User age', default: 30 },
    score: { type: 'number', description: 'User score', default: 95.5 },
    status: { type: 'string', description: 'User status', enum: ['active', 'inactive', 'pending'], default: 'active' },
    verified: { type: 'boolean', description: 'Verification status', default: true },
  },
  required: [],
};

const choices: RequestedSchema = {
  type: 'object',
  properties: {
    untitledSingle: { type: 'string', description: 'One option', enum: ['option1', 'option2', 'option3'] },
    titledSingle: {
      type: 'string',
      description: 'One option with titles',
      oneOf: [
        { const: 'value1', title: 'First Option' },
        { const: 'value2', title: 'Second Option' },
        { const: 'value3', title: 'Third Option' },
      ],
    },
    legacyEnum: {
      type: 'string',
      description: 'One option, titled the deprecated way',
      enum: ['opt1', 'opt2', 'opt3'],
      enumNames: ['Option One', 'Option Two', 'Option Three'],
    },
    untitledMulti: {
      type: 'array',
      description: 'Several options',
      minItems: 1,
      maxItems: 3,
      items: { type: 'string', enum: ['option1', 'option2', 'option3'] },
    },
    titledMulti: {
      type: 'array',
      description: 'Several options with titles',
      minItems: 1,
      maxItems: 3,
      items: {
        anyOf: [
          { const: 'value1', title: 'First Choice' },
          { const: 'value2', title: 'Second Choice' },
          { const: 'value3', title: 'Third Choice' },
        ],
      },
    },
  },
  required: [],
};
