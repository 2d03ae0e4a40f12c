import { objectRows, type ObjectKind } from '../kernel/config-object.ts';
import { publishedSchema, type JsonSchema } from './json-schema.ts';

/** What is said of a thing of the configuration, as JSON Schema: its entry in gateway.yaml but for what names it. */
export function objectJsonSchema(kind: ObjectKind): JsonSchema {
  if (kind === 'masking_rule') return ruleSchema(entrySchema('record.masking.patterns'));
  if (kind === 'retention') return { ...object, properties: { keep: entrySchema('retention.traces') }, required: ['keep'] };
  const { setting, named } = objectRows[kind];
  return withoutNames(entrySchema(setting), named);
}

const object = { type: 'object', additionalProperties: false } as const;

/** Of a field, a path or what is detected the name says all. */
function ruleSchema(pattern: JsonSchema): JsonSchema {
  const { required: _, ...rest } = withoutNames(pattern, ['name']);
  return rest;
}

const whole = publishedSchema();

function entrySchema(setting: string): JsonSchema {
  let schema: JsonSchema = whole;
  for (const step of setting.split('.')) schema = schema.properties?.[step] ?? {};
  return schema.items ?? schema;
}

function withoutNames(schema: JsonSchema, named: readonly string[]): JsonSchema {
  if (schema.oneOf !== undefined) return { ...schema, oneOf: schema.oneOf.map((one) => withoutNames(one, named)) };
  const { properties, required, ...rest } = schema;
  return {
    ...rest,
    ...(properties === undefined ? {} : { properties: Object.fromEntries(Object.entries(properties).filter(([member]) => !named.includes(member))) }),
    ...(required === undefined ? {} : { required: required.filter((member) => !named.includes(member)) }),
  };
}
