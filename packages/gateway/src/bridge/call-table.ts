import type { BridgeRequest } from './bridge-request.ts';
import { keyOf, objectOf, subscriptionIdKey, type RpcMessage } from './message.ts';
import { findValues, splice, type Edit } from '../kernel/splice-json.ts';

/** A request that waits in a process which several clients share, under a number that no other has. */
export interface Call<Owner> {
  readonly number: number;
  /** The client's id and progress token as JSON text: they go back exactly as they came. */
  readonly id: string;
  readonly token: string | null;
  readonly owner: Owner;
}

/** Ids of many clients onto numbers and back. Only the bytes of ids and tokens change in a message. */
export interface CallTable<Owner> {
  /** The request under its number; its progress token becomes the same number. */
  open(request: BridgeRequest, owner: Owner): { readonly call: Call<Owner>; readonly line: Buffer };
  /** The call that a response answers, which is over with it. */
  settle(message: RpcMessage): Call<Owner> | null;
  /** The call whose progress the notification tells. */
  progressing(message: RpcMessage): Call<Owner> | null;
  /** The call on whose `subscriptions/listen` the notification comes. */
  subscribed(message: RpcMessage): Call<Owner> | null;
  /** A message of the process with the client's own id and token in place of the number. */
  restore(line: Buffer, call: Call<Owner>): Buffer;
  drop(call: Call<Owner>): void;
  readonly size: number;
  calls(): Iterable<Call<Owner>>;
}

const requestPaths = [['id'], ['params', '_meta', 'progressToken']];
const answerPaths = [['id'], ['params', 'progressToken'], ['params', '_meta', subscriptionIdKey], ['result', '_meta', subscriptionIdKey]];
const progressTokenPath = 1;

export function callTable<Owner>(): CallTable<Owner> {
  const waiting = new Map<number, Call<Owner>>();
  let next = 1;

  return {
    open(request, owner) {
      const number = next++;
      const text = String(number);
      const hasToken = keyOf(objectOf(request.message.params?.['_meta'])?.['progressToken'], request.line, ['params', '_meta', 'progressToken']) !== '';
      const edits: Edit[] = [];
      let token: string | null = null;
      for (const found of findValues(request.line, requestPaths)) {
        if (found.path === progressTokenPath) {
          if (!hasToken) continue;
          token = request.line.toString('utf8', found.start, found.end);
        }
        edits.push({ ...found, text });
      }
      const call = { number, id: request.id, token, owner };
      waiting.set(number, call);
      return { call, line: splice(request.line, edits) };
    },
    settle(message) {
      const call = waiting.get(numberOf(message.value['id']));
      if (call !== undefined) waiting.delete(call.number);
      return call ?? null;
    },
    progressing(message) {
      const call = waiting.get(numberOf(message.params?.['progressToken']));
      return call === undefined || call.token === null ? null : call;
    },
    subscribed(message) {
      return waiting.get(numberOf(objectOf(message.params?.['_meta'])?.[subscriptionIdKey])) ?? null;
    },
    restore(line, call) {
      const edits: Edit[] = [];
      for (const found of findValues(line, answerPaths)) edits.push({ ...found, text: found.path === progressTokenPath ? (call.token ?? call.id) : call.id });
      return splice(line, edits);
    },
    drop(call) {
      waiting.delete(call.number);
    },
    get size() {
      return waiting.size;
    },
    calls: () => waiting.values(),
  };
}

function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}
