/**
 * Tools that ask the way of 2026-07-28 (SEP-2322): they answer `input_required`, and the client calls again with the
 * answers. What must last from one round to the next travels in `requestState`, sealed by `state`.
 */
import {
  acceptedContent,
  CLIENT_CAPABILITIES_META_KEY,
  type ClientCapabilities,
  type InputRequest,
  inputRequired,
  type McpServer,
  type RequestStateCodec,
} from '@modelcontextprotocol/server';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { say } from './content-tools.ts';

/** What the sealed state says; the number keeps two states from being equal. */
export interface RoundState {
  readonly round: number;
  readonly name?: string;
  readonly nonce: string;
}

const none = z.object({});

export function addInputRequiredTools(server: McpServer, state: RequestStateCodec<RoundState>): void {
  const seal = (round: number, name?: string): Promise<string> => state.mint({ round, nonce: randomUUID(), ...(name === undefined ? {} : { name }) });

  server.registerTool('test_input_required_result_elicitation', { description: 'Asks for a name', inputSchema: none }, (_, { mcpReq }) => {
    const name = acceptedContent<{ name: string }>(mcpReq.inputResponses, 'user_name')?.name;
    if (typeof name === 'string') return say(`Hello, ${name}!`);
    return inputRequired({ inputRequests: { user_name: askFor('name', 'What is your name?') } });
  });

  server.registerTool('test_input_required_result_sampling', { description: 'Asks for a completion', inputSchema: none }, (_, { mcpReq }) => {
    const text = textOf(mcpReq.inputResponses?.['capital_question']);
    if (text !== null) return say(`Sampling response: ${text}`);
    return inputRequired({ inputRequests: { capital_question: askModel('What is the capital of France?') } });
  });

  server.registerTool('test_input_required_result_list_roots', { description: 'Asks for the roots', inputSchema: none }, (_, { mcpReq }) => {
    const roots = rootsOf(mcpReq.inputResponses?.['client_roots']);
    if (roots) return say(`Client exposed ${roots.length} root(s): ${roots.map((root) => root.uri).join(', ')}`);
    return inputRequired({ inputRequests: { client_roots: inputRequired.listRoots() } });
  });

  server.registerTool('test_input_required_result_request_state', { description: 'Asks, and seals a state', inputSchema: none }, async (_, { mcpReq }) => {
    const confirmed = acceptedContent<{ ok: boolean }>(mcpReq.inputResponses, 'confirm') !== undefined;
    if (confirmed && mcpReq.requestState<RoundState>()) return say('state-ok: requestState verified and confirmation received');
    return inputRequired({ inputRequests: { confirm: askFor('ok', 'Please confirm', 'boolean') }, requestState: await seal(1) });
  });

  // A state that was changed on its way is refused before the tool is called.
  server.registerTool(
    'test_input_required_result_tampered_state',
    { description: 'Refuses a state that is not its own', inputSchema: none },
    async (_, { mcpReq }) => {
      const confirmed = acceptedContent<{ ok: boolean }>(mcpReq.inputResponses, 'confirm') !== undefined;
      if (confirmed && mcpReq.requestState<RoundState>()) return say('integrity-ok: requestState verified');
      return inputRequired({ inputRequests: { confirm: askFor('ok', 'Please confirm', 'boolean') }, requestState: await seal(1) });
    },
  );

  server.registerTool('test_input_required_result_multiple_inputs', { description: 'Asks three things at once', inputSchema: none }, async (_, { mcpReq }) => {
    const name = acceptedContent<{ name: string }>(mcpReq.inputResponses, 'user_name')?.name;
    const greeting = textOf(mcpReq.inputResponses?.['greeting']);
    const roots = rootsOf(mcpReq.inputResponses?.['client_roots']);
    if (typeof name === 'string' && greeting !== null && roots) return say(`${greeting} ${name}: ${roots.length} root(s) visible`);
    return inputRequired({
      inputRequests: { user_name: askFor('name', 'What is your name?'), greeting: askModel('Generate a greeting'), client_roots: inputRequired.listRoots() },
      requestState: await seal(1),
    });
  });

  server.registerTool('test_input_required_result_multi_round', { description: 'Asks in two rounds', inputSchema: none }, async (_, { mcpReq }) => {
    const state = mcpReq.requestState<RoundState>();
    if (!state) return inputRequired({ inputRequests: { step1: askFor('name', 'Step 1: What is your name?') }, requestState: await seal(1) });
    if (state.round === 1) {
      const name = acceptedContent<{ name: string }>(mcpReq.inputResponses, 'step1')?.name ?? 'unknown';
      return inputRequired({ inputRequests: { step2: askFor('color', 'Step 2: What is your favorite color?') }, requestState: await seal(2, name) });
    }
    const color = acceptedContent<{ color: string }>(mcpReq.inputResponses, 'step2')?.color ?? 'unknown';
    return say(`Multi-round complete: ${state.name ?? 'unknown'} likes ${color}`);
  });

  server.registerTool('test_input_required_result_capabilities', { description: 'Asks only what the client declared', inputSchema: none }, (_, { mcpReq }) => {
    if (mcpReq.inputResponses !== undefined) return say('Capability-aware input requests fulfilled');
    const envelope: Readonly<Record<string, unknown>> = { ...mcpReq.envelope };
    const declared = envelope[CLIENT_CAPABILITIES_META_KEY] as ClientCapabilities | undefined;
    const inputRequests: Record<string, InputRequest> = {};
    if (declared?.elicitation) inputRequests['user_name'] = askFor('name', 'What is your name?');
    if (declared?.sampling) inputRequests['greeting'] = askModel('Generate a short greeting');
    if (declared?.roots) inputRequests['client_roots'] = inputRequired.listRoots();
    return Object.keys(inputRequests).length > 0 ? inputRequired({ inputRequests }) : say('The client declared nothing that could be asked');
  });

  // SEP-2575: called without the capability, it must end in -32021.
  server.registerTool('test_missing_capability', { description: 'Needs the capability sampling', inputSchema: none }, (_, { mcpReq }) => {
    if (textOf(mcpReq.inputResponses?.['llm_answer']) !== null) return say('sampling round-trip complete');
    return inputRequired({ inputRequests: { llm_answer: askModel('Reply with the single word: pong') } });
  });
}

/** A form of one required field. */
export function askFor(field: string, message: string, type: 'string' | 'boolean' = 'string'): InputRequest {
  const properties = type === 'boolean' ? { [field]: { type } } : { [field]: { type } };
  return inputRequired.elicit({ message, requestedSchema: { type: 'object', properties, required: [field] } });
}

function askModel(text: string): InputRequest {
  return inputRequired.createMessage({ messages: [{ role: 'user', content: { type: 'text', text } }], maxTokens: 100 });
}

/** The answers come from the client, unchecked by the SDK. */
function textOf(response: unknown): string | null {
  const parsed = z.object({ content: z.object({ text: z.string() }) }).safeParse(response);
  return parsed.success ? parsed.data.content.text : null;
}

function rootsOf(response: unknown): { uri: string }[] | null {
  const parsed = z.object({ roots: z.array(z.object({ uri: z.string() })) }).safeParse(response);
  return parsed.success ? parsed.data.roots : null;
}
