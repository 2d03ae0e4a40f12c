import { bounds } from '../kernel/bounds.ts';
import { asFault, Fault } from '../kernel/fault.ts';
import type { FaultCode } from '../kernel/fault-codes.ts';
import type { Answer, Dialogue, DialogueRequest, DialogueSink } from './dialogue.ts';
import { bridgeReset } from './bridge-fault.ts';
import { editObject, memberTexts } from './edit-object.ts';
import { isModernError } from './eras.ts';
import { OtherEra, type LegacySession, type LegacySessions, type SessionListener } from './legacy-sessions.ts';
import { isChange } from './legacy-stream.ts';
import { isQuestion, type OnOtherEra } from './modern-dialogue.ts';
import { codeOf, isMembers, type RpcMessage } from './rpc-message.ts';
import type { Exchange, ExchangeSink, ReplyStart, SendExchange } from './server-exchange.ts';
import { withSafeConsent } from './safe-addresses.ts';
import { isSessionLost } from './session-lost.ts';
import {
  consentNeeded,
  declares,
  elicitationComplete,
  elicitationIds,
  isRepeatable,
  legacyParams,
  modernError,
  modernResult,
  wantsLevel,
} from './translate.ts';

export interface LegacyParts {
  readonly sendExchange: SendExchange;
  readonly sessions: LegacySessions;
}

/** Notifications of a session that mean nothing to any client of the fabric. */
const dropped: ReadonlySet<string> = new Set(['notifications/tasks/status', 'notifications/initialized']);
/** The requests that a client of 2026-07-28 can be asked something about (SEP-2322). */
const mayNeedInput: ReadonlySet<string> = new Set(['tools/call', 'prompts/get', 'resources/read']);
const retryMsDefault = 500;
/** How a stream ends that may be taken up again. */
const breaks: ReadonlySet<FaultCode> = new Set<FaultCode>(['upstream_reset', 'upstream_unreachable']);

/** A request in a session of 2025-11-25 or before: the server may ask on its stream, which is resumed when it breaks. */
export class LegacyDialogue implements Dialogue, ExchangeSink, SessionListener {
  private readonly parts: LegacyParts;
  private readonly request: DialogueRequest;
  private readonly sink: DialogueSink;
  private readonly onOtherEra: OnOtherEra;
  private session: LegacySession | null = null;
  private exchange: Exchange | null = null;
  private id = '';
  /** The request has begun to leave. */
  private sent = false;
  private progressToken: string | null = null;
  private reply: ReplyStart | null = null;
  private lastEventId = '';
  private resumes = 0;
  private healed = false;
  private over = false;
  private askCount = 0;
  /** Questions without an answer: the server's own id of each, by our key. */
  private readonly open = new Map<string, string>();
  private timer: NodeJS.Timeout | null = null;
  private resumeTimer: NodeJS.Timeout | null = null;

  constructor(parts: LegacyParts, request: DialogueRequest, sink: DialogueSink, onOtherEra: OnOtherEra) {
    this.parts = parts;
    this.request = request;
    this.sink = sink;
    this.onOtherEra = onOtherEra;
  }

  /** Rejects with what `LegacySessions.open` throws. */
  async start(): Promise<void> {
    const { request, parts } = this;
    const { face } = request;
    this.sent = false;
    const session = await parts.sessions.open(request.server, face);
    if (this.over) return;
    this.session = session;
    parts.sessions.join(session, this);
    this.id = parts.sessions.nextId();
    const { params, progressToken } = legacyParams(request.params, this.id, request.traceparent);
    this.progressToken = progressToken;
    // Many a server says on the session's stream what it could say on the request's.
    if (progressToken !== null || (face.logLevel !== null && isMembers(session.capabilities['logging']))) await parts.sessions.listen(session);
    if (face.logLevel !== null) await parts.sessions.askForLogs(session, face.logLevel);
    if (this.hasEnded()) return;
    this.sent = true;
    const body = `{"jsonrpc":"2.0","id":${this.id},"method":${JSON.stringify(request.method)},"params":${params}}`;
    const headers = [...session.headers, 'traceparent', request.traceparent, ...(request.forwarded ?? [])];
    request.onSend?.();
    // The time is watched here: a server waits for a person's answer in silence.
    this.exchange = parts.sendExchange(
      request.server,
      {
        method: 'POST',
        headers,
        body,
        caller: face.principalId,
        target: session.target,
        patient: true,
        repeatable: isRepeatable(request.method),
        onTarget: request.onTarget,
      },
      this,
    );
    if (!this.hasEnded()) this.wait();
  }

  private hasEnded(): boolean {
    return this.over;
  }

  answer(key: string, answer: Answer): void {
    const id = this.open.get(key);
    if (this.over || id === undefined) return;
    this.open.delete(key);
    this.wait();
    const member = 'result' in answer ? `"result":${answer.result}` : `"error":${answer.error}`;
    this.tell(`{"jsonrpc":"2.0","id":${id},${member}}`, true);
  }

  cancel(): void {
    if (this.over) return;
    const { session, id } = this;
    this.finish();
    if (session === null || !this.sent) return;
    this.exchange?.abort();
    void this.parts.sessions.post(session, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${id}}}`).catch(() => undefined);
  }

  head(reply: ReplyStart): void {
    this.reply = reply;
  }

  alive(): void {
    // A person's time is not made longer by a server that says it is alive.
    if (this.open.size === 0) this.timer?.refresh();
  }

  message(message: RpcMessage): void {
    if (this.over) return;
    if (message.kind === 'notification') this.notified(message);
    else if (message.kind === 'request') this.asked(message);
    else if (message.kind === 'error' && this.statusOf() >= 400) this.refused(message);
    else if (message.id === this.id) this.respond(message);
  }

  end(reply: ReplyStart): void {
    if (this.over) return;
    if (reply.status >= 400) this.refused(null);
    else if (!this.resume()) this.failed(new Fault('upstream_invalid', { server: this.serverName(), reason: 'it ended without a response' }));
  }

  failed(fault: Fault): void {
    if (this.over || (breaks.has(fault.code) && this.resume(fault.code))) return;
    // Its target was taken away, or drains.
    if (fault.code === 'session_not_found' && this.heal()) return;
    this.finish();
    this.sink.failed(this.resumes > 0 || fault.code === 'session_not_found' ? this.brokenOff(fault) : fault);
  }

  /** For what was sent and broke off, whatever became of trying to mend it: it may have run. */
  private brokenOff(cause: unknown): Fault {
    return cause instanceof Fault && cause.code === 'mcp_timeout' ? cause : new Fault('upstream_reset', { server: this.serverName() }, { cause });
  }

  /** Lists are watched by those who asked for it. */
  changed(): void {}

  takes(message: RpcMessage): boolean {
    if (this.over || !this.sent || !this.isFor(message)) return false;
    if (message.kind === 'request') this.asked(message);
    else this.notified(message);
    return true;
  }

  /** What names no request is for any: all of a session are of one client. */
  private isFor({ kind, method, body, bodyText }: RpcMessage): boolean {
    if (kind === 'request') return mayNeedInput.has(this.request.method);
    if (method === 'notifications/progress') return String(body['progressToken']) === this.id;
    if (method === 'notifications/cancelled') return this.keyOf(bodyText) !== undefined;
    return method !== 'notifications/message' || wantsLevel(this.request.face.logLevel, body['level']);
  }

  /** The answer to the request says how it stands. */
  interrupted(): void {}

  private statusOf(): number {
    return this.reply?.status ?? 0;
  }

  private serverName(): string {
    return this.request.server.data.name;
  }

  private respond(message: RpcMessage): void {
    const { body, bodyText, json } = message;
    const consent = message.kind === 'error' && this.request.inputs === 'return' ? consentNeeded(body, this.session?.clientCapabilities ?? {}) : null;
    const reset = message.kind === 'error' ? bridgeReset(this.request.server, body) : null;
    if (message.kind === 'error' && consent === null) for (const id of elicitationIds(body)) this.expect(id);
    this.exchange?.release();
    this.finish();
    const bytes = json.length;
    if (reset !== null) this.sink.failed(reset);
    else if (consent !== null) this.sink.response({ kind: 'result', result: consent, bytes });
    else if (message.kind === 'result') this.sink.response({ kind: 'result', result: modernResult(bodyText, body, this.request.method), bytes });
    else this.sink.response({ kind: 'error', ...modernError(withSafeConsent(bodyText, codeOf(body)), codeOf(body), this.request.inputs), bytes });
  }

  /** The request was not taken: by a server that lost the session, by one of another era, or by one that says why. */
  private refused(message: RpcMessage | null): void {
    const { session } = this;
    const status = this.statusOf();
    this.exchange?.release();
    if (this.resumes > 0) {
      if (status === 404 && session !== null) this.parts.sessions.lost(session);
      this.finish();
      return this.sink.failed(this.brokenOff(null));
    }
    if (session !== null && session.id !== '' && isSessionLost(status, message, this.id) && this.heal()) return;
    const end = (): void => {
      if (this.over) return;
      this.finish();
      if (message !== null)
        this.sink.response({ kind: 'error', ...modernError(message.bodyText, codeOf(message.body), this.request.inputs), bytes: message.json.length });
      else this.sink.failed(new Fault('upstream_invalid', { server: this.serverName(), reason: `it answered HTTP ${status}` }));
    };
    if (message === null || !isModernError(message.body)) return end();
    if (session !== null) this.parts.sessions.lost(session);
    this.onOtherEra(end);
  }

  /** An unknown session did nothing: to begin anew and ask again is safe. Once, and not for what was taken and then broke off. */
  private heal(): boolean {
    const { session } = this;
    if (session === null) return false;
    this.parts.sessions.lost(session);
    if (this.healed || this.resumes > 0) return false;
    this.healed = true;
    this.leave();
    this.start().catch((thrown: unknown) => {
      const fault = thrown instanceof OtherEra ? new Fault('upstream_invalid', { server: this.serverName(), reason: thrown.message }) : asFault(thrown);
      if (thrown instanceof OtherEra) this.onOtherEra(() => this.failed(fault));
      else this.failed(fault);
    });
    return true;
  }

  private notified(message: RpcMessage): void {
    const { method, body, json } = message;
    const { sink, session } = this;
    if (method === 'notifications/progress') {
      this.alive();
      // A token that is not this request's belongs to nobody here.
      if (this.progressToken !== null && String(body['progressToken']) === this.id) sink.notification(withToken(json, this.progressToken));
    } else if (method === 'notifications/message') {
      if (wantsLevel(this.request.face.logLevel, body['level'])) sink.notification(json);
    } else if (method === 'notifications/cancelled') {
      const key = this.keyOf(message.bodyText);
      if (key === undefined) return;
      this.open.delete(key);
      this.wait();
      sink.withdrawn?.(key, typeof body['reason'] === 'string' ? body['reason'] : null);
    } else if (method === elicitationComplete) {
      if (session !== null) this.parts.sessions.completed(session, body['elicitationId']);
    } else if (isChange(method)) {
      for (const listener of session?.listeners ?? []) listener.changed(message);
    } else if (!dropped.has(method)) sink.notification(json);
  }

  /** Our key of the question that a `notifications/cancelled` of the server names; undefined where it names none of this request. */
  private keyOf(cancelled: string): string | undefined {
    const id = memberTexts(cancelled).get('requestId');
    for (const [key, asked] of this.open) if (asked === id) return key;
    return undefined;
  }

  private asked(message: RpcMessage): void {
    const { method, body, bodyText, id } = message;
    if (method === 'ping') return this.tell(`{"jsonrpc":"2.0","id":${id},"result":{}}`, false);
    const capabilities = this.session?.clientCapabilities ?? {};
    const canAsk = this.request.inputs === 'ask' || mayNeedInput.has(this.request.method);
    if (!canAsk || !isQuestion(method) || !declares(capabilities, method, body)) return this.refuse(id, -32_601, 'The client does not offer this.');
    if (this.open.size >= bounds.fabricAsksMax) return this.refuse(id, -32_603, 'Too many questions at once.');
    const key = String(++this.askCount);
    this.open.set(key, id);
    this.wait();
    if (body['mode'] === 'url') this.expect(body['elicitationId']);
    this.sink.ask({ key, method, params: bodyText });
  }

  /** A person is sent to an address; when all is done there the server says so, perhaps long after this request. */
  private expect(elicitationId: unknown): void {
    const { session, sink } = this;
    if (session === null || typeof elicitationId !== 'string' || sink.completed === undefined || this.request.inputs !== 'ask') return;
    this.parts.sessions.expect(session, elicitationId, () => sink.completed?.(elicitationId));
  }

  private refuse(id: string, code: number, message: string): void {
    this.tell(`{"jsonrpc":"2.0","id":${id},"error":{"code":${code},"message":${JSON.stringify(message)}}}`, false);
  }

  /** Answers the server. Where a client's answer does not arrive, the server would wait for nothing. */
  private tell(body: string, matters: boolean): void {
    if (this.session === null) return;
    this.parts.sessions.post(this.session, body).catch((thrown: unknown) => {
      if (this.over || !matters) return;
      this.exchange?.abort();
      this.finish();
      this.sink.failed(this.brokenOff(thrown));
    });
  }

  /** Takes a stream up again that ended before its response; false where it cannot be. */
  private resume(broken: FaultCode | null = null): boolean {
    const { session } = this;
    // Before there was a stream nothing can be taken up.
    if (broken === 'upstream_unreachable' && this.resumes === 0) return false;
    const events = this.reply?.events;
    if (events && events.lastEventId !== '') this.lastEventId = events.lastEventId;
    if (session === null || this.lastEventId === '' || ++this.resumes > bounds.fabricResumesMax) return false;
    const headers = [...session.headers, 'last-event-id', this.lastEventId, 'traceparent', this.request.traceparent];
    this.resumeTimer = setTimeout(() => {
      this.exchange = this.parts.sendExchange(
        this.request.server,
        { method: 'GET', headers, body: null, caller: session.principalId, target: session.target, patient: true },
        this,
      );
    }, events?.retryMs ?? retryMsDefault);
    return true;
  }

  /** Begins the time to wait for the server anew: short for its own work, long while a person is asked. */
  private wait(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    const waitMs = this.open.size > 0 ? bounds.fabricAskTimeoutMs : this.request.server.data.timeoutMs;
    this.timer = setTimeout(() => {
      const { sink } = this;
      this.cancel();
      sink.failed(new Fault('mcp_timeout', { server: this.serverName() }));
    }, waitMs);
  }

  private finish(): void {
    this.over = true;
    this.leave();
  }

  private leave(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    if (this.resumeTimer !== null) clearTimeout(this.resumeTimer);
    if (this.session !== null) this.parts.sessions.leave(this.session, this);
    this.session = null;
  }
}

/** A progress notification with the token that the caller gave. */
function withToken(json: Buffer, token: string): Buffer {
  const message = json.toString('utf8');
  const params = memberTexts(message).get('params') ?? '{}';
  return Buffer.from(editObject(message, { params: editObject(params, { progressToken: token }) }));
}
