import MiniSearch from 'minisearch';
import { stemmer } from 'stemmer';
import { Fault } from '../kernel/fault.ts';
import { findValues, splice } from '../kernel/splice-json.ts';
import type { EndpointRequest, OwnAnswer } from './endpoint.ts';
import { findNamed, itemText } from './endpoint-lookup.ts';
import type { Item, NameTable } from './endpoint-table.ts';
import type { EndpointView } from './endpoint-view.ts';
import { mirrorParams } from './param-headers.ts';

/** A call of a tool that was found by search, to be routed like one of the tool itself. */
export interface FoundCall {
  readonly item: Item;
  readonly params: string;
  readonly mirrored: readonly string[];
}

/** The three tools of `tool_exposure: search`, by which a model finds and calls all others. */
export interface ToolSearch {
  /** Their definitions, JSON texts. */
  readonly tools: readonly string[];
  /** A call of one of the three; null for a call of any other tool. Faults: `unknown_tool`, `invalid_params`. */
  call(view: EndpointView, request: EndpointRequest): Promise<FoundCall | OwnAnswer> | null;
}

const resultsMax = 50;
const resultsDefault = 10;
const queryCharsMax = 1_000;
const descriptionCharsMax = 500;
/** Documents that are indexed in one go, between which other calls have their turn. */
const indexChunk = 200;

const definitions = [
  {
    name: 'search_tools',
    title: 'Search tools',
    description:
      'Finds tools by what they do. This server has more tools than it lists: search with a few words of the task or with a name, read the schema of a result with describe_tool, and call it with call_tool.',
    inputSchema: {
      type: 'object',
      properties: {
        query: { type: 'string', description: 'Words of what the tool shall do, or a part of its name.' },
        limit: { type: 'integer', minimum: 1, maximum: resultsMax, default: resultsDefault, description: 'Most results.' },
      },
      required: ['query'],
    },
    outputSchema: {
      type: 'object',
      properties: {
        tools: {
          type: 'array',
          items: { type: 'object', properties: { name: { type: 'string' }, description: { type: 'string' } }, required: ['name', 'description'] },
        },
        unavailable: { type: 'array', items: { type: 'string' }, description: 'Servers whose tools are not known at the moment.' },
      },
      required: ['tools'],
    },
    annotations: { readOnlyHint: true, openWorldHint: false },
  },
  {
    name: 'describe_tool',
    title: 'Describe a tool',
    description: 'The whole definition of a tool that search_tools found: what it does and the schema of its arguments.',
    inputSchema: { type: 'object', properties: { name: { type: 'string', description: 'Name of the tool, as search_tools gives it.' } }, required: ['name'] },
    annotations: { readOnlyHint: true, openWorldHint: false },
  },
  {
    name: 'call_tool',
    title: 'Call a tool',
    description: 'Calls a tool that search_tools found, with arguments that fit the schema which describe_tool gives.',
    inputSchema: {
      type: 'object',
      properties: {
        name: { type: 'string', description: 'Name of the tool, as search_tools gives it.' },
        arguments: { type: 'object', description: 'Arguments of the tool.' },
      },
      required: ['name'],
    },
  },
];

export function createToolSearch(): ToolSearch {
  const indexes = new WeakMap<NameTable, Promise<MiniSearch<Document>>>();

  async function search(view: EndpointView, given: Arguments): Promise<OwnAnswer> {
    const { query, limit = resultsDefault } = given;
    if (typeof query !== 'string' || query.trim() === '' || query.length > queryCharsMax)
      return refusal(`\`query\` must be text of 1 to ${queryCharsMax} characters.`);
    if (typeof limit !== 'number' || !Number.isInteger(limit) || limit < 1 || limit > resultsMax)
      return refusal(`\`limit\` must be a whole number from 1 to ${resultsMax}.`);
    const listed = await view.load('tools');
    const table = view.names('tools');
    let index = indexes.get(table);
    if (index === undefined) indexes.set(table, (index = indexOf(table)));
    const found = ranked(table, await index, query, limit);
    const away = listed.flatMap(({ trouble }, at) => (trouble === null ? [] : [view.servers[at]?.data.name ?? '']));
    const tools = found.map((item) => ({ name: item.exposed, description: descriptionOf(item).slice(0, descriptionCharsMax) }));
    return resultOf({ tools, ...(away.length > 0 && { unavailable: away }) });
  }

  async function describe(view: EndpointView, { name }: Arguments): Promise<OwnAnswer> {
    const item = await itemOf(view, name);
    if (item === null) return refusal('`name` must be the name of a tool that search_tools gives.');
    const text = itemText(view, item);
    return {
      kind: 'answer',
      result: `{"resultType":"complete","content":[{"type":"text","text":${JSON.stringify(text)}}],"structuredContent":{"tool":${text}}}`,
    };
  }

  /** The arguments go on as they were written. */
  async function call(view: EndpointView, given: Arguments, params: Buffer): Promise<FoundCall | OwnAnswer> {
    const item = await itemOf(view, given.name);
    if (item === null) return refusal('`name` must be the name of a tool that search_tools gives.');
    const inner = given.arguments ?? {};
    if (typeof inner !== 'object' || Array.isArray(inner)) return refusal('`arguments` must be an object.');
    const [raw] = findValues(params, [['arguments', 'arguments']]).slice(-1);
    const text = raw === undefined || given.arguments === null ? '{}' : params.subarray(raw.start, raw.end);
    const edits = findValues(params, [['name'], ['arguments']]).map(({ path, start, end }) => ({
      start,
      end,
      text: path === 0 ? JSON.stringify(item.entry.key) : text,
    }));
    return { item, params: splice(params, edits).toString(), mirrored: mirrorParams(item.entry.paramHeaders, inner) };
  }

  return {
    tools: definitions.map((definition) => JSON.stringify(definition)),
    call(view, request) {
      const { name, arguments: given = {} } = JSON.parse(request.params) as { name?: unknown; arguments?: unknown };
      if (!definitions.some((definition) => definition.name === name)) return null;
      if (typeof given !== 'object' || given === null) throw new Fault('invalid_params', { reason: '`arguments` must be an object' });
      if (name === 'search_tools') return search(view, given);
      return name === 'describe_tool' ? describe(view, given) : call(view, given, Buffer.from(request.params));
    },
  };
}

interface Arguments {
  readonly query?: unknown;
  readonly limit?: unknown;
  readonly name?: unknown;
  readonly arguments?: unknown;
}

/** Null where the name is none. Faults: `unknown_tool`, the same for one that is hidden from the caller. */
async function itemOf(view: EndpointView, name: unknown): Promise<Item | null> {
  if (typeof name !== 'string') return null;
  const item = await findNamed(view, 'tools', name);
  if (item === null) throw new Fault('unknown_tool', { name: name.slice(0, 256) });
  return item;
}

interface Document {
  readonly id: number;
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly parameters: string;
}

/** BM25 over names, titles, descriptions and names of arguments; English words by their stems. */
async function indexOf({ items }: NameTable): Promise<MiniSearch<Document>> {
  const index = new MiniSearch<Document>({
    fields: ['name', 'title', 'description', 'parameters'],
    processTerm: (term) => stemmer(term.toLowerCase()),
    searchOptions: { boost: { name: 3, title: 2, parameters: 0.5 }, prefix: (term) => term.length > 2 },
  });
  await index.addAllAsync(items.map(documentOf), { chunkSize: indexChunk });
  return index;
}

function documentOf(item: Item, id: number): Document {
  const { title, inputSchema } = JSON.parse(item.entry.json) as { title?: unknown; inputSchema?: { properties?: unknown } };
  const properties = inputSchema?.properties;
  return {
    id,
    name: words(`${item.exposed} ${item.entry.key}`),
    title: typeof title === 'string' ? title : '',
    description: descriptionOf(item),
    parameters: words(typeof properties === 'object' && properties !== null ? Object.keys(properties).join(' ') : ''),
  };
}

function descriptionOf({ description, entry }: Item): string {
  if (description !== null) return description;
  const own = (JSON.parse(entry.json) as { description?: unknown }).description;
  return typeof own === 'string' ? own : '';
}

/** `readFile` is two words. */
function words(name: string): string {
  return name.replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2');
}

/** A tool whose whole name stands in the query comes first. */
function ranked({ items }: NameTable, index: MiniSearch<Document>, query: string, limit: number): Item[] {
  const given = new Set(query.toLowerCase().split(/[\s,;"'`()]+/));
  const exact = items.filter(({ exposed, entry }) => given.has(exposed.toLowerCase()) || given.has(entry.key.toLowerCase()));
  const found = index.search(words(query)).flatMap(({ id }) => items[id as number] ?? []);
  return [...new Set([...exact, ...found])].slice(0, limit);
}

function resultOf(structured: object): OwnAnswer {
  const text = JSON.stringify(structured);
  return { kind: 'answer', result: `{"resultType":"complete","content":[{"type":"text","text":${JSON.stringify(text)}}],"structuredContent":${text}}` };
}

/** What a model has done wrong it can read and mend. */
function refusal(text: string): OwnAnswer {
  return { kind: 'answer', result: JSON.stringify({ resultType: 'complete', content: [{ type: 'text', text }], isError: true }) };
}
