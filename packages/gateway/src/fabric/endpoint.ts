import type { Server } from '../snapshot/compile-snapshot.ts';
import type { ListEntry, ListKind } from './drain-list.ts';
import type { Ask, ClientFace, Interest, ServerEvent, ServerFacts } from './dialogue.ts';

/** Whose client asks. */
export interface EndpointCaller {
  readonly face: ClientFace;
  /** Which of the servers behind the endpoint this caller may reach; the same test as at `/mcp/{server}`. */
  readonly mayReach: (server: string) => boolean;
  /** Whether policies let this caller use what a server lists; callers with the same key see the same. `entry`: of a tool, how it is listed. */
  readonly shows: (server: string, kind: ListKind, name: string, entry: ListEntry | null) => boolean;
  readonly accessKey: string;
  /** The headers of the caller's that rules pass on with every message to this server, flat. Faults: `invalid_request`. */
  readonly forwarded: (server: Server) => readonly string[];
}

/** A request of a client, read by a front. */
export interface EndpointRequest extends EndpointCaller {
  readonly method: string;
  /** JSON text of `params` without the envelope's `_meta` keys (`DialogueRequest.params`). */
  readonly params: string;
  /** `Mcp-Param-*` headers, flat. */
  readonly mirrored: readonly string[];
}

/** The one server that a request is for, and what it is called there. The rail authorises, prices and records under these names. */
export interface Route {
  readonly kind: 'route';
  readonly server: Server;
  readonly params: string;
  readonly name: string;
  readonly mirrored: readonly string[];
  /** Puts the endpoint's names back into what the server sends: a `result` of the response, or a whole notification. */
  rewriteResult(result: string): string;
  rewriteNotification(json: Buffer): Buffer;
  /** What the server asks the caller's client, with the server's name where only the gateway can tell it. */
  rewriteAsk(ask: Ask): Ask;
}

/** Answered by the gateway itself: JSON text of a `result` of 2026-07-28. `_meta.io.modelcontextprotocol/serverInfo` is added by the front. */
export interface OwnAnswer {
  readonly kind: 'answer';
  readonly result: string;
  /** Of a list: the servers whose lists it is made of, whether all were at hand, and for how long they are good. */
  readonly listed?: { readonly servers: readonly Server[]; readonly wasKept: boolean; readonly ttlMs: number };
}

/**
 * What stands behind a path that is not relayed byte for byte: one server of another era (`/mcp/{server}`), all servers (`/mcp`) or
 * a selection of them (`/mcp/v/{name}`).
 */
export interface Endpoint {
  /** As it stands in records, metrics and session handles: the server's name, or `*`, or `v/{name}`. */
  readonly name: string;
  /** What `server/discover` and `initialize` are answered from. Faults: those of the connection, where there is but one server. */
  facts(request: EndpointCaller): Promise<ServerFacts>;
  /** Faults: `unknown_tool`, `unknown_prompt`, `unknown_resource`, `invalid_params` (a bad cursor), `method_not_found`, those of the connection. */
  resolve(request: EndpointRequest): Promise<Route | OwnAnswer>;
  /** Events carry the endpoint's names. Returns how to end it. */
  watch(request: EndpointCaller, interest: Interest, onEvent: (event: ServerEvent) => void): () => void;
}
