/** The rows of the ledger's `payloads` and `counted_tokens`, in RowBinary; the columns are those of store/ledger/migrations. */
import type { MaskedValue } from '../masking/masking-rules.ts';
import { ByteWriter } from '../record/byte-writer.ts';
import type { BodyJob } from './body-job.ts';

const principalColumns = ['org_id', 'key_id', 'key_prefix', 'user_id', 'team_id', 'project_id', 'agent', 'environment'];
const serverColumns = ['node', 'server', 'currency'];
const callColumns = ['trace_id', 'span_id', 'started_at', 'method', 'tool'];
const placeColumns = [...principalColumns, ...serverColumns, ...callColumns];

export const payloadColumns: readonly string[] = [
  ...placeColumns,
  'kind',
  'content_type',
  'headers',
  'text',
  'bytes',
  'truncated',
  'not_kept',
  'masked',
  'masked_count',
  'source',
  'sequence',
];

export const tokenColumns: readonly string[] = [...placeColumns, 'input_tokens', 'output_tokens', 'tokens_source', 'cost', 'priced_by', 'call_cost'];

export interface Payload {
  readonly kind: 'request' | 'response';
  readonly contentType: string;
  readonly headers: string;
  readonly text: string;
  /** Of the body as it was sent. */
  readonly bytes: number;
  readonly isTruncated: boolean;
  /** Why there is no text; empty where there is. */
  readonly notKept: string;
  readonly masked: readonly MaskedValue[];
}

export function payloadRow(job: BodyJob, source: string, payload: Payload): Buffer {
  const writer = placed(job, 512 + payload.text.length);
  writer.text(payload.kind);
  writer.text(payload.contentType);
  writer.text(payload.headers);
  writer.text(payload.text);
  writer.u64(payload.bytes);
  writer.u8(payload.isTruncated ? 1 : 0);
  writer.text(payload.notKept);
  writer.text(payload.masked.length === 0 ? '' : JSON.stringify(payload.masked.map(({ part: _, ...value }) => value)));
  writer.u32(payload.masked.reduce((sum, { count }) => sum + count, 0));
  writer.text(source);
  writer.u64(job.facts.sequence);
  return writer.bytes.subarray(0, writer.length);
}

export function tokenRow(
  job: BodyJob,
  counted: { readonly input: number; readonly output: number; readonly source: string; readonly costNano: number },
): Buffer {
  const writer = placed(job, 512);
  writer.u32(counted.input);
  writer.u32(counted.output);
  writer.text(counted.source);
  writer.u64(counted.costNano);
  writer.text(job.facts.count?.by ?? '');
  writer.u64(job.facts.callCostNano);
  return writer.bytes.subarray(0, writer.length);
}

function placed({ principal, server, facts }: BodyJob, bytes: number): ByteWriter {
  const writer = new ByteWriter(bytes);
  writer.block(principal);
  writer.block(server);
  writer.fixed(facts.traceHex);
  writer.fixed(facts.spanHex);
  writer.u64(facts.startedAtUs);
  writer.text(facts.method);
  writer.text(facts.tool);
  return writer;
}
