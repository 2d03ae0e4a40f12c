/** `aggregate` and `virtual_servers` of gateway.yaml: addresses behind which stand many servers. */
import { z } from 'zod';
import { routeAuth } from './schema-route-auth.ts';
import { duration, list, section, serverName, strict, text, whole } from './schema-parts.ts';

const minute = 60_000;

const prefix = z.enum(['always', 'on-collision', 'never'], { error: 'must be always, on-collision or never' });
const prefixWords =
  'When a name carries its server, as in `search__query`: `always`; `on-collision`, only where two servers have the name; `never`, then of such a collision the first server in this file is served.';
const toolExposure = z.enum(['all', 'search'], { error: 'must be all or search' });
const exposureWords =
  '`all`: the list holds every tool; `search`: it holds three, `search_tools`, `describe_tool` and `call_tool`, by which a model finds and calls the others.';
const nameLimit = whole(24, 128);

const aggregate = strict({
  enabled: z
    .boolean({ error: 'must be true or false' })
    .default(true)
    .meta({ description: 'Whether /mcp is served.', examples: [true] }),
  auth: routeAuth
    .default({ type: 'apiKey' })
    .meta({ description: 'Who may call. Callers see the servers that they may reach.', examples: [{ type: 'apiKey' }] }),
  prefix: prefix.default('always').meta({ description: prefixWords, examples: ['always'] }),
  name_limit: nameLimit.default(64).meta({ description: 'Most characters of a name; a longer one is cut and ends in a hash.', examples: [64] }),
  client_limits: z
    .record(text(/^[^\p{Cc}]{1,100}$/u, 'must be the name by which a client calls itself'), nameLimit, { error: 'must be a map of client names to numbers' })
    .default({})
    .meta({ description: 'Other limits for clients that put something before names, by the name in their `clientInfo`.', examples: [{ 'claude-code': 50 }] }),
  page_size: whole(1, 5000)
    .default(1000)
    .meta({ description: 'Most entries of one page of a list.', examples: [1000] }),
  tool_exposure: toolExposure.default('all').meta({ description: exposureWords, examples: ['all'] }),
  deadline: duration(100, minute)
    .default('5s')
    .meta({ description: 'How long a list waits for a server before it goes out without it, or with what the server listed last.', examples: ['5s'] }),
});

const patternError = 'must be a name, in which * stands for any text';
const pattern = z.string({ error: patternError }).min(1, { error: patternError }).max(512, { error: patternError });
const onServer = serverName.optional().meta({ description: 'Only of this server. Without it: of every server of this entry.', examples: ['search'] });

function selection<Item extends z.ZodType>(map: Item) {
  return z
    .array(z.union([pattern, map], { error: `${patternError}, or a map of settings` }), { error: 'must be a list' })
    .max(1000, { error: 'must have at most 1000 entries' })
    .optional();
}

function named(what: string) {
  return strict({
    server: onServer,
    name: pattern.meta({ description: `Name of the ${what} as its server has it; \`*\` stands for any text.`, examples: ['query'] }),
    rename: text(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 letters, digits, "-" or "_"')
      .optional()
      .meta({ description: 'The name under which callers see it, as it stands here.', examples: ['find'] }),
    description: z
      .string({ error: 'must be text' })
      .max(4096)
      .optional()
      .meta({ description: 'Shown instead of the description that the server gives.', examples: ['Finds documents of this team.'] }),
  });
}

const virtualServer = strict({
  name: serverName.meta({ description: 'Name of the virtual server: it is served at /mcp/v/{name}.', examples: ['research'] }),
  servers: z
    .array(text(/^[a-z0-9_*-]{1,63}$/, 'must be the name of a server, in which * stands for any text'), { error: 'must be a list of server names' })
    .min(1, { error: 'must name a server' })
    .max(1000, { error: 'must have at most 1000 entries' })
    .meta({ description: 'The servers behind it; `*` stands for any text.', examples: [['search', 'team-*']] }),
  tools: selection(named('tool')).meta({
    description: 'The tools of these servers that are there. Without it: all; an empty list: none.',
    examples: [['read_*']],
  }),
  resources: selection(
    strict({
      server: onServer,
      uri: pattern.meta({ description: 'URI of the resource as its server has it; `*` stands for any text.', examples: ['file:///docs/*'] }),
    }),
  ).meta({ description: 'The resources that are there, in the same way.', examples: [['file:///docs/*']] }),
  prompts: selection(named('prompt')).meta({ description: 'The prompts that are there, in the same way.', examples: [[]] }),
  prefix: prefix.optional().meta({ description: `${prefixWords} Default: that of \`aggregate\`.`, examples: ['on-collision'] }),
  tool_exposure: toolExposure.optional().meta({ description: `${exposureWords} Default: that of \`aggregate\`.`, examples: ['search'] }),
  auth: routeAuth.default({ type: 'apiKey' }).meta({ description: 'Who may call. Callers see what of it they may reach.', examples: [{ type: 'apiKey' }] }),
});

export const aggregateSchema = section(aggregate).meta({ description: 'All servers at one address, /mcp. Virtual servers take their limits from it.' });
export const virtualServersSchema = list(virtualServer, 1000).meta({
  description: 'Selections of servers, tools, resources and prompts, each at an address of its own.',
});

export type AggregateEntry = z.output<typeof aggregate>;
export type VirtualServerEntry = z.output<typeof virtualServer>;
