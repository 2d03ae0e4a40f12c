/** Where the things of `kernel/config-object.ts` stand in gateway.yaml, and how each is written there. */
import { objectKinds, objectRows, type ConfigObject, type ObjectKind, type ObjectSpec } from '../kernel/config-object.ts';
import type { Path } from './config-fault.ts';

export interface PlacedObject extends ConfigObject {
  readonly path: Path;
}

/** An entry at the end of a list, or a member of a section. */
export interface ObjectPlace {
  readonly at: Path;
  readonly isEntry: boolean;
  readonly value: unknown;
}

interface Kind {
  /** What a value of the whole file has of it. Shapes that are wrong are left out: others say so. */
  found(file: unknown): readonly (Omit<PlacedObject, 'kind'> | null)[];
  place(name: string, spec: ObjectSpec): ObjectPlace;
}

/** A list of maps, each with its name in a member. */
function named(at: Path, member: string): Kind {
  return {
    found: (file) =>
      entriesAt(file, at).map((entry, index) => {
        const name = memberOf(entry, member);
        return typeof name === 'string' ? { name, spec: without(entry, [member]), path: [...at, index] } : null;
      }),
    place: (name, spec) => ({ at, isEntry: true, value: { [member]: name, ...spec } }),
  };
}

const tools: Kind = {
  found(file) {
    const seen = new Map<string, number>();
    return entriesAt(file, ['transforms']).map((entry, index) => {
      const [server, tool] = [memberOf(entry, 'server'), memberOf(entry, 'tool')];
      if (typeof server !== 'string' || (tool !== undefined && typeof tool !== 'string')) return null;
      const name = tool === undefined ? server : `${server}/${tool}`;
      const times = (seen.get(name) ?? 0) + 1;
      seen.set(name, times);
      return { name: times === 1 ? name : `${name}#${times}`, spec: without(entry, ['server', 'tool']), path: ['transforms', index] };
    });
  },
  place(name, spec) {
    const [, server = '', tool] = /^([^/#]*)(?:\/([^#]*))?/.exec(name) ?? [];
    return { at: ['transforms'], isEntry: true, value: { server, ...(tool === undefined ? {} : { tool }), ...spec } };
  },
};

const defaultLimit = 'default';

const rateLimits: Kind = {
  found: (file) =>
    entriesAt(file, ['rate_limits']).map((entry, index) => {
      const prefix = memberOf(entry, 'key_prefix') ?? defaultLimit;
      return typeof prefix === 'string' ? { name: prefix, spec: without(entry, ['scope', 'key_prefix']), path: ['rate_limits', index] } : null;
    }),
  place: (name, spec) => ({
    at: ['rate_limits'],
    isEntry: true,
    value: { scope: 'api_key', ...(name === defaultLimit ? {} : { key_prefix: name }), ...spec },
  }),
};

const masking: Path = ['record', 'masking'];
const detected = ['email', 'phone'];
/** Lists of texts that say all there is to say. */
const listed: Readonly<Record<string, Path>> = { field: [...masking, 'fields'], path: [...masking, 'paths'] };
const patterns = named([...masking, 'patterns'], 'name');

const maskingRules: Kind = {
  found: (file) => [
    ...detected.flatMap((what) => (valueAt(file, [...masking, what]) === true ? [{ name: `detect:${what}`, spec: {}, path: [...masking, what] }] : [])),
    ...Object.entries(listed).flatMap(([kind, at]) =>
      entriesAt(file, at).map((text, index) => (typeof text === 'string' ? { name: `${kind}:${text}`, spec: {}, path: [...at, index] } : null)),
    ),
    ...patterns.found(file),
  ],
  place(name, spec) {
    const [, kind = '', text = ''] = /^(field|path|detect):(.*)$/su.exec(name) ?? [];
    const at = listed[kind];
    if (kind === '') return patterns.place(name, spec);
    // What it says more is a fault: it would be thrown away.
    const value = Object.keys(spec).length === 0 ? null : spec;
    return at === undefined ? { at: [...masking, text], isEntry: false, value: value ?? true } : { at, isEntry: true, value: value ?? text };
  },
};

const kept: Readonly<Record<string, Path>> = { traces: ['retention', 'traces'], metrics: ['retention', 'metrics'], audit: ['audit', 'retention'] };

const retention: Kind = {
  found: (file) =>
    Object.entries(kept).map(([name, path]) => {
      const keep = valueAt(file, path);
      return keep === undefined ? null : { name, spec: { keep }, path };
    }),
  place(name, { keep, ...more }) {
    return { at: kept[name] ?? ['retention', name], isEntry: false, value: Object.keys(more).length === 0 ? keep : { keep, ...more } };
  },
};

const kinds: Readonly<Record<ObjectKind, Kind>> = {
  server: named(['servers'], 'name'),
  route: named(['routes'], 'server'),
  virtual_server: named(['virtual_servers'], 'name'),
  tool: tools,
  cache_rule: named(['cache'], 'server'),
  rate_limit: rateLimits,
  masking_rule: maskingRules,
  retention,
  export_target: named(['audit', 'streams'], 'name'),
};

/** Everything of the table that a value of a whole file has, in its order. */
export function objectsIn(file: unknown): readonly PlacedObject[] {
  return objectKinds.flatMap((kind) => kinds[kind].found(file).flatMap((found) => (found === null ? [] : [{ kind, ...found }])));
}

export function placeOf({ kind, name, spec }: ConfigObject): ObjectPlace {
  return kinds[kind].place(name, spec);
}

/** Every price of a value of a whole file: `default`, `SERVER` or `SERVER/TOOL`. */
export function pricesIn(file: unknown): readonly { readonly name: string; readonly path: Path }[] {
  const at: Path = ['pricing', 'overrides'];
  const overrides = entriesAt(file, at).flatMap((entry, index) => {
    const [server, tool] = [memberOf(entry, 'server'), memberOf(entry, 'tool')];
    if (typeof server !== 'string') return [];
    return [{ name: typeof tool === 'string' ? `${server}/${tool}` : server, path: [...at, index] }];
  });
  const path: Path = ['pricing', 'default'];
  return valueAt(file, path) === undefined ? overrides : [{ name: 'default', path }, ...overrides];
}

/** Every policy of a value of a whole file. */
export function policiesIn(file: unknown): readonly { readonly name: string; readonly path: Path }[] {
  const at: Path = ['policies'];
  return entriesAt(file, at).flatMap((entry, index) => {
    const name = memberOf(entry, 'name');
    return typeof name === 'string' ? [{ name, path: [...at, index] }] : [];
  });
}

/** Whether a file says anything of the kind, be it that there are none. */
export function saysOf(file: unknown, kind: ObjectKind): boolean {
  return kind === 'retention' ? kinds.retention.found(file).some((found) => found !== null) : valueAt(file, objectRows[kind].setting.split('.')) !== undefined;
}

export function valueAt(value: unknown, path: Path): unknown {
  let at = value;
  for (const step of path) at = typeof at === 'object' && at !== null && Object.hasOwn(at, step) ? (at as Record<string | number, unknown>)[step] : undefined;
  return at;
}

function entriesAt(file: unknown, path: Path): readonly unknown[] {
  const entries = valueAt(file, path);
  return Array.isArray(entries) ? entries : [];
}

function memberOf(entry: unknown, member: string): unknown {
  return valueAt(entry, [member]);
}

function without(entry: unknown, members: readonly string[]): ObjectSpec {
  return Object.fromEntries(Object.entries(entry ?? {}).filter(([member]) => !members.includes(member)));
}
