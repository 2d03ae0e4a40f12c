import { z } from 'zod/mini';

/** What the address of one trace says: which span is open, and which of its tabs. */
export const traceSearch = {
  span: z.catch(z.optional(z.string().check(z.regex(/^sp_[0-9a-f]{16}$/))), undefined),
  tab: z.catch(z.optional(z.enum(['summary', 'request', 'response', 'raw'])), undefined),
};
