import { z } from 'zod';
import { traceHexFor } from '../../kernel/id.ts';
import type { PayloadRow } from '../../store/ledger/payloads.ts';
import type { ControlContext } from '../context.ts';
import { requireLedger } from '../require-ledger.ts';
import { unknownObject } from '../unknown-object.ts';

export interface BodyInput {
  readonly traceId: string;
  /** 16 hex digits. */
  readonly spanHex: string;
  readonly kind: 'request' | 'response';
}

export interface RecordedBody {
  readonly contentType: string;
  readonly text: string;
  /** Of the request; empty for a response. */
  readonly headers: string;
  /** Of the body as it was sent. */
  readonly bytes: number;
  readonly isTruncated: boolean;
  readonly masked: readonly MaskedPlace[];
}

const maskedPlaces = z.array(z.object({ rule: z.string(), kind: z.string(), path: z.string(), offset: z.number(), count: z.number() }));
export type MaskedPlace = z.infer<typeof maskedPlaces>[number];

/** The recorded request or response of one call of the organization. Faults: `unknown_object` where there is none that was kept, `unavailable`. */
export async function readBody(context: Pick<ControlContext, 'ledger' | 'organizationId'>, { traceId, spanHex, kind }: BodyInput): Promise<RecordedBody> {
  const { organizationId } = context;
  const found = await requireLedger(context).findPayload({ organizationId, traceHex: traceHexFor(organizationId, traceId), spanHex, kind });
  if (found === null || found.not_kept !== '') throw unknownObject('body', `${kind} of sp_${spanHex}`);
  return { ...recorded(found) };
}

function recorded(row: PayloadRow): RecordedBody {
  return {
    contentType: row.content_type,
    text: row.text,
    headers: row.headers,
    bytes: row.bytes,
    isTruncated: row.truncated === 1,
    masked: row.masked === '' ? [] : maskedPlaces.parse(JSON.parse(row.masked)),
  };
}
