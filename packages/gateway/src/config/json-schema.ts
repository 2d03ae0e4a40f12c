import { z } from 'zod';
import { gatewayFileSchema } from './schema.ts';

/** A JSON Schema 2020-12 node, as far as it is read here. */
export interface JsonSchema {
  readonly description?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly oneOf?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
  /** Why the rule stands; for faults only, not published. */
  readonly cause?: string;
}

/** gateway.yaml as JSON Schema, with what faults say about it. */
export function configJsonSchema(): JsonSchema {
  return z.toJSONSchema(gatewayFileSchema, { io: 'input' }) as JsonSchema;
}

/** The same without that. */
export function publishedSchema(): JsonSchema & { readonly $schema?: unknown } {
  return z.toJSONSchema(gatewayFileSchema, {
    io: 'input',
    override: ({ jsonSchema }) => {
      delete jsonSchema['cause'];
    },
  }) as JsonSchema;
}

/** The published schema, `docs/reference/config.schema.json`: for editors, CI and other programs. */
export function renderConfigSchema(): string {
  const { $schema, ...rest } = publishedSchema();
  const head = {
    $schema,
    title: 'gateway.yaml',
    description: 'Configuration of GatewayOps, version 1. `gateway validate` checks more: references between settings, programs, folders.',
  };
  return `${JSON.stringify({ ...head, ...rest }, null, 2)}\n`;
}
