import { bounds } from '../../kernel/bounds.ts';
import { booleanOf, isObject } from './match-filter.ts';
import { ScimRefusal } from './scim-refusal.ts';
import { allAttributes, attributeNamed, type ScimAttribute, type ScimSchema } from './schemas.ts';

/** A user or group as it is kept: attributes spelled as in the schema, nothing in it that the schema does not have. */
export type ScimResource = Readonly<Record<string, unknown>>;

/**
 * What of a body is kept. Attributes are known in any letter case; what the schema does not have, and what only the gateway writes, is left out: providers
 * send more than is asked for. Refusals: `invalidSyntax`, `invalidValue`.
 */
export function readResource(schema: ScimSchema, body: unknown): ScimResource {
  if (!isObject(body)) throw new ScimRefusal(400, 'invalidSyntax', 'the body must be a JSON object');
  requireSchema(schema, body);
  const written = new Map<string, unknown>();
  for (const [name, value] of Object.entries(body)) {
    const attribute = attributeNamed(allAttributes(schema), name);
    if (attribute === null || attribute.mutability === 'readOnly') continue;
    const read = readAttribute(attribute, value);
    if (read !== undefined) written.set(attribute.name, read);
  }
  return requireWhole(schema, Object.fromEntries(written));
}

/** What PUT makes of a resource: what it leaves out is gone, but for what the provider calls it by, and whether a user is in. */
export function replaceResource({ externalId, active }: ScimResource, written: ScimResource): ScimResource {
  return { ...(externalId === undefined ? {} : { externalId }), ...(active === undefined ? {} : { active }), ...written };
}

/** That all that is required is there. Refusals: `invalidValue`. */
export function requireWhole(schema: ScimSchema, resource: ScimResource): ScimResource {
  for (const { name, required } of schema.attributes) {
    const value = resource[name];
    if (required && (typeof value !== 'string' || value.trim() === '')) throw invalid(`${name} is required`);
  }
  return resource;
}

function requireSchema({ urn }: ScimSchema, body: Record<string, unknown>): void {
  const [, schemas] = Object.entries(body).find(([name]) => name.toLowerCase() === 'schemas') ?? [];
  if (schemas === undefined) return;
  if (!Array.isArray(schemas) || !schemas.some((one) => typeof one === 'string' && one.toLowerCase() === urn.toLowerCase()))
    throw new ScimRefusal(400, 'invalidSyntax', `schemas must name ${urn}`);
}

/** A value as it is kept; undefined: none. Refusals: `invalidValue`. */
export function readAttribute(attribute: ScimAttribute, value: unknown): unknown {
  if (value === null || value === undefined) return undefined;
  if (!attribute.multiValued) return readOne(attribute, value);
  const values = (Array.isArray(value) ? (value as readonly unknown[]) : [value]).map((one) => readOne(attribute, one)).filter((one) => one !== undefined);
  const most = attribute.name === 'emails' ? bounds.scimEmailsMax : bounds.scimMembersMax;
  if (values.length > most) throw invalid(`${attribute.name} has more than ${most} values`);
  if (values.filter((one) => isObject(one) && one['primary'] === true).length > 1) throw invalid(`more than one of ${attribute.name} is primary`);
  // Each once: a text of the parts in the order of the schema tells one from another.
  const once = [...new Map(values.map((one) => [JSON.stringify(one), one])).values()];
  return once.length === 0 ? undefined : once;
}

function readOne({ name, type, subAttributes = [] }: ScimAttribute, value: unknown): unknown {
  if (type === 'complex') return readComplex(name, subAttributes, value);
  if (type === 'boolean') {
    const read = booleanOf(value);
    if (read === null) throw invalid(`${name} must be true or false`);
    return read;
  }
  if (typeof value !== 'string') throw invalid(`${name} must be a text`);
  if (value.length > bounds.scimTextCharsMax) throw invalid(`${name} is longer than ${bounds.scimTextCharsMax} characters`);
  if (/\p{Cc}/u.test(value) || !value.isWellFormed()) throw invalid(`${name} must not hold control characters`);
  return value === '' ? undefined : value;
}

function readComplex(name: string, subAttributes: readonly ScimAttribute[], value: unknown): unknown {
  const whole = attributeNamed(subAttributes, 'value');
  const parts = typeof value === 'string' && whole !== null ? { value } : value;
  if (!isObject(parts)) throw invalid(`${name} must be an object`);
  const read = new Map<string, unknown>();
  for (const [part, held] of Object.entries(parts)) {
    const sub = attributeNamed(subAttributes, part);
    const own = sub === null || sub.mutability === 'readOnly' || held === null ? undefined : readOne(sub, held);
    if (sub !== null && own !== undefined) read.set(sub.name, own);
  }
  // In the order of the schema.
  const kept = subAttributes.flatMap((sub) => (read.has(sub.name) ? [[sub.name, read.get(sub.name)] as const] : []));
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

function invalid(detail: string): ScimRefusal {
  return new ScimRefusal(400, 'invalidValue', detail);
}
