import { bounds } from '../kernel/bounds.ts';
import type { Answer, Ask, Dialogue, DialogueRequest, DialogueResponse, DialogueSink, Servers } from '../fabric/dialogue.ts';
import type { Route } from '../fabric/endpoint.ts';
import type { Fault } from '../kernel/fault.ts';

/**
 * A request under way at a server. Whoever waits for it may change: a modern client that is asked for input leaves and comes back for the rest;
 * what comes meanwhile is kept, notifications up to a bound.
 */
export class UnderWay implements DialogueSink {
  readonly route: Route;
  /** Raw `progressToken` of the request that began it, or null. */
  readonly progressToken: string | null;
  /** What was asked and is not answered yet. */
  readonly asks = new Map<string, Ask>();
  private readonly dialogue: Dialogue;
  private listener: DialogueSink | null = null;
  private kept: Buffer[] = [];
  private end: DialogueResponse | Fault | null = null;

  constructor(servers: Pick<Servers, 'begin'>, route: Route, request: DialogueRequest, progressToken: string | null) {
    this.route = route;
    this.progressToken = progressToken;
    this.dialogue = servers.begin(request, this);
  }

  /** From now on everything goes to `listener`, what was kept first. */
  listen(listener: DialogueSink): void {
    this.listener = listener;
    const { kept, end } = this;
    this.kept = [];
    for (const json of kept) listener.notification(json);
    if (end === null) for (const ask of this.asks.values()) listener.ask(ask);
    else if ('kind' in end) listener.response(end);
    else listener.failed(end);
  }

  /** Nobody listens until `listen`. */
  leave(): void {
    this.listener = null;
  }

  answer(key: string, answer: Answer): void {
    if (this.asks.delete(key)) this.dialogue.answer(key, answer);
  }

  /** Nothing follows; the server is told. */
  cancel(): void {
    this.listener = null;
    if (this.end === null) this.dialogue.cancel();
  }

  notification(json: Buffer): void {
    if (this.listener) this.listener.notification(json);
    else if (this.kept.length < bounds.parkNotificationsMax) this.kept.push(json);
  }

  ask(ask: Ask): void {
    const rewritten = this.route.rewriteAsk(ask);
    this.asks.set(ask.key, rewritten);
    this.listener?.ask(rewritten);
  }

  withdrawn(key: string, reason: string | null): void {
    if (this.asks.delete(key)) this.listener?.withdrawn?.(key, reason);
  }

  completed(elicitationId: string): void {
    this.listener?.completed?.(elicitationId);
  }

  response(response: DialogueResponse): void {
    this.end = response;
    this.listener?.response(response);
  }

  failed(fault: Fault): void {
    this.end = fault;
    this.listener?.failed(fault);
  }
}
