import { bounds } from '../../kernel/bounds.ts';
import { compileValueFilter, isObject, resolvePath, type ResolvedPath } from './match-filter.ts';
import { parsePath, type Filter } from './parse-filter.ts';
import { readAttribute, requireWhole, type ScimResource } from './read-resource.ts';
import { ScimRefusal } from './scim-refusal.ts';
import { allAttributes, attributeNamed, type ScimAttribute, type ScimSchema } from './schemas.ts';

export interface PatchOperation {
  readonly op: 'add' | 'replace' | 'remove';
  /** Null: the value names what it is about. */
  readonly path: string | null;
  readonly value: unknown;
}

/** The operations of a PATCH (RFC 7644 section 3.5.2), also with capitals as Entra ID writes them. Refusals: `invalidSyntax`, `tooMany`. */
export function readPatch(body: unknown): readonly PatchOperation[] {
  if (!isObject(body)) throw invalidSyntax('the body must be a JSON object');
  const operations = memberOf(body, 'operations');
  if (!Array.isArray(operations) || operations.length === 0) throw invalidSyntax('Operations must be a list with at least one operation');
  if (operations.length > bounds.scimOperationsMax) throw new ScimRefusal(400, 'tooMany', `more than ${bounds.scimOperationsMax} operations`);
  return operations.map((one: unknown): PatchOperation => {
    if (!isObject(one)) throw invalidSyntax('an operation must be an object');
    const word = memberOf(one, 'op');
    const op = (['add', 'replace', 'remove'] as const).find((known) => typeof word === 'string' && known === word.toLowerCase());
    if (op === undefined) throw invalidSyntax('op must be add, replace or remove');
    const path = memberOf(one, 'path') ?? null;
    if (path !== null && typeof path !== 'string') throw new ScimRefusal(400, 'invalidPath', 'path must be a text');
    return { op, path: path === '' ? null : path, value: memberOf(one, 'value') };
  });
}

/**
 * The resource as it is after all operations; all or none. A path to what the standard has and the gateway does not keep does nothing. Refusals: those of
 * RFC 7644 section 3.5.2: `invalidPath`, `noTarget`, `mutability`, `invalidValue`.
 */
export function applyPatch(schema: ScimSchema, resource: ScimResource, operations: readonly PatchOperation[]): ScimResource {
  const patched: Record<string, unknown> = { ...resource };
  for (const operation of operations) {
    if (operation.path === null) applyWithoutPath(schema, patched, operation);
    else applyAt(schema, patched, operation.op, operation.path, operation.value);
  }
  // Once, at the end: bounds and doubles are about what has become of it.
  const whole = Object.entries(patched).map(([name, value]) => {
    const attribute = attributeNamed(allAttributes(schema), name);
    return [name, attribute === null ? undefined : readAttribute(attribute, value)] as const;
  });
  return requireWhole(schema, Object.fromEntries(whole.filter(([, value]) => value !== undefined)));
}

/** The value is an object whose members are attributes, or paths to them. */
function applyWithoutPath(schema: ScimSchema, patched: Record<string, unknown>, { op, value }: PatchOperation): void {
  if (op === 'remove') throw new ScimRefusal(400, 'noTarget', 'remove needs a path');
  if (!isObject(value)) throw new ScimRefusal(400, 'invalidValue', 'without a path the value must be an object');
  for (const [name, one] of Object.entries(value)) {
    if (name.toLowerCase() === schema.urn.toLowerCase()) applyWithoutPath(schema, patched, { op, path: null, value: one });
    else if (isKept(schema, name)) applyAt(schema, patched, op, name, one);
  }
}

/** Of the members of a value only those that are kept, as of a body. */
function isKept(schema: ScimSchema, name: string): boolean {
  try {
    const found = resolvePath(schema, parsePath(name).path, (detail) => new ScimRefusal(400, 'invalidPath', detail));
    return found !== null && found.attribute.mutability !== 'readOnly';
  } catch (error) {
    if (error instanceof ScimRefusal) return false;
    throw error;
  }
}

function applyAt(schema: ScimSchema, patched: Record<string, unknown>, op: PatchOperation['op'], text: string, value: unknown): void {
  const { path, filter } = parsePath(text);
  const found = resolvePath(schema, path, (detail) => new ScimRefusal(400, 'invalidPath', detail));
  if (found === null) return;
  const { attribute, sub } = found;
  if (attribute.mutability === 'readOnly' || (sub !== null && sub.mutability !== 'readWrite'))
    throw new ScimRefusal(400, 'mutability', `${sub === null ? attribute.name : `${attribute.name}.${sub.name}`} cannot be written`);
  if (filter !== null && !attribute.multiValued) throw new ScimRefusal(400, 'invalidPath', `${attribute.name} has one value: it takes no filter`);
  // Nothing instead of something takes it away.
  const isRemoved = op === 'remove' || (op === 'replace' && (value === null || value === undefined));
  const before = patched[attribute.name];
  let after: unknown;
  if (attribute.multiValued) {
    const values = Array.isArray(before) ? (before as readonly unknown[]) : [];
    after = isRemoved ? removeValues(found, values, filter, value) : putValues(found, values, filter, op, value);
  } else after = isRemoved ? removeOne(found, before) : putOne(found, before, value);
  if (after === undefined && attribute.required) throw new ScimRefusal(400, 'mutability', `${attribute.name} is required`);
  if (after === undefined) delete patched[attribute.name];
  else patched[attribute.name] = after;
}

function putOne({ attribute, sub }: ResolvedPath, before: unknown, value: unknown): unknown {
  const parts = isObject(before) ? before : {};
  if (sub !== null) return { ...parts, [sub.name]: given(sub, value) };
  const read = given(attribute, value);
  return attribute.type === 'complex' && isObject(read) ? { ...parts, ...read } : read;
}

function removeOne({ sub }: ResolvedPath, before: unknown): unknown {
  return sub === null || !isObject(before) ? undefined : without(before, sub.name);
}

function putValues(
  { attribute, sub }: ResolvedPath,
  values: readonly unknown[],
  filter: Filter | null,
  op: 'add' | 'replace' | 'remove',
  value: unknown,
): unknown {
  if (filter === null && sub === null) {
    const read = given(attribute, value);
    const added = Array.isArray(read) ? (read as readonly unknown[]) : [];
    return op === 'add' ? joined(values, added) : added;
  }
  const fits = filter === null ? () => true : compileValueFilter(attribute, filter);
  const part = sub === null ? partsOf(attribute, value) : { [sub.name]: given(sub, value) };
  if (!values.some(fits)) {
    if (op === 'replace' && filter !== null) throw new ScimRefusal(400, 'noTarget', 'no value fits the filter of the path');
    return joined(values, [{ ...equalsOf(attribute, filter), ...part }]);
  }
  const keeps = sub !== null || op === 'add';
  const changed = values.map((one) => (fits(one) ? { ...(keeps && isObject(one) ? one : equalsOf(attribute, filter)), ...part } : one));
  return part['primary'] === true ? changed.map((one, index) => (fits(values[index]) ? one : secondary(one))) : changed;
}

function removeValues({ attribute, sub }: ResolvedPath, values: readonly unknown[], filter: Filter | null, value: unknown): unknown {
  const named = filter === null ? namedBy(attribute, value) : null;
  const fits = filter !== null ? compileValueFilter(attribute, filter) : named !== null ? (one: unknown) => named.has(keyOf(one)) : () => true;
  const left = sub === null ? values.filter((one) => !fits(one)) : values.map((one) => (fits(one) && isObject(one) ? without(one, sub.name) : one));
  return left.length === 0 ? undefined : left;
}

/** Entra ID names what is to be removed by the value instead of a filter. */
function namedBy(attribute: ScimAttribute, value: unknown): ReadonlySet<string> | null {
  const read = value === undefined || value === null ? undefined : readAttribute(attribute, value);
  return Array.isArray(read) ? new Set(read.map(keyOf)) : null;
}

function keyOf(value: unknown): string {
  return isObject(value) && typeof value['value'] === 'string' ? value['value'] : JSON.stringify(value);
}

/** Those that are there and those that come; one that comes as the primary one is the only. */
function joined(values: readonly unknown[], added: readonly unknown[]): readonly unknown[] {
  const takesOver = added.some((one) => isObject(one) && one['primary'] === true);
  return [...(takesOver ? values.map(secondary) : values), ...added];
}

function secondary(value: unknown): unknown {
  return isObject(value) && value['primary'] === true ? without(value, 'primary') : value;
}

/** What a filter says that a value is, for the value that is made by it. */
function equalsOf(attribute: ScimAttribute, filter: Filter | null): Record<string, unknown> {
  if (filter === null) return {};
  if (filter.kind === 'and') return Object.assign({}, ...filter.filters.map((one) => equalsOf(attribute, one))) as Record<string, unknown>;
  if (filter.kind !== 'compare' || filter.operator !== 'eq') return {};
  const sub = attributeNamed(attribute.subAttributes ?? [], filter.path.name);
  return sub === null ? {} : { [sub.name]: filter.value };
}

function partsOf(attribute: ScimAttribute, value: unknown): Record<string, unknown> {
  const read = given(attribute, value);
  const [only] = Array.isArray(read) ? (read as readonly unknown[]) : [];
  if (!isObject(only)) throw new ScimRefusal(400, 'invalidValue', `a value of ${attribute.name} must be an object`);
  return only;
}

function given(attribute: ScimAttribute, value: unknown): unknown {
  const read = readAttribute(attribute, value);
  if (read === undefined && !(Array.isArray(value) && value.length === 0) && value !== '')
    throw new ScimRefusal(400, 'invalidValue', `${attribute.name} needs a value`);
  return read;
}

function without(value: Record<string, unknown>, name: string): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([member]) => member !== name));
}

function memberOf(object: Record<string, unknown>, name: string): unknown {
  return Object.entries(object).find(([member]) => member.toLowerCase() === name)?.[1];
}

function invalidSyntax(detail: string): ScimRefusal {
  return new ScimRefusal(400, 'invalidSyntax', detail);
}
