import type { Ask, DialogueResponse } from '../fabric/dialogue.ts';
import { bounds } from '../kernel/bounds.ts';
import { asFault, type Fault } from '../kernel/fault.ts';
import type { Message } from '../protocol/classify.ts';
import { FrontReply } from './front-reply.ts';
import { settleFront } from './front-request.ts';
import type { Call } from './rail.ts';
import type { UnderWay } from './under-way.ts';

/** How one era's client is told what comes of its request. */
export interface Manner {
  /** Whether the request ends when its client leaves. */
  readonly endsWithClient: boolean;
  notification(json: Buffer): string | null;
  ask(ask: Ask): void;
  /** See `DialogueSink`. */
  withdrawn?(key: string, reason: string | null): void;
  completed?(elicitationId: string): void;
  response(response: DialogueResponse): { readonly status: number; readonly text: string };
}

/** One HTTP exchange of a request under way. */
export interface Conversation {
  readonly reply: FrontReply;
  /** Resolves when nothing of the exchange is under way any more. Rejects with a fault that is still to be answered. */
  readonly done: Promise<void>;
  /** Ends the exchange with this message, if nothing else has. The request goes on where somebody else is to listen. */
  conclude(status: number, textOf: () => string): void;
  /** The client does not want the response any more. */
  cancel(): void;
}

/** Tells the client of `call` what comes of `underWay`, in the words of `mannerOf`. */
export function converse(call: Call, message: Pick<Message, 'method'>, underWay: UnderWay, mannerOf: (conversation: Conversation) => Manner): Conversation {
  const { promise: done, resolve, reject } = Promise.withResolvers<void>();
  const { route } = underWay;
  let over = false;
  let silence: NodeJS.Timeout | null = null;

  /** True once: whoever gets it ends the exchange. */
  function isFirst(): boolean {
    const first = !over;
    over = true;
    if (silence) clearTimeout(silence);
    return first;
  }

  function left(): void {
    if (manner.endsWithClient) conversation.cancel();
  }

  const reply = new FrontReply(call, left);
  const conversation: Conversation = {
    reply,
    done,
    conclude(status, textOf) {
      if (!isFirst()) return;
      const text = textOf();
      void settleFront(call, { kind: 'request', method: message.method, name: route.name }, status, text)
        .then(() => reply.finish(status, text))
        .then(resolve, reject);
    },
    cancel() {
      if (!isFirst()) return;
      underWay.cancel();
      void call
        .settle('cancelled', call.record.firstByteAt === 0 ? 'server' : 'reply')
        .then(() => {
          // A stream that ends without a response: what was cancelled gets none.
          reply.open();
          reply.end();
        })
        .then(resolve, reject);
    },
  };
  const manner = mannerOf(conversation);
  if (reply.left) left();
  if (over) return conversation;
  // From then on comments tell whoever stands in between that the call goes on.
  silence = setTimeout(() => reply.open(), bounds.sseKeepAliveMs);

  underWay.listen({
    notification(json) {
      if (over) return;
      const text = manner.notification(route.rewriteNotification(json));
      if (text !== null) reply.event(text);
    },
    ask: (ask) => {
      if (!over) manner.ask(ask);
    },
    withdrawn(key, reason) {
      if (!over) manner.withdrawn?.(key, reason);
    },
    completed: (elicitationId) => manner.completed?.(elicitationId),
    response(response) {
      if (over) return;
      try {
        const { status, text } = manner.response(response);
        conversation.conclude(status, () => text);
      } catch (thrown) {
        fail(asFault(thrown));
      }
    },
    failed: fail,
  });

  function fail(fault: Fault): void {
    if (!isFirst()) return;
    if (fault.row.owner === 'upstream')
      call.rail.log.warn('upstream.failed', {
        server: route.server.data.name,
        code: fault.code,
        ...call.logFields,
        reason: fault.cause instanceof Error ? fault.cause.message : undefined,
      });
    if (!reply.streaming) reject(fault);
    else
      void call
        .settleRefusal(fault)
        .then(() => reply.end(fault))
        .then(resolve, reject);
  }
  return conversation;
}
