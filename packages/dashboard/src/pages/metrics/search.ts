import { z } from 'zod/mini';

export const metricsSearch = {
  q: z.catch(z.optional(z.string().check(z.maxLength(4000))), undefined),
  live: z.catch(z.optional(z.literal('1')), undefined),
  /** What has lines of its own; unsaid: tools where the query names a server. */
  by: z.catch(z.optional(z.enum(['server', 'tool'])), undefined),
  table: z.catch(z.optional(z.literal('1')), undefined),
};
