import { encodeHeaderValue } from '../protocol/header-value.ts';
import { objectOf } from './client-message.ts';

/**
 * Which arguments of which tool are mirrored into `Mcp-Param-*` headers (SEP-2243, `x-mcp-header`): learned from the `tools/list` results that
 * pass by, for a client on a duplex link knows of no headers.
 */
export interface MirroredParameters {
  /** `result` of `tools/list`. A tool without annotations, or with one that is not allowed, is mirrored nothing. */
  learn(result: unknown): void;
  /** Name and value in turn; empty where the tool is unknown or has none. */
  headersOf(tool: string, callArguments: unknown): readonly string[];
}

interface Parameter {
  readonly path: readonly string[];
  readonly header: string;
}

const toolsMax = 5_000;
const depthMax = 16;
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/;
const mirroredTypes = new Set(['string', 'integer', 'boolean']);
const none: readonly string[] = [];

export function createMirroredParameters(): MirroredParameters {
  const byTool = new Map<string, readonly Parameter[]>();
  return {
    learn(result) {
      const tools = objectOf(result)?.['tools'];
      if (!Array.isArray(tools)) return;
      for (const entry of tools) {
        const tool = objectOf(entry);
        const name = tool?.['name'];
        if (typeof name !== 'string') continue;
        const parameters: Parameter[] = [];
        collect(tool?.['inputSchema'], [], parameters);
        if (parameters.length === 0) byTool.delete(name);
        else if (byTool.has(name) || byTool.size < toolsMax) byTool.set(name, parameters);
      }
    },
    headersOf(tool, callArguments) {
      const parameters = byTool.get(tool);
      if (parameters === undefined) return none;
      const headers: string[] = [];
      for (const { path, header } of parameters) {
        const text = textOf(path.reduce<unknown>((value, key) => objectOf(value)?.[key], callArguments));
        if (text !== null) headers.push(`Mcp-Param-${header}`, encodeHeaderValue(text));
      }
      return headers;
    },
  };
}

/** Only properties that are reached through `properties` can be annotated. */
function collect(schema: unknown, path: readonly string[], into: Parameter[]): void {
  const properties = objectOf(objectOf(schema)?.['properties']);
  if (properties === null || path.length === depthMax) return;
  for (const [key, value] of Object.entries(properties)) {
    const property = objectOf(value);
    const header = property?.['x-mcp-header'];
    const type = property?.['type'];
    if (typeof header === 'string' && typeof type === 'string' && token.test(header) && mirroredTypes.has(type)) into.push({ path: [...path, key], header });
    collect(property, [...path, key], into);
  }
}

function textOf(value: unknown): string | null {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return String(value);
  return typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : null;
}
