/** A file and what was made beside it, read as one: the same shape and the same checks hold for both. */
import { objectKey, objectText, type ConfigObject } from '../kernel/config-object.ts';
import { pathText, type ConfigFault, type Path } from './config-fault.ts';
import { objectsIn, placeOf, valueAt, type PlacedObject } from './object-places.ts';
import type { YamlSource } from './yaml-source.ts';

export interface WholeSource extends Pick<YamlSource, 'value' | 'place' | 'textAt'> {
  /** Objects that serve beside the file, and where each stands in `value`. */
  readonly objects: readonly PlacedObject[];
  /** A fault in the words of whoever made what it is about. */
  attributed(fault: ConfigFault): ConfigFault;
}

/** `objects`: those whose names the file has too are left out; the file's hold. */
export function withObjects(source: YamlSource, objects: readonly ConfigObject[]): WholeSource {
  const file = source.value;
  const ofFile = new Set(objectsIn(file).map(objectKey));
  const placed: PlacedObject[] = [];
  let value = file;
  for (const object of objects) {
    if (ofFile.has(objectKey(object))) continue;
    const { at, isEntry, value: own } = placeOf(object);
    const there = valueAt(value, at);
    // A section that is wrong as it is says so itself.
    if (isEntry && there !== undefined && there !== null && !Array.isArray(there)) continue;
    const before: readonly unknown[] = Array.isArray(there) ? there : [];
    const next = withValue(value, at, isEntry ? [...before, own] : own);
    if (next === null) continue;
    value = next;
    placed.push({ ...object, path: isEntry ? [...at, before.length] : at });
  }
  const ownerAt = (path: Path): PlacedObject | undefined => placed.find((object) => object.path.every((step, index) => path[index] === step));
  return {
    value,
    objects: placed,
    place: source.place,
    textAt(path) {
      if (ownerAt(path) === undefined) return source.textAt(path);
      const own = valueAt(value, path);
      return typeof own === 'string' || typeof own === 'number' || typeof own === 'boolean' ? String(own) : null;
    },
    attributed(fault) {
      const owner = placed.find(({ path }) => isWithin(fault.path, pathText(path)));
      if (owner === undefined) return fault;
      const { kind, name } = owner;
      const place = pathText(owner.path);
      const inside = fault.path.slice(place.length).replace(/^\./, '');
      return {
        ...fault,
        line: null,
        column: null,
        path: inside === '' ? objectText(owner) : `${objectText(owner)}: ${inside}`,
        message: fault.message.replaceAll(place, objectText(owner)),
        object: { kind, name },
      };
    },
  };
}

/** Whether a place is, or lies in, another. */
function isWithin(place: string, outer: string): boolean {
  return place.startsWith(outer) && /^(?:$|[.[])/.test(place.slice(outer.length));
}

/** A copy with another value at the path; sections on the way that are not there are made. Null where something else stands there. */
function withValue(value: unknown, [step, ...rest]: Path, next: unknown): unknown {
  if (step === undefined) return next;
  if (value !== undefined && value !== null && (typeof value !== 'object' || Array.isArray(value))) return null;
  const section = { ...value } as Record<string | number, unknown>;
  const inner = withValue(Object.hasOwn(section, step) ? section[step] : undefined, rest, next);
  if (inner === null && next !== null) return null;
  return { ...section, [step]: inner };
}
