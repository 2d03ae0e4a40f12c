import { z } from 'zod/mini';

export const metricsSearch = {
  q: z.catch(z.optional(z.string().check(z.maxLength(4000))), undefined),
  live: z.catch(z.optional(z.literal('1')), undefined),
  table: z.catch(z.optional(z.literal('1')), undefined),
};
