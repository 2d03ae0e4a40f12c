import type { CallRow } from '../../store/ledger/call-columns.ts';
import type { PayloadFacts } from '../../store/ledger/payloads.ts';
import type { LedgerReader } from '../../store/ledger/ledger-reader.ts';
import type { SpanListInput } from '../../store/ledger/trace-spans.ts';

/** What became of the request or response of a call whose bodies are recorded. */
export interface BodyState {
  /**
   * `kept`: it is there; `not_kept`: it was looked at and left out; `dropped`: it did not come to the masking process; `pending`: it is on its way;
   * `lost`: that process ended before it was written.
   */
  readonly state: 'kept' | 'not_kept' | 'dropped' | 'pending' | 'lost';
  /** Why there is none. */
  readonly reason: string | null;
  /** Of what is kept. */
  readonly keptBytes: number;
  readonly isTruncated: boolean;
  readonly maskedCount: number;
}

export interface SpanBodies {
  readonly request: BodyState;
  readonly response: BodyState;
}

/** A body that is not in the ledger so long after its call will not come. */
const pendingMsMax = 120_000;

/** By span; a call without recorded bodies is not among them. */
export async function readSpanBodies(
  ledger: Pick<LedgerReader, 'listPayloadFacts'>,
  within: SpanListInput,
  calls: readonly CallRow[],
  nowMs: number,
): Promise<ReadonlyMap<string, SpanBodies>> {
  const recorded = calls.filter(({ bodies }) => bodies !== '');
  const sent = recorded.filter(({ bodies }) => bodies === 'sent').map(({ span_hex: spanHex }) => spanHex);
  const facts = sent.length === 0 ? [] : await ledger.listPayloadFacts({ ...within, spanHexes: sent });
  const byKind = new Map(facts.map((one) => [`${one.span_hex} ${one.kind}`, one]));
  return new Map(
    recorded.map((call) => {
      const stateOf = (kind: 'request' | 'response'): BodyState => bodyState(call, byKind.get(`${call.span_hex} ${kind}`), nowMs);
      return [call.span_hex, { request: stateOf('request'), response: stateOf('response') }];
    }),
  );
}

function bodyState({ bodies, start_us: startUs, duration_us: durationUs }: CallRow, facts: PayloadFacts | undefined, nowMs: number): BodyState {
  const none = { keptBytes: 0, isTruncated: false, maskedCount: 0 };
  if (facts !== undefined) {
    return {
      state: facts.not_kept === '' ? 'kept' : 'not_kept',
      reason: facts.not_kept === '' ? null : facts.not_kept,
      keptBytes: facts.kept_bytes,
      isTruncated: facts.truncated === 1,
      maskedCount: facts.masked_count,
    };
  }
  if (bodies !== 'sent') return { state: 'dropped', reason: bodies, ...none };
  const endedMs = Number(startUs / 1000n) + durationUs / 1000;
  return { state: nowMs - endedMs < pendingMsMax ? 'pending' : 'lost', reason: null, ...none };
}
