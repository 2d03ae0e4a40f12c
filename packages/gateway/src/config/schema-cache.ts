/** `cache` of gateway.yaml: which answers are kept, and for how long. */
import { z } from 'zod';
import { day, duration, list, serverName, strict } from './schema-parts.ts';

const flag = z.boolean({ error: 'must be true or false' }).default(false);

const cacheEntry = strict({
  server: serverName.meta({ description: 'Name of the server.', examples: ['search'] }),
  lists: flag.meta({ description: 'Keep its lists of tools, resources, resource templates and prompts.', examples: [true] }),
  resources: flag.meta({ description: 'Keep the resources that are read.', examples: [true] }),
  tools: z
    .record(z.string().min(1).max(256), duration(1000, day), { error: 'must be a map of tools to durations' })
    .default({})
    .meta({
      description: 'Tools whose results are kept, and how long: only such that change nothing and give the same result to the same arguments.',
      examples: [{ lookup: '30s' }],
    }),
  ttl: duration(1000, day)
    .optional()
    .meta({
      description: 'How long lists and resources are kept whose server gives no `ttlMs`, as those before 2026-07-28. Without it they are not kept.',
      examples: ['1m'],
    }),
  public: flag.meta({
    description: 'Answer all callers with what the server declares `public`. Without it every caller has answers of its own, whatever the server declares.',
    examples: [false],
  }),
});

export const cacheSchema = list(cacheEntry, 1000).meta({ description: 'Answers that are kept and given again. Nothing of a server without an entry is.' });
