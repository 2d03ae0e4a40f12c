/** A JSON Schema as a form, as far as fields can show it; the rest of it is written as JSON. The gateway's server has the last word on what fits. */

export type Schema = Readonly<Record<string, unknown>>;

export interface Member {
  readonly name: string;
  readonly schema: Schema;
  readonly isRequired: boolean;
}

export type Shape =
  | { readonly kind: 'text' }
  | { readonly kind: 'number'; readonly isWhole: boolean }
  | { readonly kind: 'boolean' }
  | { readonly kind: 'choice'; readonly values: readonly unknown[] }
  | { readonly kind: 'list'; readonly items: Schema }
  | { readonly kind: 'object'; readonly members: readonly Member[]; readonly isClosed: boolean }
  | { readonly kind: 'json' };

/** What stands in a field of JSON while it is none. */
export class Unparsed {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** JSON as a value, else the text as it stands. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return new Unparsed(text);
  }
}

/** Deeper members are written as JSON: nobody finds their way in such a form. */
const depthMax = 6;
/** A schema may lead in a circle. */
const hopsMax = 16;
/** So many members have fields of their own. */
const membersMax = 200;

/** What stands behind `$ref`, or behind the one alternative that is not null; what stands beside it holds too. */
export function resolved(schema: Schema, root: Schema): Schema {
  let at = schema;
  for (let hop = 0; hop < hopsMax; hop += 1) {
    const { $ref: reference, anyOf, oneOf, allOf, ...beside } = at;
    const alternatives = [anyOf, oneOf, allOf].find((one) => Array.isArray(one)) as readonly unknown[] | undefined;
    const only = alternatives?.filter((one) => !isMap(one) || one['type'] !== 'null');
    if (typeof reference === 'string') {
      const found = behind(reference, root);
      if (found === null) return at;
      at = { ...found, ...beside };
    } else if (only?.length === 1 && isMap(only[0])) {
      at = { ...only[0], ...beside };
    } else return at;
  }
  return {};
}

function behind(reference: string, root: Schema): Schema | null {
  if (!reference.startsWith('#')) return null;
  let at: unknown = root;
  for (const part of reference.slice(1).split('/').slice(1)) {
    at = isMap(at) ? at[part.replaceAll('~1', '/').replaceAll('~0', '~')] : undefined;
  }
  return isMap(at) ? at : null;
}

export function shapeOf(schema: Schema, root: Schema, depth = 0): Shape {
  const one = resolved(schema, root);
  const type = typeOf(one);
  if (Array.isArray(one['enum'])) return { kind: 'choice', values: one['enum'] };
  if ('const' in one) return { kind: 'choice', values: [one['const']] };
  // More than one way to be right: no field can show that.
  if (['anyOf', 'oneOf', 'allOf'].some((name) => Array.isArray(one[name]))) return { kind: 'json' };
  if (type === 'string') return { kind: 'text' };
  if (type === 'number' || type === 'integer') return { kind: 'number', isWhole: type === 'integer' };
  if (type === 'boolean') return { kind: 'boolean' };
  if (type === 'array' && isMap(one['items']) && depth < depthMax) return { kind: 'list', items: one['items'] };
  if (isMap(one['properties']) && depth < depthMax) {
    const required = Array.isArray(one['required']) ? one['required'] : [];
    const members = Object.entries(one['properties']).map(([name, member]) => ({
      name,
      schema: isMap(member) ? member : {},
      isRequired: required.includes(name),
    }));
    if (members.length <= membersMax) return { kind: 'object', members, isClosed: one['additionalProperties'] === false };
  }
  // Without arguments there is nothing to write.
  if (type === 'object' && depth === 0 && one['additionalProperties'] !== true && !isMap(one['additionalProperties']))
    return { kind: 'object', members: [], isClosed: false };
  return { kind: 'json' };
}

/** The one type that is not null; undefined where there are several, or none. */
function typeOf({ type }: Schema): string | undefined {
  const types = (Array.isArray(type) ? type : [type]).filter((one) => typeof one === 'string' && one !== 'null');
  return types.length === 1 ? (types[0] as string) : undefined;
}

function takesNull(schema: Schema, root: Schema): boolean {
  const one = resolved(schema, root);
  const alternatives = ['anyOf', 'oneOf'].flatMap((name) => (Array.isArray(schema[name]) ? (schema[name] as unknown[]) : []));
  return (
    [schema, one].some(({ type }) => type === 'null' || (Array.isArray(type) && type.includes('null'))) ||
    alternatives.some((a) => isMap(a) && a['type'] === 'null')
  );
}

/** What the schema fills in by itself. */
export function defaultsOf(schema: Schema, root: Schema = schema, depth = 0): unknown {
  const one = resolved(schema, root);
  if ('default' in one) return one['default'];
  const shape = shapeOf(one, root, depth);
  if (shape.kind === 'choice' && 'const' in one) return one['const'];
  if (shape.kind !== 'object') return undefined;
  const filled = shape.members.flatMap(({ name, schema: member, isRequired }) => {
    const value = isRequired || 'default' in resolved(member, root) ? defaultsOf(member, root, depth + 1) : undefined;
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(filled);
}

/** What is wrong, by the JSON Pointer of where; `''` is the whole. */
export function problemsOf(value: unknown, schema: Schema): ReadonlyMap<string, string> {
  const problems = new Map<string, string>();
  check(value, schema, schema, '', 0, problems);
  return problems;
}

function check(value: unknown, schema: Schema, root: Schema, at: string, depth: number, problems: Map<string, string>): void {
  if (value instanceof Unparsed) {
    problems.set(at, 'This is not JSON yet.');
    return;
  }
  const one = resolved(schema, root);
  const shape = shapeOf(one, root, depth);
  if (value === null && (takesNull(schema, root) || shape.kind === 'json')) return;
  const problem = problemWith(value, one, shape);
  if (problem !== null) {
    problems.set(at, problem);
    return;
  }
  if (shape.kind === 'list' && Array.isArray(value)) {
    for (const [index, item] of value.entries()) check(item, shape.items, root, `${at}/${index}`, depth + 1, problems);
  }
  if (shape.kind === 'object' && isMap(value)) {
    for (const { name, schema: member, isRequired } of shape.members) {
      const inner = value[name];
      if (inner !== undefined) check(inner, member, root, pointer(at, name), depth + 1, problems);
      else if (isRequired) problems.set(pointer(at, name), 'Required.');
    }
    if (shape.isClosed)
      for (const name of Object.keys(value))
        if (!shape.members.some((member) => member.name === name)) problems.set(pointer(at, name), `The tool has no argument ${name}.`);
  }
}

function problemWith(value: unknown, schema: Schema, shape: Shape): string | null {
  switch (shape.kind) {
    case 'text':
      return typeof value === 'string' ? lengthProblem(value.length, schema, 'Length', 'characters') : 'It must be a text.';
    case 'number':
      if (typeof value !== 'number' || !Number.isFinite(value)) return 'It must be a number.';
      if (shape.isWhole && !Number.isInteger(value)) return 'It must be a whole number.';
      return boundProblem(value, schema);
    case 'boolean':
      return typeof value === 'boolean' ? null : 'It must be true or false.';
    case 'choice':
      return shape.values.some((one) => JSON.stringify(one) === JSON.stringify(value))
        ? null
        : `It must be one of ${shape.values.map((one) => JSON.stringify(one)).join(', ')}.`;
    case 'list':
      return Array.isArray(value) ? lengthProblem(value.length, schema, 'Items', 'items') : 'It must be a list.';
    case 'object':
      return isMap(value) ? null : 'It must be an object.';
    case 'json':
      return jsonProblem(value, schema);
  }
}

/** Of what is written as JSON only its type is looked at. */
function jsonProblem(value: unknown, schema: Schema): string | null {
  const type = typeOf(schema);
  if (type === 'array') return Array.isArray(value) ? null : 'It must be a list.';
  if (type === 'object') return isMap(value) ? null : 'It must be an object.';
  return null;
}

function lengthProblem(length: number, schema: Schema, of: 'Length' | 'Items', what: string): string | null {
  const [least, most] = [schema[`min${of}`], schema[`max${of}`]];
  if (typeof least === 'number' && length < least) return `It must have at least ${least} ${what}.`;
  if (typeof most === 'number' && length > most) return `It must have at most ${most} ${what}.`;
  return null;
}

function boundProblem(value: number, { minimum, maximum, exclusiveMinimum: above, exclusiveMaximum: below }: Schema): string | null {
  if (typeof minimum === 'number' && value < minimum) return `It must be ${minimum} or more.`;
  if (typeof maximum === 'number' && value > maximum) return `It must be ${maximum} or less.`;
  if (typeof above === 'number' && value <= above) return `It must be more than ${above}.`;
  if (typeof below === 'number' && value >= below) return `It must be less than ${below}.`;
  return null;
}

const mask = /\[masked:[^\]]{1,200}\]/;

/** Where a recorded value was masked: what was sent is not known, and the mask must not be sent in its place. */
export function maskedIn(value: unknown, at = ''): readonly string[] {
  if (typeof value === 'string') return mask.test(value) ? [at] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => maskedIn(inner, pointer(at, name)));
}

/** RFC 6901. */
export function pointer(at: string, name: string): string {
  return `${at}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

/** An item that is added to a list: to be written. */
export function blankOf(schema: Schema, root: Schema): unknown {
  const filled = defaultsOf(schema, root);
  if (filled !== undefined) return filled;
  const shape = shapeOf(schema, root);
  if (shape.kind === 'list') return [];
  if (shape.kind === 'choice') return shape.values[0] ?? null;
  if (shape.kind === 'boolean') return false;
  return shape.kind === 'json' ? null : '';
}

/** The type in a few words: `string`, `list of integer`, `one of "a", "b"`. */
export function typeText(schema: Schema, root: Schema): string {
  const one = resolved(schema, root);
  const shape = shapeOf(one, root);
  const orNull = takesNull(schema, root) ? ' or null' : '';
  if (shape.kind === 'choice') return `one of ${shape.values.map((value) => JSON.stringify(value)).join(', ')}${orNull}`;
  if (shape.kind === 'list') return `list of ${typeText(shape.items, root)}${orNull}`;
  return `${typeOf(one) ?? (shape.kind === 'object' ? 'object' : 'any JSON')}${orNull}`;
}

function isMap(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
