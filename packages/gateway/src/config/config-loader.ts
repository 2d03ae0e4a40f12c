import { objectKey, type ConfigObject } from '../kernel/config-object.ts';
import type { Config } from './config.ts';
import { loadConfig, readConfigText, type LoadOptions } from './load.ts';
import { objectsIn, placeOf, policiesIn, pricesIn, type ObjectPlace, type PlacedObject } from './object-places.ts';
import { readDesired, type Desired } from './read-desired.ts';
import { withObjects } from './with-objects.ts';
import { parseYamlSource } from './yaml-source.ts';

/** One of the file, with its line; null: the environment says it. */
export interface FixedObject extends ConfigObject {
  readonly line: number | null;
}

/** Where a gateway's configuration comes from. */
export interface ConfigLoader {
  /** What is on disk now. Faults: `config_unreadable`. */
  read(): string;
  /** What such a text says, with what was made beside it. Faults: `config_invalid`. */
  load(text: string, objects: readonly ConfigObject[]): Config;
  /** What such a text has, and servers of the environment alone. */
  fixed(text: string): readonly FixedObject[];
  /** The lines of the prices that such a text says: `default`, `SERVER` or `SERVER/TOOL`. */
  priceLines(text: string): ReadonlyMap<string, number>;
  /** The lines of the policies that such a text says, by name. */
  policyLines(text: string): ReadonlyMap<string, number>;
  /** Where these would stand in such a text; none of those whose names it has itself. */
  places(text: string, objects: readonly ConfigObject[]): readonly ObjectPlace[];
  /** What another document says that a gateway of such a text is to consist of. Faults: `config_invalid`. */
  desired(document: string, text: string): Desired;
}

export function createConfigLoader(options: Pick<LoadOptions, 'file' | 'env' | 'overrides'>): ConfigLoader {
  const load = (text: string, objects: readonly ConfigObject[]): Config => loadConfig({ ...options, text, objects });
  return {
    read: () => readConfigText(options.file),
    load,
    desired: readDesired,
    places: (text, objects) => withObjects(parseYamlSource(text), objects).objects.map(placeOf),
    priceLines: (text) => linesIn(text, pricesIn),
    policyLines: (text) => linesIn(text, policiesIn),
    fixed(text) {
      const source = parseYamlSource(text);
      const ofFile = objectsIn(source.value).map(({ path, ...object }: PlacedObject): FixedObject => ({ ...object, line: source.place(path).line }));
      const named = new Set(ofFile.map(objectKey));
      const servers = load(text, []).servers.map(({ name, ...server }): FixedObject => ({
        kind: 'server',
        name,
        spec: server.transport === 'http' ? { url: server.url } : {},
        line: null,
      }));
      return [...ofFile, ...servers.filter((server) => !named.has(objectKey(server)))];
    },
  };
}

function linesIn(text: string, find: typeof pricesIn): ReadonlyMap<string, number> {
  const source = parseYamlSource(text);
  return new Map(find(source.value).map(({ name, path }) => [name, source.place(path).line]));
}
