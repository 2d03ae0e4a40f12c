import { ScimRefusal } from './scim-refusal.ts';
import { allAttributes, attributeNamed, type ScimAttribute, type ScimSchema } from './schemas.ts';
import type { AttributePath, ComparedValue, Comparison, Filter } from './parse-filter.ts';

/** What a path leads to; null: what the gateway does not keep. */
export interface ResolvedPath {
  readonly attribute: ScimAttribute;
  readonly sub: ScimAttribute | null;
}

type Resource = Readonly<Record<string, unknown>>;

/**
 * A path by the schema. What is standard, or of another schema, and not kept leads to null; what is neither is refused by `refuse`.
 */
export function resolvePath(schema: ScimSchema, { urn, name, sub }: AttributePath, refuse: (detail: string) => ScimRefusal): ResolvedPath | null {
  if (urn !== null && urn.toLowerCase() !== schema.urn.toLowerCase()) return null;
  const attribute = attributeNamed(allAttributes(schema), name);
  if (attribute === null) {
    if (schema.unkept.has(name.toLowerCase())) return null;
    throw refuse(`${schema.name} has no attribute ${name.slice(0, 100)}`);
  }
  if (sub === null) return { attribute, sub: null };
  const found = attributeNamed(attribute.subAttributes ?? [], sub);
  if (found === null) {
    if (schema.unkept.has(sub.toLowerCase())) return null;
    throw refuse(`${attribute.name} has no sub-attribute ${sub.slice(0, 100)}`);
  }
  return { attribute, sub: found };
}

/** Whether a resource, with its attributes spelled as in the schema, fits. Refusals: `invalidFilter` for what the schema does not have, or cannot be compared so. */
export function compileFilter(schema: ScimSchema, filter: Filter): (resource: Resource) => boolean {
  return compile(filter, (path) => resolvePath(schema, path, invalid));
}

/** The same of one value of a complex attribute. */
export function compileValueFilter(attribute: ScimAttribute, filter: Filter): (value: unknown) => boolean {
  const subAttributes = attribute.subAttributes ?? [];
  const matches = compile(filter, ({ name, sub }) => {
    const found = sub === null ? attributeNamed(subAttributes, name) : null;
    if (found === null) throw invalid(`${attribute.name} has no sub-attribute ${name.slice(0, 100)}`);
    return { attribute: found, sub: null };
  });
  return (value) => isObject(value) && matches(value);
}

type Resolve = (path: AttributePath) => ResolvedPath | null;

function compile(filter: Filter, resolve: Resolve): (resource: Resource) => boolean {
  switch (filter.kind) {
    case 'and': {
      const all = filter.filters.map((one) => compile(one, resolve));
      return (resource) => all.every((matches) => matches(resource));
    }
    case 'or': {
      const all = filter.filters.map((one) => compile(one, resolve));
      return (resource) => all.some((matches) => matches(resource));
    }
    case 'not': {
      const matches = compile(filter.filter, resolve);
      return (resource) => !matches(resource);
    }
    case 'present': {
      const path = resolve(filter.path);
      return (resource) => path !== null && valuesAt(resource, path).length > 0;
    }
    case 'values': {
      const path = resolve(filter.path);
      if (path === null) return () => false;
      if (path.attribute.type !== 'complex' || path.sub !== null) throw invalid(`${path.attribute.name} has no values of several parts`);
      const matches = compileValueFilter(path.attribute, filter.filter);
      return (resource) => listed(resource[path.attribute.name]).some(matches);
    }
    case 'compare':
      return compileComparison(resolve(filter.path), filter.operator, filter.value);
  }
}

function compileComparison(path: ResolvedPath | null, operator: Comparison, value: ComparedValue): (resource: Resource) => boolean {
  // What there is not is the same as null.
  if (path === null) return () => (operator === 'eq' && value === null) || (operator === 'ne' && value !== null);
  const compared = withValue(path);
  const { attribute, sub } = compared;
  const leaf = sub ?? attribute;
  if (leaf.type === 'complex') throw invalid(`${leaf.name} has parts: name one of them`);
  if (value === null) {
    if (operator !== 'eq' && operator !== 'ne') throw invalid('null is only equal or not');
    return (resource) => (valuesAt(resource, compared).length === 0) === (operator === 'eq');
  }
  const test = testOf(leaf, operator === 'ne' ? 'eq' : operator, value);
  return (resource) => valuesAt(resource, compared).some(test) === (operator !== 'ne');
}

/** A complex attribute that is compared as a whole is meant by its `value`. */
function withValue(path: ResolvedPath): ResolvedPath {
  return path.sub === null && path.attribute.type === 'complex' ? { ...path, sub: attributeNamed(path.attribute.subAttributes ?? [], 'value') } : path;
}

function testOf({ name, type, caseExact }: ScimAttribute, operator: Exclude<Comparison, 'ne'>, value: string | number | boolean): (held: unknown) => boolean {
  if (type === 'boolean') {
    const wanted = booleanOf(value);
    if (wanted === null || operator !== 'eq') throw invalid(`${name} is true or false, and only equal or not`);
    return (held) => held === wanted;
  }
  if (typeof value !== 'string') throw invalid(`${name} is compared with a text in double quotes`);
  if (type === 'dateTime' && operator !== 'co' && operator !== 'sw' && operator !== 'ew') {
    const wantedMs = Date.parse(value);
    if (Number.isNaN(wantedMs)) throw invalid(`${name} is compared with a time such as 2026-01-15T10:30:00Z`);
    return (held) => typeof held === 'string' && isInOrder(operator, Date.parse(held) - wantedMs);
  }
  const wanted = caseExact ? value : value.toLowerCase();
  return (held) => {
    if (typeof held !== 'string') return false;
    const own = caseExact ? held : held.toLowerCase();
    switch (operator) {
      case 'co':
        return own.includes(wanted);
      case 'sw':
        return own.startsWith(wanted);
      case 'ew':
        return own.endsWith(wanted);
      default:
        return isInOrder(operator, own < wanted ? -1 : own > wanted ? 1 : 0);
    }
  };
}

function isInOrder(operator: 'eq' | 'gt' | 'ge' | 'lt' | 'le', difference: number): boolean {
  switch (operator) {
    case 'eq':
      return difference === 0;
    case 'gt':
      return difference > 0;
    case 'ge':
      return difference >= 0;
    case 'lt':
      return difference < 0;
    case 'le':
      return difference <= 0;
  }
}

/** True and false, also as Entra ID writes them: "True", "False". */
export function booleanOf(value: unknown): boolean | null {
  if (typeof value === 'boolean') return value;
  if (typeof value !== 'string') return null;
  const lower = value.toLowerCase();
  return lower === 'true' ? true : lower === 'false' ? false : null;
}

function valuesAt(resource: Resource, { attribute, sub }: ResolvedPath): readonly unknown[] {
  const values = listed(resource[attribute.name]);
  const leaves = sub === null ? values : values.flatMap((value) => (isObject(value) ? listed(value[sub.name]) : []));
  return leaves.filter((value) => value !== '');
}

function listed(value: unknown): readonly unknown[] {
  return value === undefined || value === null ? [] : Array.isArray(value) ? (value as readonly unknown[]) : [value];
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(detail: string): ScimRefusal {
  return new ScimRefusal(400, 'invalidFilter', detail);
}
