import { z } from 'zod/mini';

const text = z.catch(z.optional(z.string().check(z.maxLength(200))), undefined);

/** What the address of Audit says: filters as the API has them, and the event that is open. */
export const auditSearch = {
  text,
  action: text,
  actor: text,
  object: text,
  result: z.catch(z.optional(z.enum(['success', 'denied', 'failed'])), undefined),
  /** What the gateway did by itself. */
  internal: z.catch(z.optional(z.literal('1')), undefined),
  event: z.catch(z.optional(z.string().check(z.regex(/^[\w-]{1,80}$/))), undefined),
};
