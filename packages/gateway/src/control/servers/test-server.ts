import type { ToolFacts } from '../../kernel/tool-facts.ts';
import type { ControlContext } from '../context.ts';
import { unknownObject } from '../unknown-object.ts';
import { getServer } from './list-servers.ts';

/** Connects to a server as a client would and lists its tools. Faults: `unknown_object`. A server that fails is a result. */
export async function testServer(context: ControlContext, name: string, target: string | null): Promise<ServerTest> {
  const { targets } = await getServer(context, name);
  if (target !== null && !targets.some((entry) => entry.name === target)) throw unknownObject('server', `${name}/${target}`);
  return context.testServer(name, target);
}

export interface ServerTest {
  readonly ok: boolean;
  /** The step that failed, or null. */
  readonly failedAt: 'connect' | 'handshake' | 'tools' | null;
  /** What it said, fit for an administrator's eyes. */
  readonly reason: string | null;
  /** What mends it, or null. */
  readonly fix: string | null;
  readonly era: string | null;
  readonly protocolVersion: string | null;
  readonly serverName: string | null;
  readonly serverVersion: string | null;
  readonly tools: readonly ListedTool[] | null;
  /** The server has more tools than are listed here. */
  readonly toolsCut: boolean;
  /** Templates behind them. Null: they were not, or could not be, listed. */
  readonly resources: readonly ListedResource[] | null;
  readonly prompts: readonly ListedPrompt[] | null;
  /** It has more resources or prompts than are listed here. */
  readonly othersCut: boolean;
  readonly handshakeMs: number | null;
  readonly toolsMs: number | null;
}

/** A tool as its server lists it. */
export interface ListedTool extends Omit<ToolFacts, 'risk'> {
  readonly name: string;
  /** Its beginning. */
  readonly description: string;
  /** Null: it is too long to be said here. */
  readonly inputSchema: Readonly<Record<string, unknown>> | null;
  /** Null: there is none, or it is too long. */
  readonly outputSchema: Readonly<Record<string, unknown>> | null;
}

/** A resource, or a template of resources, as its server lists it. */
export interface ListedResource {
  readonly uri: string;
  readonly isTemplate: boolean;
  readonly name: string;
  /** Its beginning. */
  readonly description: string;
  readonly mimeType: string | null;
}

export interface ListedPrompt {
  readonly name: string;
  /** Its beginning. */
  readonly description: string;
  readonly arguments: readonly { readonly name: string; readonly description: string; readonly required: boolean }[];
}

/** `target` null: the one that takes calls, the first of several. */
export type TestServer = (name: string, target: string | null) => Promise<ServerTest>;
