import { encodeHeaderValue } from '../protocol/header-value.ts';

/** An argument that a caller repeats in a header (2026-07-28, streamable HTTP, `x-mcp-header`). */
export interface ParamHeader {
  /** Name of the header behind `Mcp-Param-`. */
  readonly header: string;
  /** Names from `arguments` inwards. */
  readonly path: readonly string[];
}

const annotation = 'x-mcp-header';
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}$/;
const types: ReadonlySet<unknown> = new Set(['string', 'integer', 'boolean']);
/** Keywords that hold one schema or a list of them, and those that hold schemas by name: no chain of `properties` leads there. */
const schemas = [
  'items',
  'prefixItems',
  'contains',
  'additionalProperties',
  'unevaluatedProperties',
  'unevaluatedItems',
  'propertyNames',
  'oneOf',
  'anyOf',
  'allOf',
  'not',
  'if',
  'then',
  'else',
];
const namedSchemas = ['patternProperties', 'dependentSchemas', '$defs', 'definitions'];
const depthMax = 64;

/**
 * The headers that a tool's `inputSchema` asks for, or why its annotations are not valid: such a tool must not be offered. Allowed is an
 * annotation only on a string, integer or boolean that is reached through `properties` alone, its name a token that differs from the others by more than case.
 */
export function paramHeadersOf(inputSchema: unknown): readonly ParamHeader[] | { readonly invalid: string } {
  const found: ParamHeader[] = [];
  const seen = new Set<string>();
  const invalid = visit(inputSchema, [], 0);
  return invalid === null ? found : { invalid };

  function visit(schema: unknown, path: readonly string[] | null, depth: number): string | null {
    if (!isObject(schema)) return null;
    if (depth > depthMax) return 'its schema is nested too deeply';
    const header = schema[annotation];
    if (header !== undefined) {
      const where = path?.join('.') ?? '';
      if (path === null || path.length === 0) return 'an annotation stands where no chain of properties leads';
      if (typeof header !== 'string' || !token.test(header)) return `the annotation of ${where} is no header name`;
      if (!types.has(schema['type'])) return `${where} is neither string, integer nor boolean`;
      if (seen.has(header.toLowerCase())) return `two arguments ask for the header ${header}`;
      seen.add(header.toLowerCase());
      found.push({ header, path });
    }
    for (const [name, child] of entriesOf(schema['properties'])) {
      const fault = visit(child, path === null ? null : [...path, name], depth + 1);
      if (fault !== null) return fault;
    }
    const elsewhere = [
      ...schemas.flatMap((keyword) => schema[keyword]),
      ...namedSchemas.flatMap((keyword) => entriesOf(schema[keyword]).map(([, child]) => child)),
    ];
    for (const child of elsewhere) {
      const fault = visit(child, null, depth + 1);
      if (fault !== null) return fault;
    }
    return null;
  }
}

/** `Mcp-Param-*` headers, flat, as a client writes them for these arguments. What is absent, null or no scalar has none. */
export function mirrorParams(headers: readonly ParamHeader[], callArguments: unknown): string[] {
  const flat: string[] = [];
  for (const { header, path } of headers) {
    let value = callArguments;
    for (const name of path) value = isObject(value) ? value[name] : undefined;
    const isScalar = typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && Number.isSafeInteger(value));
    if (isScalar) flat.push(`Mcp-Param-${header}`, encodeHeaderValue(String(value)));
  }
  return flat;
}

function entriesOf(value: unknown): [string, unknown][] {
  return isObject(value) ? Object.entries(value) : [];
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
