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
  readonly era: string | null;
  readonly protocolVersion: string | null;
  readonly serverName: string | null;
  readonly serverVersion: string | null;
  readonly tools: readonly { readonly name: string; readonly description: string }[] | null;
  /** The server has more tools than are listed here. */
  readonly toolsCut: boolean;
  readonly handshakeMs: number | null;
  readonly toolsMs: number | null;
}

/** `target` null: the one that takes calls, the first of several. */
export type TestServer = (name: string, target: string | null) => Promise<ServerTest>;
