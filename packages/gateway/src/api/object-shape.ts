/** Things of the configuration as the API says them: their schemas are those of gateway.yaml. */
import { z } from '@hono/zod-openapi';
import { objectJsonSchema } from '../config/object-schema.ts';
import type { ObjectView } from '../control/objects/object-view.ts';
import { objectKinds, objectRows, type ObjectKind } from '../kernel/config-object.ts';
import { actorNameSchema } from './actor-names.ts';
import { timeSchema } from './route.ts';

/** What is said of each kind. Whether it can serve is seen with the whole configuration, and said in its words. */
export const specSchemas = Object.fromEntries(objectKinds.map((kind) => [kind, specSchema(kind)])) as Readonly<
  Record<ObjectKind, ReturnType<typeof specSchema>>
>;

function specSchema(kind: ObjectKind) {
  const { schema, setting } = objectRows[kind];
  return z.record(z.string(), z.unknown()).openapi(schema, {
    ...(objectJsonSchema(kind) as object),
    description: `As an entry of \`${setting}\` in gateway.yaml, but for its name. Quantities have units (\`30s\`, \`4MiB\`), secrets are references.`,
  });
}

const origin = {
  source: z.enum(['file', 'environment', 'registry', 'default']).openapi({
    description: '`registry`: it was made by the API and can be changed here; `default`: nobody has said anything.',
  }),
  file: z.string().nullable().openapi({ description: 'The file that says it, where one does: changes are made there.' }),
  line: z.number().int().nullable(),
  served: z.boolean().openapi({ description: 'Whether it holds on the node that answers.' }),
  reason: z.string().nullable().openapi({ description: 'Why it does not.' }),
  version: z.number().int().nullable().openapi({ description: 'Of one of the registry: what a change sends as `If-Match`.' }),
  created_at: timeSchema.nullable(),
  created_by: z.string().nullable(),
  created_by_name: actorNameSchema,
  changed_at: timeSchema.nullable(),
  changed_by: z.string().nullable(),
  changed_by_name: actorNameSchema,
};

const specAbout = 'Null: of servers and export targets only who may change them sees it.';

/** One of each kind. */
export const objectSchemas = Object.fromEntries(objectKinds.map((kind) => [kind, objectSchema(kind)])) as Readonly<
  Record<ObjectKind, ReturnType<typeof objectSchema>>
>;

function objectSchema(kind: ObjectKind) {
  const { name, schema } = objectRows[kind];
  return z
    .object({
      name: z.string().openapi({ description: name.about, example: name.example }),
      spec: specSchemas[kind].nullable().openapi({ description: specAbout }),
      ...origin,
    })
    .openapi(`Managed${schema.replace(/Spec$/, '')}`);
}

/** One of any kind. */
export const anyObjectSchema = z
  .object({
    kind: z.enum(objectKinds),
    name: z.string(),
    spec: z.record(z.string(), z.unknown()).nullable().openapi({ description: specAbout }),
    ...origin,
  })
  .openapi('ConfigObject');

type ObjectBody = Omit<z.infer<typeof anyObjectSchema>, 'kind' | 'created_by_name' | 'changed_by_name'>;

export function objectBody({ name, spec, source, file, line, isServed, reason, record }: ObjectView): ObjectBody {
  return {
    name,
    spec: spec && { ...spec },
    source,
    file,
    line,
    served: isServed,
    reason,
    version: record?.version ?? null,
    created_at: timeOf(record?.createdAtMs),
    created_by: record?.createdBy ?? null,
    changed_at: timeOf(record?.changedAtMs),
    changed_by: record?.changedBy ?? null,
  };
}

function timeOf(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}
