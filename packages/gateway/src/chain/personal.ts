import { createSealer } from '../kernel/seal.ts';

/**
 * A value of an event that is of a person. It is written sealed with that person's key, under their pseudonym: the hash is over what is
 * written, so it still holds when the key is gone and nobody can read the value.
 */
export class Personal {
  readonly userId: string;
  readonly value: unknown;

  constructor(userId: string, value: unknown) {
    this.userId = userId;
    this.value = value;
  }
}

/** What of a detail is a person's: the users. */
export function peopleIn(detail: Readonly<Record<string, unknown>>): readonly string[] {
  return [...new Set(Object.values(detail).flatMap((value) => (value instanceof Personal ? [value.userId] : [])))];
}

export interface PersonKey {
  readonly pseudonym: string;
  readonly key: Buffer;
}

/** The detail as it is written. `clean` is what each value becomes before. */
export function sealPersonal(
  detail: Readonly<Record<string, unknown>>,
  people: ReadonlyMap<string, PersonKey>,
  clean: (value: unknown) => unknown,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(detail).map(([name, value]) => {
      if (!(value instanceof Personal)) return [name, clean(value)];
      const person = people.get(value.userId);
      if (person === undefined) throw new TypeError('the key of a person whose values are sealed is known');
      const plain = Buffer.from(JSON.stringify(clean(value.value)));
      return [name, { person: person.pseudonym, sealed: createSealer(person.key).seal(plain, purpose).toString('base64') }];
    }),
  );
}

const purpose = 'audit';

/** The pseudonyms in a detail as it is written. */
export function pseudonymsIn(detail: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.values(detail).flatMap((value) => (isSealed(value) ? [value.person] : []));
}

/** The detail for people's eyes; what nobody can read any more stays under its pseudonym, as erased. */
export function openPersonal(detail: Readonly<Record<string, unknown>>, keys: ReadonlyMap<string, Buffer>): Readonly<Record<string, unknown>> {
  if (pseudonymsIn(detail).length === 0) return detail;
  return Object.fromEntries(Object.entries(detail).map(([name, value]) => [name, isSealed(value) ? opened(value, keys.get(value.person)) : value]));
}

interface Sealed {
  readonly person: string;
  readonly sealed: string;
}

function isSealed(value: unknown): value is Sealed {
  return typeof value === 'object' && value !== null && typeof (value as Sealed).person === 'string' && typeof (value as Sealed).sealed === 'string';
}

function opened({ person, sealed }: Sealed, key: Buffer | undefined): unknown {
  const plain = key && createSealer(key).open(Buffer.from(sealed, 'base64'), purpose);
  if (plain) return JSON.parse(plain.toString()) as unknown;
  return { person, erased: true };
}
