/** `docs/reference/configuration.md` from the schema of gateway.yaml: a table for each top-level setting. */
import { configJsonSchema, type JsonSchema } from '../packages/gateway/src/config/json-schema.ts';

interface Setting {
  readonly path: string;
  readonly schema: JsonSchema;
  /** `of its kind`: where one of several shapes is chosen, this shape needs it. */
  readonly required: 'always' | 'of its kind' | 'never';
}

export function renderConfiguration(): string {
  const lines = [
    '# Configuration',
    '',
    '<!-- Written by tools/generate-docs.ts from packages/gateway/src/config/schema.ts. Change it there. -->',
    '',
    'Every setting of `gateway.yaml`, version 1. A key that is not named here is a fault; `gateway validate` shows every fault with its',
    'place, cause and fix. Durations carry their unit (`250ms`, `30s`, `5m`), and so do sizes (`512KiB`, `4MiB`).',
    'The same as JSON Schema, for editors and other programs: [config.schema.json](config.schema.json).',
  ];
  for (const [name, schema] of Object.entries(configJsonSchema().properties ?? {})) {
    lines.push('', `## ${name}`, '', schema.description ?? '');
    const settings = mergeAlternatives(settingsOf(name, schema));
    if (settings.length === 0) {
      lines.push('', ...facts({ path: name, schema, required: 'never' }));
      continue;
    }
    lines.push('', '| setting | default | what |', '| --- | --- | --- |', ...settings.map(tableRow));
  }
  return `${lines.join('\n')}\n`;
}

/** The leaves below a setting, in the order of the schema; alternatives one after the other. */
function settingsOf(path: string, schema: JsonSchema): Setting[] {
  const found: Setting[] = [];
  const alternatives = schema.oneOf ?? schema.anyOf ?? [schema];
  for (const alternative of alternatives) {
    if (alternative.items) found.push(...settingsOf(`${path}[]`, alternative.items));
    if (typeof alternative.additionalProperties === 'object') found.push(...settingsOf(`${path}.*`, alternative.additionalProperties));
    for (const [name, child] of Object.entries(alternative.properties ?? {})) {
      const needs = (one: JsonSchema): boolean => one.required?.includes(name) === true;
      const required = alternatives.every(needs) ? 'always' : needs(alternative) ? 'of its kind' : 'never';
      const setting: Setting = { path: `${path}.${name}`, schema: withConst(child), required };
      const below = settingsOf(setting.path, child);
      // A setting without words of its own only holds others.
      if (child.description !== undefined || below.length === 0) found.push(setting);
      found.push(...below);
    }
  }
  return found;
}

/** A setting that can have one value only says which, before it says what that means. */
function withConst(schema: JsonSchema): JsonSchema {
  if (typeof schema.const !== 'string') return schema;
  const { examples: _, ...rest } = schema;
  return { ...rest, description: `${code(schema.const)}: ${schema.description ?? ''}` };
}

/** Alternatives, such as the two kinds of server, share settings: each path stands once, with all that is said of it. */
function mergeAlternatives(settings: readonly Setting[]): Setting[] {
  const merged = new Map<string, Setting>();
  for (const setting of settings) {
    const known = merged.get(setting.path);
    const texts = new Set([known?.schema.description, setting.schema.description].filter((text) => text !== undefined));
    const description = [...texts].join(' Or: ');
    merged.set(setting.path, { ...setting, ...known, schema: { ...setting.schema, ...known?.schema, description } });
  }
  return [...merged.values()];
}

function tableRow(setting: Setting): string {
  const { path, schema, required } = setting;
  const byDefault =
    required === 'always' ? 'required' : required === 'of its kind' ? 'required of its kind' : schema.default === undefined ? '' : code(schema.default);
  const example = schema.examples?.[0];
  const what = [schema.description ?? '', example === undefined || equal(example, schema.default) ? '' : `For example ${code(example)}.`];
  return `| \`${path}\` | ${byDefault} | ${what
    .filter((text) => text !== '')
    .join(' ')
    .replaceAll('|', '\\|')} |`;
}

function facts({ schema }: Setting): string[] {
  const byDefault = schema.default === undefined ? [] : [`Default: ${code(schema.default)}.`];
  const example = schema.examples?.[0];
  return [[...byDefault, ...(example === undefined || equal(example, schema.default) ? [] : [`For example ${code(example)}.`])].join(' ')];
}

function code(value: unknown): string {
  return `\`${typeof value === 'string' ? value : JSON.stringify(value).replaceAll('|', '\\|')}\``;
}

function equal(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
