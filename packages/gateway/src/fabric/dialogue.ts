/**
 * fabric: how does a message reach a server of any era, and many servers as one? Imports `kernel/`, `protocol/`, `upstream/`;
 * types from other rooms. Promises: a server is spoken to in its own era's words; what one principal's client can do and
 * answers is never mixed with another's; JSON that is passed on keeps its bytes but for what is named to be rewritten.
 *
 * This file: one request to one server, as a dialogue. The exchange's fronts (modern, legacy) stand on it and never know which
 * era the server has.
 */
import type { Fault } from '../kernel/fault.ts';
import type { Server } from '../snapshot/compile-snapshot.ts';
import type { ReplyControl } from '../upstream/send.ts';

/** What a caller's client is and can do. A legacy session of a server is opened with it and shared by no other face. */
export interface ClientFace {
  readonly principalId: string;
  /** JSON text of its ClientCapabilities. */
  readonly capabilities: string;
  /** JSON text of its Implementation, or null where it gave none. */
  readonly info: string | null;
  /** The least level of `notifications/message` that it wants, or null for none (2026-07-28, `_meta` logLevel). */
  readonly logLevel: string | null;
}

export interface DialogueRequest {
  readonly server: Server;
  readonly face: ClientFace;
  /** Never one of the handshake (`initialize`, `ping`, `server/discover`, `subscriptions/listen`): those the fabric has verbs for. */
  readonly method: string;
  /**
   * JSON text of `params` in the words of 2026-07-28, as the server shall read it, without the envelope's `_meta` keys
   * (`io.modelcontextprotocol/protocolVersion`, `clientInfo`, `clientCapabilities`, `logLevel`), which the dialogue adds for a modern
   * server. Other `_meta` keys (`progressToken`, a caller's own) stay in it. May hold `inputResponses` and `requestState`.
   */
  readonly params: string;
  /** What Mcp-Name mirrors, or empty. */
  readonly name: string;
  /** `Mcp-Param-*` headers, flat. */
  readonly mirrored: readonly string[];
  /** Further headers for the server, flat: what rules pass on of the caller's. */
  readonly forwarded?: readonly string[];
  readonly traceparent: string;
  /**
   * What becomes of a modern server's `input_required`: `return` hands it on as the response (a modern client answers by a retry);
   * `ask` turns it into asks, and the answers into a retry. A legacy server always asks.
   */
  readonly inputs: 'return' | 'ask';
  /**
   * The era of the caller's client; absent where it speaks no MCP. `legacy`: a server that serves both eras is spoken to in the older, for that is
   * what it has for such clients. `modern`: the client knows the tools' schemas, and is told where it has left out a header.
   */
  readonly callerEra?: 'legacy' | 'modern';
  /** What the caller's request says in the header by which the server's canary is chosen. */
  readonly variant?: string | null;
  /** Told which target of the server took the request, and after which tries; again where it was sent again. */
  readonly onTarget?: ((sent: Pick<ReplyControl, 'target' | 'retries' | 'tries'>) => void) | undefined;
  /** Called before the request itself begins to leave: of one that fails earlier, nothing was sent. */
  readonly onSend?: () => void;
}

/** Something that the server asks of the caller's client while the request is under way. */
export interface Ask {
  /** Unique in its dialogue. */
  readonly key: string;
  readonly method: 'elicitation/create' | 'sampling/createMessage' | 'roots/list';
  /** JSON text of its `params`, as the server wrote it; `{}` where it wrote none. */
  readonly params: string;
}

/** A client's answer to an ask: JSON text of its `result`, or of its `error`. */
export type Answer = { readonly result: string } | { readonly error: string };

/** What comes of a request: any number of `notification`, `ask` and what follows on it, then once `response` or `failed`. */
export interface DialogueSink {
  /** A whole JSON-RPC notification of this request (progress, message), with the caller's own progress token. */
  notification(json: Buffer): void;
  ask(ask: Ask): void;
  /** The server does not want the answer to an ask any more. `reason`: what it says of it, or null. Absent where nobody is asked. */
  withdrawn?(key: string, reason: string | null): void;
  /** What a person was sent to an address for is done there (2025-11-25, URL mode). It may come after the response. Absent where nobody is asked. */
  completed?(elicitationId: string): void;
  response(response: DialogueResponse): void;
  failed(fault: Fault): void;
}

/**
 * The server's response in the words of 2026-07-28: a result has `resultType`, a list's or read's result `ttlMs` and `cacheScope`. Raw JSON
 * text, so that large integers and unknown members survive.
 */
export type DialogueResponse =
  | { readonly kind: 'result'; readonly result: string; readonly bytes: number }
  /** JSON-RPC error object. `httpStatus`: that of a modern server's reply, which a modern client gets as well. */
  | { readonly kind: 'error'; readonly error: string; readonly code: number; readonly httpStatus: number; readonly bytes: number };

export interface Dialogue {
  /** Answers an ask of this dialogue; one that was answered, or never asked, is ignored. */
  answer(key: string, answer: Answer): void;
  /** The caller no longer wants the response: the server is told as its era says. Nothing follows. */
  cancel(): void;
}

/** What a server says of itself, in the words of 2026-07-28 whatever its era. */
export interface ServerFacts {
  readonly era: 'modern' | 'legacy';
  /** JSON text of its ServerCapabilities: only what can be passed on to a modern client. */
  readonly capabilities: string;
  readonly instructions: string | null;
  /** JSON text of its Implementation, or null. */
  readonly info: string | null;
  readonly ttlMs: number;
  readonly cacheScope: 'public' | 'private';
}

/** A change at a server that its clients may want to know of. */
export type ServerEvent =
  | { readonly kind: 'toolsListChanged' | 'promptsListChanged' | 'resourcesListChanged' }
  | { readonly kind: 'resourceUpdated'; readonly uri: string; /** The whole notification. */ readonly json: Buffer };

export interface Interest {
  readonly toolsListChanged: boolean;
  readonly promptsListChanged: boolean;
  readonly resourcesListChanged: boolean;
  readonly resourceUris: readonly string[];
}

/** The servers, as every other part of the fabric and the exchange's fronts use them. One a worker. */
export interface Servers {
  /** Never throws: `sink.failed` says what is wrong. */
  begin(request: DialogueRequest, sink: DialogueSink): Dialogue;
  /**
   * Whether it serves clients of this era. Kept for minutes and found anew after a failure, for servers are replaced. Null: not found out yet,
   * `findIfServes` asks.
   */
  serves(server: Server, era: 'modern' | 'legacy'): boolean | null;
  /** Asks only what is needed: no server hears the handshake of the older era before a client of it comes. Faults: those of the connection. */
  findIfServes(server: Server, era: 'modern' | 'legacy'): Promise<boolean>;
  /** A relayed message was refused in a way that a server of another era would: it is asked again before long. */
  doubtEras(server: Server): void;
  /** Faults: those of the connection. */
  facts(server: Server, face: ClientFace): Promise<ServerFacts>;
  /**
   * Tells of changes until the returned function is called: one stream to the server for all who watch. When a stream is lost it is
   * opened anew, and its lists count as changed, for a change may have been missed.
   */
  watch(server: Server, face: ClientFace, interest: Interest, onEvent: (event: ServerEvent) => void): () => void;
  /** Ends what is kept at servers; resolves when they know, or after a second. */
  close(): Promise<void>;
}
