import { z } from 'zod/mini';

export const connectSearch = {
  server: z.catch(z.optional(z.string().check(z.maxLength(64))), undefined),
  client: z.catch(z.optional(z.string().check(z.maxLength(20))), undefined),
};
