import type { PostgresPool, PostgresPoolClient } from 'kysely';
import { Pool, type ClientConfig, type PoolClient, type QueryResult } from 'pg';
import { bounds } from '../../kernel/bounds.ts';
import { Fault } from '../../kernel/fault.ts';
import type { Log } from '../../kernel/log.ts';
import { scopeSetting, type Scope } from './scopes.ts';

/** A server's URL, or the Unix socket of the embedded engine. */
export type RegistryAddress = { readonly url: string } | { readonly socketPath: string };

/** For a free connection, or a new one. The embedded engine does one thing after the other, and many may ask at once. */
const connectTimeoutMs = { embedded: 5_000, server: 3_000 };
const statementTimeoutMs = 1000;
/** The client gives up later than the server, so that the server's own reason is the one that is seen. */
const answerTimeoutMs = 1500;
const waitingMax = 200;

export interface Connections {
  /**
   * Lends connections that are set to a scope; null: as they are, where there is no wall. `remembers`: PostgreSQL keeps each statement parsed, and planned
   * where one plan is as good as the next, for reads outside of transactions: what it then refuses for its own sake is sent again as it was written.
   */
  scoped(scope: Scope | null, remembers?: boolean): PostgresPool;
  end(): Promise<void>;
}

/**
 * A bounded pool for Kysely. A connection that failed in a way that says something about it, not about the statement, is
 * closed and never lent again; what failed for want of the store is the fault `unavailable`.
 */
export function openConnections(address: RegistryAddress, connectionsMax: number, log: Log): Connections {
  const embedded = 'socketPath' in address;
  const pool = new Pool({
    ...clientConfig(address),
    // The embedded engine is one PostgreSQL backend: statements of two connections would mix.
    max: embedded ? 1 : connectionsMax,
    connectionTimeoutMillis: connectTimeoutMs[embedded ? 'embedded' : 'server'],
    statement_timeout: statementTimeoutMs,
    query_timeout: answerTimeoutMs,
    idle_in_transaction_session_timeout: 10_000,
    idleTimeoutMillis: embedded ? 0 : 30_000,
    keepAlive: true,
    allowExitOnIdle: false,
  });
  // Without listeners a connection that the server closes would end the process, idle (the pool's) or lent (its own).
  pool.on('error', (error) => log.warn('registry.connection_lost', { error }));
  pool.on('connect', (client) => {
    client.on('error', () => undefined);
    // One backend for all connections, one after the other: it still has what the last one prepared, by the same names. Where this fails, so does what comes next.
    if (embedded) client.query('deallocate all /* registry/deallocate */').catch(() => undefined);
  });

  /** What each connection is set to. It stays so from one borrower to the next: of one organization nothing is ever set twice. */
  const scopes = new WeakMap<PoolClient, Scope>();
  /** Names of remembered statements, the same on every connection. */
  const names = new Map<string, string>();
  const nameOf = (text: string): string | undefined => {
    const known = names.get(text);
    if (known !== undefined || names.size >= bounds.preparedStatementsMax) return known;
    const name = `read_${names.size}`;
    names.set(text, name);
    return name;
  };

  async function connect(scope: Scope | null, remembers: boolean): Promise<PostgresPoolClient> {
    if (pool.waitingCount >= waitingMax) throw unavailable('too many requests wait for it');
    let client: PoolClient;
    try {
      client = await pool.connect();
    } catch (cause) {
      throw unavailable('it cannot be reached', cause);
    }
    if (scope !== null && scope !== (scopes.get(client) ?? '')) {
      try {
        await client.query(`select set_config('${scopeSetting}', $1, false) /* registry/scope */`, [scope]);
        scopes.set(client, scope);
      } catch (cause) {
        client.release(true);
        throw unavailable('it does not answer in time', cause);
      }
    }
    return guard(client, remembers ? nameOf : () => undefined);
  }

  return {
    // Kysely's `destroy` ends what it has been given: the pool ends once, for all of them.
    scoped: (scope, remembers = false) => ({ options: {}, end: async () => undefined, connect: () => connect(scope, remembers) }),
    end: () => pool.end(),
  };
}

/** What one connection needs. The embedded engine has one user and no password: its socket is owner-only. */
export function clientConfig(address: RegistryAddress): ClientConfig {
  if ('url' in address) return { connectionString: address.url, application_name: 'gatewayops' };
  const folder = address.socketPath.slice(0, address.socketPath.lastIndexOf('/'));
  return {
    host: folder,
    port: Number(address.socketPath.slice(address.socketPath.lastIndexOf('.') + 1)),
    user: 'postgres',
    database: 'postgres',
    password: '',
  };
}

function guard(client: PoolClient, nameOf: (text: string) => string | undefined): PostgresPoolClient {
  let broken = false;
  const run = async (text: string, values: readonly unknown[]): Promise<QueryResult> => {
    const name = nameOf(text);
    if (name === undefined) return client.query(text, [...values]);
    try {
      return await client.query({ name, text, values: [...values] });
    } catch (cause) {
      if (!isAboutPreparing(cause)) throw cause;
      broken = true;
      return client.query(text, [...values]);
    }
  };
  return {
    release: (destroy = false) => client.release(destroy || broken),
    // Only Kysely's streams pass a cursor, and the registry has none.
    query: (async (text: string, values: readonly unknown[]) => {
      try {
        return await run(text, values);
      } catch (cause) {
        if (isAboutStatement(cause)) throw cause;
        broken = !isStatementTimeout(cause);
        throw unavailable('it does not answer in time', cause);
      }
    }) as unknown as PostgresPoolClient['query'],
  };
}

/** SQLSTATE classes (PostgreSQL, appendix A) that blame the statement: 0A, 21–23, 25 but for a read-only server, 2F, 40, 42, P0. */
function isAboutStatement(error: unknown): boolean {
  const code = sqlState(error);
  return code !== null && code !== '25006' && /^(?:0A|21|22|23|25|2F|40|42|P0)/.test(code);
}

/**
 * That a remembered statement cannot be run, which says nothing about the statement: it is not known there or another has its name (a pooler has put another server
 * connection under this one), or what it gives has other columns since a newer node's migration.
 */
function isAboutPreparing(error: unknown): boolean {
  return ['26000', '42P05', '0A000'].includes(sqlState(error) ?? '');
}

function isStatementTimeout(error: unknown): boolean {
  return sqlState(error) === '57014';
}

function sqlState(error: unknown): string | null {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : null;
}

function unavailable(reason: string, cause?: unknown): Fault {
  return new Fault('unavailable', { reason: `the registry is not available: ${reason}` }, { cause });
}
