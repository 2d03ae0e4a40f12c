import { z } from '@hono/zod-openapi';
import { Fault } from '../kernel/fault.ts';

/** The header of a change to what has versions. */
export const ifMatchHeaders = z.object({
  'if-match': z.string().optional().openapi({ description: 'The version that was read, as in the ETag; "0" where there is none yet.', example: '"3"' }),
});

/** The version that the caller has seen. Faults: `precondition_required`, `invalid_request`. */
export function expectedVersion(match: string | undefined): number {
  if (match === undefined) throw new Fault('precondition_required');
  const expected = /^"(\d{1,9})"$/.exec(match)?.[1];
  if (expected === undefined) throw new Fault('invalid_request', { reason: 'If-Match must be the ETag that was read, such as "3", or "0" for what is new' });
  return Number(expected);
}
