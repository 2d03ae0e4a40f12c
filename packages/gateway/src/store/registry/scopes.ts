/**
 * Whose rows a statement can reach. Every table with an organization has row security (`202611292300-row-security.sql`): a statement sees and writes the rows
 * of the one organization that its connection, or its transaction, is set to, and none where it is set to none. So each statement names its organization
 * in its own words, and is held to it by PostgreSQL where it forgets to.
 */
import { sql, type Kysely } from 'kysely';
import { organizationIdOf, type OrganizationId } from '../../kernel/id.ts';
import type { Tables } from './tables.ts';

/** `*`: of every organization, for what is of none and for finding whose something is; empty: of none. */
export type Scope = OrganizationId | '*' | '';

export const scopeSetting = 'gatewayops.organization';

type Methods = Readonly<Record<string, (...given: readonly unknown[]) => unknown>>;

/** Each method runs as the organization that its first parameter is or has; those of `crossing`, which have none, as every one. */
export function scopedReads<Port extends object>(
  make: (database: Kysely<Tables>) => Port,
  of: (scope: Scope) => Kysely<Tables>,
  crossing: readonly (keyof Port & string)[] = [],
): Port {
  return eachMethod(make(of('')), (name, given) => {
    const methods = make(of(scopeOf(name, given[0], crossing))) as Methods;
    return methods[name]?.(...given);
  });
}

/** The same inside a transaction: `enter` sets it to the scope before the method runs. */
export function scopedWrites<Port extends object>(port: Port, enter: (scope: Scope) => Promise<void>, crossing: readonly (keyof Port & string)[] = []): Port {
  const methods = port as Methods;
  return eachMethod(port, async (name, given) => {
    await enter(scopeOf(name, given[0], crossing));
    return methods[name]?.(...given);
  });
}

/** Sets a transaction to one scope after the other. */
export function scopeOfTransaction(transaction: Kysely<Tables>): (scope: Scope) => Promise<void> {
  let current: Scope = '';
  return async (scope) => {
    if (scope === current) return;
    // At once: what runs beside comes behind it on the same connection.
    current = scope;
    await sql`select set_config(${scopeSetting}, ${scope}, true) /* registry/scope */`.execute(transaction);
  };
}

function eachMethod<Port extends object>(port: Port, call: (name: string, given: readonly unknown[]) => unknown): Port {
  const methods = Object.keys(port).map((name) => [name, (...given: readonly unknown[]) => call(name, given)] as const);
  // The same names with the same parameters: what is called is the port's own method.
  return Object.fromEntries(methods) as Port;
}

function scopeOf(name: string, first: unknown, crossing: readonly string[]): Scope {
  if (crossing.includes(name)) return '*';
  const named: unknown = typeof first === 'object' && first !== null && 'organizationId' in first ? first.organizationId : first;
  const organizationId = typeof named === 'string' ? organizationIdOf(named) : null;
  if (organizationId === null) throw new TypeError(`${name} is asked for no organization`);
  return organizationId;
}
