import { createHash } from 'node:crypto';

/** When a name carries its server's: `always`, `on-collision` (two servers have the name), `never` (of a collision the first is served). */
export type PrefixRule = 'always' | 'on-collision' | 'never';

/** A tool or prompt that a server has. */
export interface NamedThing {
  readonly server: string;
  readonly name: string;
  /** A name given in the configuration: exposed as it is, before all others. */
  readonly rename: string | null;
}

export interface ExposedNames {
  /** By index of the things: its exposed name, or null where it is not served. */
  readonly names: readonly (string | null)[];
  /** Index of the thing by its exposed name. Unique: what this map says is all that decides where a name leads. */
  readonly byName: ReadonlyMap<string, number>;
  /** Names that with `never` more than one server has: the first is served. */
  readonly collisions: readonly NameCollision[];
}

export interface NameCollision {
  readonly name: string;
  readonly served: string;
  readonly hidden: readonly string[];
}

export const nameSeparator = '__';
const hashChars = 8;

/**
 * Gives every thing a name of its own of at most `charsMax` characters out of `[A-Za-z0-9_-]`, which is what the APIs of models take.
 * Deterministic: the same things in the same order get the same names. What is too long ends in a hash of server and name. What
 * collides nevertheless gets the hash too, save the first, where a name that needed no change comes before one that did.
 */
export function exposeNames(things: readonly NamedThing[], prefix: PrefixRule, charsMax: number): ExposedNames {
  const holders = prefix === 'on-collision' ? serversByName(things) : null;
  const wanted = things.map((thing) => wantedName(thing, prefix, holders));
  const fitted = wanted.map((name, index) => fit(name, charsMax, things[index]));
  const names: (string | null)[] = things.map(() => null);
  const byName = new Map<string, number>();
  const collisions = new Map<string, { served: string; hidden: string[] }>();

  for (const { index, thing } of claimOrder(things, wanted, fitted)) {
    const name = fitted[index] ?? '';
    const holder = byName.get(name);
    if (holder === undefined) claim(index, name);
    else if (prefix === 'never' && thing.rename === null && things[holder]?.server !== thing.server) {
      const collision = collisions.get(name);
      if (collision) collision.hidden.push(thing.server);
      else collisions.set(name, { served: things[holder]?.server ?? '', hidden: [thing.server] });
    } else claim(index, hashedUntilFree(name, thing));
  }
  return { names, byName, collisions: Array.from(collisions, ([name, collision]) => ({ name, ...collision })) };

  function claim(index: number, name: string): void {
    names[index] = name;
    byName.set(name, index);
  }

  function hashedUntilFree(name: string, thing: NamedThing): string {
    for (let round = 0; ; round++) {
      const candidate = withHash(name, charsMax, thing, round);
      if (!byName.has(candidate)) return candidate;
    }
  }
}

/** Renamed things first, then names that stay as they are, then the others. */
function claimOrder(things: readonly NamedThing[], wanted: readonly string[], fitted: readonly string[]): { index: number; thing: NamedThing }[] {
  const rank = (index: number, thing: NamedThing): number => (thing.rename !== null ? 0 : wanted[index] === fitted[index] ? 1 : 2);
  return things.map((thing, index) => ({ index, thing, rank: rank(index, thing) })).sort((one, other) => one.rank - other.rank || one.index - other.index);
}

function wantedName({ server, name, rename }: NamedThing, prefix: PrefixRule, holders: ReadonlyMap<string, ReadonlySet<string>> | null): string {
  if (rename !== null) return rename;
  if (prefix === 'always' || (holders !== null && (holders.get(safe(name))?.size ?? 0) > 1)) return `${server}${nameSeparator}${name}`;
  return name;
}

function serversByName(things: readonly NamedThing[]): Map<string, Set<string>> {
  const holders = new Map<string, Set<string>>();
  for (const { server, name, rename } of things) {
    // A name given in the configuration keeps others from it as any name does.
    const key = rename ?? safe(name);
    const servers = holders.get(key);
    if (servers) servers.add(server);
    else holders.set(key, new Set([server]));
  }
  return holders;
}

function safe(name: string): string {
  return name === '' ? '_' : name.replace(/[^A-Za-z0-9_-]/g, '_');
}

function fit(name: string, charsMax: number, thing: NamedThing | undefined): string {
  const plain = safe(name);
  return plain.length <= charsMax || thing === undefined ? plain : withHash(plain, charsMax, thing, 0);
}

/** Room is taken from the server's part first, so that something of the thing's own name stays to be read. */
function withHash(name: string, charsMax: number, { server, name: original }: NamedThing, round: number): string {
  const hash = createHash('sha256')
    .update(`${server}\0${original}\0${round === 0 ? '' : round}`)
    .digest('hex')
    .slice(0, hashChars);
  const room = charsMax - hashChars - 1;
  const prefix = `${server}${nameSeparator}`;
  if (name.length <= room || !name.startsWith(prefix)) return `${name.slice(0, room)}_${hash}`;
  const serverRoom = Math.max(Math.floor(room / 3), room - (name.length - server.length));
  return `${server.slice(0, serverRoom)}${name.slice(server.length)}`.slice(0, room) + `_${hash}`;
}
