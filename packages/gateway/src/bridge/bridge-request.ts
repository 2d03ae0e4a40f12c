import type { ServerResponse } from 'node:http';
import type { RpcMessage } from './message.ts';

/** One POSTed message, as the HTTP side hands it to the modes. */
export interface BridgeRequest {
  readonly message: RpcMessage;
  /** The body as one line: what the process gets, unless an id in it must change. */
  readonly line: Buffer;
  /** JSON text of the id, `null` where there is none. */
  readonly id: string;
  readonly response: ServerResponse;
  readonly acceptsEvents: boolean;
}

/** The answer to a notification or a response: taken, nothing to say (2025-11-25, transports). */
export function accept(request: BridgeRequest): void {
  request.response.writeHead(202, { 'content-length': 0 });
  request.response.end();
}
