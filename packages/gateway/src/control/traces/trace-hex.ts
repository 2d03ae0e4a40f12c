import { createHash } from 'node:crypto';
import { traceHexOf } from '../../kernel/id.ts';

/**
 * The trace that an id names: ours by its digits, a caller's own X-Trace-ID by SHA-256 of organization and value, as the
 * rail maps it.
 */
export function traceHexFor(organizationId: string, id: string): string {
  return traceHexOf(id) ?? createHash('sha256').update(`${organizationId}\n${id}`).digest('hex').slice(0, 32);
}
