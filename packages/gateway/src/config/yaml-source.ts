/**
 * The text of gateway.yaml as values that still know their place. YAML 1.2, core schema, no custom tags, no merge keys,
 * one document (https://yaml.org/spec/1.2.2/). Any text gives a result or faults, in bounded time and memory.
 */
import { isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, visit, type Document, type Node, type Pair, type YAMLMap } from 'yaml';
import type { ConfigFault, Path } from './config-fault.ts';

export interface YamlSource {
  /** Plain data; undefined where `faults` says why. */
  readonly value: unknown;
  readonly faults: readonly ConfigFault[];
  /** The place of a value, or of the nearest thing around it that is written in the file. `key`: of its key instead. */
  place(path: Path, part?: 'key' | 'value'): { line: number; column: number };
  /** A scalar as written (`0.00001`, not the nearest float); null where the path leads to no plain or quoted scalar. */
  textAt(path: Path): string | null;
}

const aliasesMax = 100;

export function parseYamlSource(text: string): YamlSource {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    version: '1.2',
    schema: 'core',
    merge: false,
    resolveKnownTags: false,
    stringKeys: true,
    // Compares every key with every other one; `duplicateKeys` does it in one pass.
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'error',
    lineCounter: lines,
  });
  const pairs = pairIndex();
  const at = (offset: number): { line: number; column: number } => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const faults: ConfigFault[] = [...document.errors, ...document.warnings].map((error) => ({
    ...at(error.pos[0]),
    path: 'the file',
    ...explain(error.code, error.message),
  }));
  if (faults.length === 0) faults.push(...duplicateKeys(document, at));
  let value: unknown;
  if (faults.length === 0) {
    try {
      value = document.toJS({ maxAliasCount: aliasesMax }) ?? {};
    } catch (error) {
      faults.push({ line: 1, column: 1, path: 'the file', ...explain('BAD_ALIAS', error instanceof Error ? error.message : 'An alias cannot be resolved') });
    }
  }
  return {
    value,
    faults,
    place(path, part = 'value') {
      const found = find(document, path, pairs);
      const node = part === 'key' && found.key !== null ? found.key : (found.value ?? found.key);
      return at(node?.range?.[0] ?? 0);
    },
    textAt(path) {
      const { value, exact } = find(document, path, pairs);
      if (!exact || !isScalar(value)) return null;
      return value.source ?? String(value.value);
    },
  };
}

interface Found {
  readonly key: Node | null;
  readonly value: Node | null;
  readonly exact: boolean;
}

function find(document: Document, path: Path, pairs: PairIndex): Found {
  let found: Found = { key: null, value: document.contents, exact: true };
  for (const step of path) {
    const container = isAlias(found.value) ? (found.value.resolve(document) ?? null) : found.value;
    const pair = isMap(container) ? pairs(container).get(String(step)) : undefined;
    const item = isSeq(container) ? container.items[Number(step)] : undefined;
    if (pair !== undefined) found = { key: pair.key, value: pair.value, exact: true };
    else if (isNode(item)) found = { key: null, value: item, exact: true };
    else return { ...found, exact: false };
  }
  return found;
}

type PairIndex = (map: YAMLMap) => ReadonlyMap<string, Pair<Node, Node | null>>;

/** The pairs of each map by key, made once: many faults in one large map would each search through it. */
function pairIndex(): PairIndex {
  const known = new WeakMap<YAMLMap, ReadonlyMap<string, Pair<Node, Node | null>>>();
  return (map) => {
    let index = known.get(map);
    if (index === undefined) {
      index = new Map(map.items.flatMap((pair) => (isScalar(pair.key) ? [[String(pair.key.value), pair as Pair<Node, Node | null>]] : [])));
      known.set(map, index);
    }
    return index;
  };
}

function duplicateKeys(document: Document, at: (offset: number) => { line: number; column: number }): ConfigFault[] {
  const faults: ConfigFault[] = [];
  visit(document, {
    Map(_, map) {
      const seen = new Map<string, number>();
      for (const { key } of map.items) {
        if (!isScalar(key)) continue;
        const name = String(key.value);
        const offset = key.range?.[0] ?? 0;
        const first = seen.get(name);
        if (first === undefined) seen.set(name, offset);
        else {
          const cause = `It stands at line ${at(first).line} already, and only one of the two could count.`;
          faults.push({ ...at(offset), path: name, message: `"${clip(name)}" is written twice`, cause, fix: 'Keep one of them.' });
        }
      }
    },
  });
  return faults;
}

function explain(code: string, message: string): Pick<ConfigFault, 'message' | 'cause' | 'fix'> {
  switch (code) {
    case 'TAB_AS_INDENT':
      return { message: 'a tab is used for indentation', cause: 'YAML allows only spaces there.', fix: 'Replace the tab by spaces.' };
    case 'MULTIPLE_DOCS':
      return { message: 'the file holds more than one YAML document', cause: 'A line `---` starts another document.', fix: 'Keep one document.' };
    case 'TAG_RESOLVE_FAILED':
      return { message: 'tags are not allowed', cause: `${sentence(message)} Plain values are enough here.`, fix: 'Remove the word that begins with "!".' };
    case 'NON_STRING_KEY':
      return { message: 'a key must be a word', cause: 'A list or a map stands in the place of a key.', fix: 'Quote the key, or write `name: value`.' };
    case 'RESOURCE_EXHAUSTION':
      return { message: 'the file is nested too deeply', cause: 'No configuration needs hundreds of levels.', fix: 'Remove what was pasted by mistake.' };
    case 'BAD_ALIAS':
      return {
        message: 'an alias cannot be used as written',
        cause: sentence(message),
        fix: `Write the value itself, or use at most ${aliasesMax} aliases of anchors that stand before them.`,
      };
    default:
      return { message: 'this is not valid YAML', cause: sentence(message), fix: 'Correct the line; a value with ": " or "#" in it needs quotes.' };
  }
}

function sentence(text: string): string {
  const line = text.split('\n', 1)[0] ?? '';
  return `${clip(line.slice(0, 1).toUpperCase() + line.slice(1))}.`;
}

function clip(text: string): string {
  return text.length > 120 ? `${text.slice(0, 119)}…` : text;
}
