import { z } from 'zod/mini';

/** What the address of one trace says: which span is open, and which of its tabs. */
export const traceSearch = {
  span: z.catch(z.optional(z.string().check(z.regex(/^sp_[0-9a-f]{16}$/))), undefined),
  /** Which of its calls are meant, and whether the others are left out. */
  find: z.catch(z.optional(z.string().check(z.maxLength(100))), undefined),
  hide: z.catch(z.optional(z.literal('1')), undefined),
  tab: z.catch(z.optional(z.enum(['summary', 'request', 'response', 'raw'])), undefined),
};
