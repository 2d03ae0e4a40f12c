import { z } from 'zod/mini';

const text = (charsMax: number) => z.catch(z.optional(z.string().check(z.maxLength(charsMax))), undefined);

export const serversSearch = { find: text(100) };

export const serverTabs = ['traffic', 'access', 'config'] as const;

/** Which part of a server is shown; none of these is how it is. */
export const serverSearch = { tab: z.catch(z.optional(z.enum(serverTabs)), undefined) };

/** What of all that it offers is listed, which tool is looked at, and the recorded call that is made again. */
export const toolsSearch = {
  kind: z.catch(z.optional(z.enum(['resources', 'prompts'])), undefined),
  tool: text(1024),
  find: text(100),
  trace: z.catch(z.optional(z.string().check(z.regex(/^tr_[0-9a-f]+$/))), undefined),
  span: z.catch(z.optional(z.string().check(z.regex(/^sp_[0-9a-f]{16}$/))), undefined),
};
