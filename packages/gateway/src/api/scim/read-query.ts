import type { ListInput } from '../../control/scim/list-resources.ts';
import { isObject } from '../../control/scim/match-filter.ts';
import { ScimRefusal } from '../../control/scim/scim-refusal.ts';
import { bounds } from '../../kernel/bounds.ts';

/** Which attributes a client asks for (RFC 7644 section 3.9). */
export interface Projection {
  readonly attributes: readonly string[];
  readonly excluded: readonly string[];
}

export interface ReadQuery {
  readonly list: Omit<ListInput, 'withTies'>;
  readonly projection: Projection;
}

const namesMax = 100;
const searchUrn = 'urn:ietf:params:scim:api:messages:2.0:SearchRequest';

/** The parameters of a list (RFC 7644 section 3.4.2). Refusals: `invalidValue`. */
export function readQuery(query: Readonly<Record<string, string>>): ReadQuery {
  return read(new Map(Object.entries(query).map(([name, value]) => [name.toLowerCase(), value])));
}

/** The same in a body (RFC 7644 section 3.4.3). Refusals: `invalidSyntax`, `invalidValue`. */
export function readSearch(body: unknown): ReadQuery {
  if (!isObject(body)) throw new ScimRefusal(400, 'invalidSyntax', 'the body must be a JSON object');
  const { schemas } = body;
  if (schemas !== undefined && !(Array.isArray(schemas) && schemas.includes(searchUrn)))
    throw new ScimRefusal(400, 'invalidSyntax', `schemas must name ${searchUrn}`);
  const parameters = Object.entries(body).flatMap(([name, value]): [string, string][] => {
    if (value === null || name === 'schemas') return [];
    if (Array.isArray(value)) return [[name.toLowerCase(), value.filter((one) => typeof one === 'string').join(',')]];
    return typeof value === 'string' || typeof value === 'number' ? [[name.toLowerCase(), String(value)]] : [];
  });
  return read(new Map(parameters));
}

function read(parameters: ReadonlyMap<string, string>): ReadQuery {
  const order = parameters.get('sortorder')?.toLowerCase();
  if (order !== undefined && order !== 'ascending' && order !== 'descending')
    throw new ScimRefusal(400, 'invalidValue', 'sortOrder must be ascending or descending');
  return {
    list: {
      filter: parameters.get('filter') ?? null,
      sortBy: parameters.get('sortby') ?? null,
      descending: order === 'descending',
      startIndex: Math.max(1, numberOf(parameters, 'startindex', 1)),
      count: Math.min(bounds.scimPageMax, Math.max(0, numberOf(parameters, 'count', bounds.scimPageDefault))),
    },
    projection: { attributes: namesOf(parameters, 'attributes'), excluded: namesOf(parameters, 'excludedattributes') },
  };
}

function numberOf(parameters: ReadonlyMap<string, string>, name: string, otherwise: number): number {
  const text = parameters.get(name);
  if (text === undefined) return otherwise;
  if (!/^-?\d{1,9}$/.test(text)) throw new ScimRefusal(400, 'invalidValue', `${name} must be a whole number`);
  return Number(text);
}

function namesOf(parameters: ReadonlyMap<string, string>, name: string): readonly string[] {
  const names = (parameters.get(name) ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
  if (names.length > namesMax) throw new ScimRefusal(400, 'invalidValue', `${name} names more than ${namesMax}`);
  return names;
}
