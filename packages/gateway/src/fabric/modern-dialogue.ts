import { bounds } from '../kernel/bounds.ts';
import { asFault, Fault } from '../kernel/fault.ts';
import { encodeHeaderValue } from '../protocol/header-value.ts';
import type { Answer, Dialogue, DialogueRequest, DialogueSink } from './dialogue.ts';
import { bridgeReset } from './bridge-fault.ts';
import { memberTexts } from './edit-object.ts';
import { codeOf, isMembers, type Members, type RpcMessage } from './rpc-message.ts';
import type { Exchange, ExchangeSink, ReplyStart, SendExchange } from './server-exchange.ts';
import { asksUnsafely } from './safe-addresses.ts';
import type { ToolHeaders } from './tool-headers.ts';
import { declares, isRepeatable, modernParams, modernResult, newestModern, retryParams } from './translate.ts';

export interface ModernParts {
  readonly sendExchange: SendExchange;
  readonly toolHeaders: ToolHeaders;
  readonly nextId: () => string;
}

/** Where the server's answer looks like another era's: calls `instead` if it still is of this one. */
export type OnOtherEra = (instead: () => void) => void;

/** A request to a server of 2026-07-28: one POST a round, cancelled by closing the connection. */
export class ModernDialogue implements Dialogue, ExchangeSink {
  private readonly parts: ModernParts;
  private readonly request: DialogueRequest;
  private readonly sink: DialogueSink;
  private readonly onOtherEra: OnOtherEra;
  private exchange: Exchange | null = null;
  private params: string;
  private mirrored: readonly string[];
  private learnedHeaders = false;
  private id = '';
  private status = 0;
  private rounds = 0;
  private over = false;
  /** Of the client's answers. */
  private timer: NodeJS.Timeout | null = null;
  /** Questions of this round without an answer: the key that the server gave each, by ours. */
  private readonly open = new Map<string, { readonly key: string; readonly method: string }>();
  private responses = new Map<string, string>();
  private requestState: string | null = null;

  constructor(parts: ModernParts, request: DialogueRequest, sink: DialogueSink, onOtherEra: OnOtherEra) {
    this.parts = parts;
    this.request = request;
    this.sink = sink;
    this.onOtherEra = onOtherEra;
    this.params = request.params;
    this.mirrored = request.mirrored;
  }

  start(): void {
    const { request, parts } = this;
    if (request.mirrored.length === 0 && request.method === 'tools/call' && request.callerEra !== 'modern') this.mirrored = parts.toolHeaders.known(request);
    this.post();
  }

  answer(key: string, answer: Answer): void {
    const asked = this.open.get(key);
    if (this.over || asked === undefined) return;
    this.open.delete(key);
    if (this.open.size === 0) this.stopWaiting();
    if ('result' in answer) this.responses.set(asked.key, answer.result);
    // An answer of this era is a result: who could not be asked has cancelled, and without a completion or the roots there is no retry.
    else if (asked.method === 'elicitation/create') this.responses.set(asked.key, '{"action":"cancel"}');
    else return this.endWithError(answer.error);
    if (this.open.size === 0) this.retry();
  }

  cancel(): void {
    this.over = true;
    this.stopWaiting();
    this.exchange?.abort();
  }

  head(reply: ReplyStart): void {
    this.status = reply.status;
  }

  message(message: RpcMessage): void {
    if (message.kind === 'notification') return this.sink.notification(message.json);
    // Servers of this era make no requests.
    if (message.kind === 'request') return;
    this.exchange?.release();
    const looksForeign = this.status >= 400 && this.status < 500 && message.kind === 'error' && (message.id !== this.id || isLegacyCode(message.body));
    if (looksForeign) this.onOtherEra(() => this.respond(message));
    else this.respond(message);
  }

  end(reply: ReplyStart): void {
    const reason = reply.status >= 400 ? `it answered HTTP ${reply.status}` : 'it ended without a response';
    const fail = (): void => this.failed(new Fault('upstream_invalid', { server: this.request.server.data.name, reason }));
    if (reply.status >= 400 && reply.status < 500) this.onOtherEra(fail);
    else fail();
  }

  failed(fault: Fault): void {
    if (this.over) return;
    this.over = true;
    this.sink.failed(fault);
  }

  private post(): void {
    const { request, parts } = this;
    const { server, method, name, traceparent, face } = request;
    this.id = parts.nextId();
    const headers = ['mcp-protocol-version', newestModern, 'mcp-method', method, 'traceparent', traceparent];
    if (name !== '') headers.push('mcp-name', encodeHeaderValue(name));
    headers.push(...this.mirrored);
    if (request.forwarded !== undefined) headers.push(...request.forwarded);
    const body = `{"jsonrpc":"2.0","id":${this.id},"method":${JSON.stringify(method)},"params":${modernParams(this.params, face, traceparent)}}`;
    const { variant = null, onTarget } = request;
    const repeatable = isRepeatable(method);
    request.onSend?.();
    this.exchange = parts.sendExchange(server, { method: 'POST', headers, body, caller: face.principalId, repeatable, variant, onTarget }, this);
  }

  private respond(message: RpcMessage): void {
    if (this.over) return;
    const { body, bodyText, json } = message;
    if (message.kind === 'error') {
      const code = codeOf(body);
      if (code === -32_020 && this.mayLearnHeaders()) return void this.learnHeaders(message);
      const reset = bridgeReset(this.request.server, body);
      if (reset) return this.failed(reset);
      this.over = true;
      return this.sink.response({ kind: 'error', error: bodyText, code, httpStatus: this.status, bytes: json.length });
    }
    if (body['resultType'] === 'input_required') {
      if (this.request.inputs === 'ask') return this.askAll(message);
      if (asksUnsafely(body)) return this.refuse('it asks to open an address that is no web page');
    }
    this.over = true;
    this.sink.response({ kind: 'result', result: modernResult(bodyText, body, this.request.method), bytes: json.length });
  }

  private endWithError(error: string): void {
    this.over = true;
    this.stopWaiting();
    const parsed: unknown = JSON.parse(error);
    this.sink.response({ kind: 'error', error, code: isMembers(parsed) ? codeOf(parsed) : 0, httpStatus: 200, bytes: Buffer.byteLength(error) });
  }

  /** A caller that knows no tool's schema gave no headers. One that did is told of its mistake. */
  private mayLearnHeaders(): boolean {
    const { method, mirrored, callerEra } = this.request;
    return !this.learnedHeaders && method === 'tools/call' && mirrored.length === 0 && callerEra !== 'modern';
  }

  private async learnHeaders(refusal: RpcMessage): Promise<void> {
    this.learnedHeaders = true;
    try {
      const before = this.mirrored.join('\n');
      this.mirrored = await this.parts.toolHeaders.find(this.request);
      if (this.over) return;
      // The same headers would be refused again.
      if (this.mirrored.join('\n') === before) this.respond(refusal);
      else this.post();
    } catch (thrown) {
      this.failed(asFault(thrown));
    }
  }

  private askAll(message: RpcMessage): void {
    const { sink, request } = this;
    if (++this.rounds > bounds.fabricAskRoundsMax) return this.refuse(`it asked for input more than ${bounds.fabricAskRoundsMax} times`);
    const { inputRequests, requestState } = message.body;
    const texts = memberTexts(message.bodyText);
    const asked = isMembers(inputRequests) ? memberTexts(texts.get('inputRequests') ?? '{}') : new Map<string, string>();
    if (asked.size > bounds.fabricAsksMax) return this.refuse(`it asks more than ${bounds.fabricAsksMax} questions at once`);
    if (asked.size === 0 && requestState === undefined) return this.refuse('it needs input and asks for none');
    this.requestState = typeof requestState === 'string' ? (texts.get('requestState') ?? null) : null;
    this.responses = new Map();
    const capabilities = parsedObject(request.face.capabilities);
    const asks: Parameters<DialogueSink['ask']>[0][] = [];
    for (const [key, text] of asked) {
      const question: unknown = JSON.parse(text);
      const method = isMembers(question) ? question['method'] : undefined;
      if (!isMembers(question) || !isQuestion(method)) return this.refuse('it asks for input in a way that is not known');
      const params = isMembers(question['params']) ? question['params'] : {};
      if (!declares(capabilities, method, params)) return this.refuse(`it asks for ${method} in a way that the client did not declare`);
      const ours = `${this.rounds}.${key}`;
      this.open.set(ours, { key, method });
      asks.push({ key: ours, method, params: isMembers(question['params']) ? (memberTexts(text).get('params') ?? '{}') : '{}' });
    }
    if (asks.length === 0) return this.retry();
    this.timer = setTimeout(() => this.failed(new Fault('mcp_timeout', { server: request.server.data.name })), bounds.fabricAskTimeoutMs);
    this.timer.unref();
    for (const ask of asks) sink.ask(ask);
  }

  private stopWaiting(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }

  private retry(): void {
    this.params = retryParams(this.request.params, this.responses, this.requestState);
    this.post();
  }

  private refuse(reason: string): void {
    this.failed(new Fault('upstream_invalid', { server: this.request.server.data.name, reason }));
  }
}

/** Codes that had no meaning of their own before 2026-07-28, and are not to be used since. */
function isLegacyCode(error: Members): boolean {
  const code = codeOf(error);
  return code <= -32_000 && code >= -32_019;
}

export function isQuestion(method: unknown): method is 'elicitation/create' | 'sampling/createMessage' | 'roots/list' {
  return method === 'elicitation/create' || method === 'sampling/createMessage' || method === 'roots/list';
}

function parsedObject(json: string): Members {
  const value: unknown = JSON.parse(json);
  return isMembers(value) ? value : {};
}
