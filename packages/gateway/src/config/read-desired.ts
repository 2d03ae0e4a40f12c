/** A document that says what a gateway is to consist of: a gateway.yaml, or a part of one. */
import { isDeepStrictEqual } from 'node:util';
import { objectKinds, type ConfigObject, type ObjectKind } from '../kernel/config-object.ts';
import { readPolicy, type PolicyData } from '../kernel/policy.ts';
import type { PriceList } from '../kernel/price-list.ts';
import { buildPrices } from './build-prices.ts';
import type { Complain } from './check-config.ts';
import { configInvalid, pathText, type ConfigFault, type Path } from './config-fault.ts';
import { objectsIn, saysOf } from './object-places.ts';
import { readWellShaped } from './well-shaped.ts';
import { parseYamlSource } from './yaml-source.ts';

export interface Desired {
  /** Kinds that it says something of: of these there is to be what it says and nothing else. */
  readonly kinds: readonly ObjectKind[];
  readonly objects: readonly ConfigObject[];
  /** Null: it says nothing of them. */
  readonly policies: readonly PolicyData[] | null;
  readonly prices: PriceList | null;
  /** Settings that it says otherwise than the file does, and that only a file can say. */
  readonly others: readonly string[];
}

/** `file`: the text that serves. Shapes are checked here; whether the whole could serve is seen with the rest. Faults: `config_invalid`, with lines. */
export function readDesired(text: string, file: string): Desired {
  const source = parseYamlSource(text);
  if (source.value === undefined) throw configInvalid(null, source.faults);
  // The version of the schema goes without saying: it is that of the API.
  const written: unknown = source.value;
  const isMap = typeof written === 'object' && written !== null && !Array.isArray(written);
  const value: Readonly<Record<string, unknown>> = isMap ? { version: 1, ...written } : { version: 1 };
  if (!isMap)
    throw configInvalid(null, [
      { line: 1, column: 1, path: 'the document', message: 'it must be a map of settings', cause: 'It is something else.', fix: 'Write it as gateway.yaml.' },
    ]);
  const shaped = readWellShaped({ ...source, value });
  const faults: ConfigFault[] = [...source.faults, ...shaped.faults];
  const complain: Complain = (at, message, cause, fix) => void faults.push({ ...source.place(at), path: pathText(at), message, cause, fix });
  const prices = buildPrices({ file: shaped.file, textAt: (at: Path) => source.textAt(at), complain });
  if (faults.length > 0) throw configInvalid(null, faults);
  return {
    kinds: objectKinds.filter((kind) => saysOf(value, kind)),
    objects: objectsIn(value).map(({ path: _, ...object }) => object),
    policies: shaped.file.policies?.map(readPolicy) ?? null,
    prices,
    others: othersOf(value, parseYamlSource(file).value),
  };
}

/** Sections that are objects, policies or prices, wholly. */
const covered = new Set(['version', 'servers', 'routes', 'virtual_servers', 'transforms', 'retention', 'policies', 'pricing']);
/** Members that are, of sections that are not. */
const coveredMembers: Readonly<Record<string, readonly string[]>> = { record: ['masking'], audit: ['retention', 'streams'] };

function othersOf(desired: Readonly<Record<string, unknown>>, file: unknown): readonly string[] {
  const served = (typeof file === 'object' && file !== null ? file : {}) as Readonly<Record<string, unknown>>;
  return Object.keys(desired).flatMap((section) => {
    if (covered.has(section)) return [];
    const members = coveredMembers[section];
    if (members === undefined) return isDeepStrictEqual(desired[section], served[section]) ? [] : [section];
    return Object.entries(desired[section] ?? {}).flatMap(([member, value]) =>
      members.includes(member) || isDeepStrictEqual(value, (served[section] as Readonly<Record<string, unknown>> | undefined)?.[member])
        ? []
        : [`${section}.${member}`],
    );
  });
}
