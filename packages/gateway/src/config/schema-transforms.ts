/** `transforms` of gateway.yaml: what is changed in calls on their way to a server, and in what its tools answer. */
import { z } from 'zod';
import { parsePath } from '../kernel/json-path.ts';
import { list, serverName, strict, text } from './schema-parts.ts';

const pathError = 'must be member names joined by dots, such as filter.region (`*` for every item of a list), or a JSON Pointer';
const path = z
  .string({ error: pathError })
  .min(1, { error: pathError })
  .max(512, { error: pathError })
  .refine((one) => isPath(one) && !hasControl(one), { error: pathError });

function isPath(one: string): boolean {
  const steps = parsePath(one);
  return steps !== null && steps.length <= 16;
}

/** Names of rules are lines of a trace. */
function hasControl(one: string): boolean {
  return /\p{Cc}/u.test(one);
}

/** YAML knows numbers that JSON does not. */
function isJson(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(isJson);
  if (typeof value === 'object' && value !== null) return Object.values(value).every(isJson);
  return typeof value === 'number' ? Number.isFinite(value) : value !== undefined;
}

const argumentPath = path.meta({ description: 'Place in the arguments.', examples: ['filter.region'] });
const resultPath = path.meta({ description: 'Place in the result.', examples: ['content.*.text'] });
const memberName = z
  .string({ error: 'must be the name of a member' })
  .min(1, { error: 'must be the name of a member' })
  .max(256, { error: 'must be the name of a member' })
  .refine((one) => !hasControl(one), { error: 'must be the name of a member' })
  .meta({ description: 'Its new name, in the same object. Where that name is taken, what stands there stays.', examples: ['query'] });
const jsonValue = z.unknown().refine((value) => isJson(value), { error: 'must be a value of JSON' });
const pattern = z.string({ error: 'must be a pattern in the syntax of RE2' }).min(1).max(500, { error: 'must be a pattern of at most 500 characters' });
const scalar = z.union([z.string().max(1000), z.number(), z.boolean()], { error: 'must be text, a number, true or false' });

/** One rule is a map with one key, which says what it does. */
function oneOf<Shape extends z.ZodRawShape>(shape: Shape) {
  const error = `must be a map with one of: ${Object.keys(shape).join(', ')}`;
  return strict(shape).refine((rule) => Object.keys(rule).length === 1, { error });
}

const requestRule = oneOf({
  rename: strict({ from: argumentPath, to: memberName })
    .optional()
    .meta({ description: 'Gives an argument another name.', examples: [{ from: 'q', to: 'query' }] }),
  default: strict({ path: argumentPath, value: jsonValue.meta({ description: 'Any value of JSON.', examples: [10] }) })
    .optional()
    .meta({ description: 'Adds an argument that the caller leaves out.', examples: [{ path: 'limit', value: 10 }] }),
  set: strict({ path: argumentPath, value: jsonValue.meta({ description: 'Any value of JSON.', examples: ['acme'] }) })
    .optional()
    .meta({ description: 'Sets an argument, whatever the caller sends.', examples: [{ path: 'tenant', value: 'acme' }] }),
  remove: strict({ path: argumentPath })
    .optional()
    .meta({ description: 'Takes an argument out.', examples: [{ path: 'debug' }] }),
  restrict: strict({
    path: argumentPath,
    enum: z
      .array(scalar, { error: 'must be a list of values' })
      .min(1)
      .max(1000)
      .optional()
      .meta({ description: 'The values that are allowed.', examples: [['eu', 'us']] }),
    pattern: pattern.optional().meta({ description: 'A pattern (RE2) that the whole text must fit.', examples: ['[a-z]{2}-[a-z]+-[0-9]'] }),
    min: z
      .number({ error: 'must be a number' })
      .optional()
      .meta({ description: 'Least number.', examples: [1] }),
    max: z
      .number({ error: 'must be a number' })
      .optional()
      .meta({ description: 'Greatest number.', examples: [100] }),
  })
    .optional()
    .meta({
      description: 'Refuses a call whose argument has another value. One that is absent or null passes.',
      examples: [{ path: 'region', enum: ['eu', 'us'] }],
    }),
});

const responseRule = oneOf({
  rename: strict({ from: resultPath, to: memberName })
    .optional()
    .meta({ description: 'Gives a member of the result another name.', examples: [{ from: 'structuredContent.hits', to: 'results' }] }),
  remove: strict({ path: resultPath })
    .optional()
    .meta({ description: 'Takes a member out of the result.', examples: [{ path: 'structuredContent.debug' }] }),
  redact: strict({
    path: resultPath,
    pattern: pattern.optional().meta({
      description: 'A pattern (RE2): each text at the path, at any depth below it, loses what fits. Without it the whole value is replaced.',
      examples: ['[0-9]{16}'],
    }),
    with: z
      .string({ error: 'must be text' })
      .max(200)
      .default('[redacted]')
      .meta({ description: 'What stands there instead.', examples: ['***'] }),
  })
    .optional()
    .meta({ description: 'Replaces what callers shall not see.', examples: [{ path: 'content', pattern: '[0-9]{16}' }] }),
});

const headerName = text(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/, 'must be the name of a header');

const transform = strict({
  server: serverName.meta({ description: 'Name of the server.', examples: ['search'] }),
  tool: text(/^[^\s]{1,256}$/u, 'must be the name of a tool, in which * stands for any text')
    .optional()
    .meta({ description: 'Name of the tool; `*` stands for any text. Without it: every tool, and for headers every message.', examples: ['query*'] }),
  request: list(requestRule, 32).meta({ description: 'Rules for the arguments of a call, applied one after the other.' }),
  mirrors: z
    .record(path, text(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/, 'must be what stands behind Mcp-Param- in the header'), {
      error: 'must be a map of paths to names',
    })
    .default({})
    .meta({
      description:
        'Arguments that the tool wants mirrored in a header `Mcp-Param-{name}` (`x-mcp-header` in its schema), so that rules which add them also send it.',
      examples: [{ region: 'Region' }],
    }),
  headers: list(
    strict({
      from: headerName.meta({ description: "The caller's header.", examples: ['X-Tenant'] }),
      to: headerName.meta({ description: 'The header in which the server gets its value.', examples: ['X-Tenant'] }),
    }),
    16,
  ).meta({ description: 'Headers of callers that are passed on. Without an entry none is, beside those of MCP and tracing.' }),
  response: list(responseRule, 32).meta({ description: "Rules for the tool's result. A result that has rules is held back until it is whole." }),
});

export const transformsSchema = list(transform, 1000).meta({
  description: 'Changes of calls on their way. Every entry that holds for a tool is applied, in the order of the file.',
});

export type TransformEntry = z.output<typeof transform>;
