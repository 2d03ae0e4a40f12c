import { Kysely, PostgresDialect, sql } from 'kysely';
import type { SigningKey } from '../../chain/signing-key.ts';
import type { Log } from '../../kernel/log.ts';
import { bounds } from '../../kernel/bounds.ts';
import { createAccessReads, createAccessWrites } from './access.ts';
import { linkEarlierEvents } from './audit-chain.ts';
import { createAuditReads } from './audit-reads.ts';
import { createAuditStreamWrites } from './audit-streams.ts';
import { createAuditWrites } from './audit-writes.ts';
import { createBackupRunReads, createBackupRunWrites } from './backup-runs.ts';
import { createConfigObjectReads, createConfigObjectWrites } from './config-objects.ts';
import { openConnections, type RegistryAddress } from './connections.ts';
import { createDirectoryReads, createDirectoryWrites } from './directory.ts';
import { createIdempotencyWrites } from './idempotency-keys.ts';
import { createIdentityReads, createIdentityWrites } from './identity-links.ts';
import { createInvitationReads, createInvitationWrites } from './invitations.ts';
import { createKeyReads, createKeyWrites } from './keys.ts';
import { createOauthClientReads, createOauthClientWrites, createOauthKeyReads, createOauthKeyWrites } from './oauth-clients.ts';
import { createGrantReads, createGrantWrites } from './oauth-grants.ts';
import { migrate } from './migrate.ts';
import { createOrganizationReads, createOrganizationWrites } from './organizations.ts';
import { createPeopleReads, createPeopleWrites } from './people.ts';
import { createPriceReads, createPriceWrites } from './prices.ts';
import { createRegistryBackup } from './registry-backup.ts';
import type { RegistryStore } from './registry-store.ts';
import { createSavedViewReads, createSavedViewWrites } from './saved-views.ts';
import { scopedReads, scopedWrites, scopeOfTransaction, type Scope } from './scopes.ts';
import { createScimReads, createScimWrites } from './scim.ts';
import { createServerOrderReads, createServerOrderWrites } from './server-orders.ts';
import { createAssertionWrites } from './used-assertions.ts';
import type { Tables } from './tables.ts';

export interface RegistryOptions {
  readonly address: RegistryAddress;
  readonly connectionsMax: number;
  /** What events of the audit are signed with. */
  readonly auditKey: SigningKey;
  readonly log: Log;
}

/**
 * The registry behind a PostgreSQL wire protocol, brought up to date first. Faults: `state_broken` where its migrations
 * are not ours, `unavailable` where it does not answer.
 */
export async function openRegistry({ address, connectionsMax, auditKey, log }: RegistryOptions): Promise<RegistryStore> {
  await migrate(address, log);
  const connections = openConnections(address, connectionsMax, log);
  const databaseAt = (scope: Scope | null, remembers = false): Kysely<Tables> =>
    new Kysely<Tables>({ dialect: new PostgresDialect({ pool: connections.scoped(scope, remembers) }) });
  const everyone = databaseAt('*');
  let isWalled: boolean;
  try {
    isWalled = await hasWall(address, everyone, log);
    await linkEarlierEvents(everyone, auditKey);
  } catch (error) {
    await connections.end();
    throw error;
  }
  const known = new Map<Scope, Kysely<Tables>>();
  const unscoped = databaseAt(isWalled ? '' : null);
  const unwalledReads = databaseAt(null, true);
  /** For reads: statements that PostgreSQL remembers. Changes run in transactions, which one that it refuses for that would end. */
  const at = (scope: Scope): Kysely<Tables> => {
    if (!isWalled) return unwalledReads;
    const own = known.get(scope);
    if (own !== undefined) return own;
    if (known.size > bounds.organizationsMax) known.clear();
    const made = databaseAt(scope, true);
    known.set(scope, made);
    return made;
  };
  return {
    organizations: scopedReads(createOrganizationReads, at, ['list', 'ids']),
    keys: scopedReads(createKeyReads, at, ['findByPrefix']),
    audit: scopedReads(createAuditReads, at, ['keys', 'heads']),
    prices: scopedReads(createPriceReads, at),
    people: scopedReads(createPeopleReads, at),
    serverOrders: scopedReads(createServerOrderReads, at),
    backup: createRegistryBackup(everyone),
    backupRuns: scopedReads(createBackupRunReads, at),
    access: scopedReads(createAccessReads, at, ['revisions']),
    directory: scopedReads(createDirectoryReads, at),
    invitations: scopedReads(createInvitationReads, at, ['findByToken']),
    identities: scopedReads(createIdentityReads, at),
    configObjects: scopedReads(createConfigObjectReads, at),
    grants: scopedReads(createGrantReads, at, ['findByToken']),
    scim: scopedReads(createScimReads, at),
    savedViews: scopedReads(createSavedViewReads, at),
    oauthClients: createOauthClientReads(everyone),
    oauthKeys: createOauthKeyReads(everyone),
    transaction: (work) =>
      unscoped.transaction().execute((transaction) => {
        const enter = isWalled ? scopeOfTransaction(transaction) : async () => undefined;
        return work({
          organizations: scopedWrites(createOrganizationWrites(transaction), enter, ['count', 'insert', 'update']),
          keys: scopedWrites(createKeyWrites(transaction), enter),
          prices: scopedWrites(createPriceWrites(transaction), enter),
          audit: scopedWrites(createAuditWrites(transaction, auditKey), enter, ['insertKey']),
          auditStreams: scopedWrites(createAuditStreamWrites(transaction), enter),
          backupRuns: scopedWrites(createBackupRunWrites(transaction), enter, ['hold', 'end', 'delete']),
          people: scopedWrites(createPeopleWrites(transaction), enter),
          serverOrders: scopedWrites(createServerOrderWrites(transaction), enter),
          access: scopedWrites(createAccessWrites(transaction), enter),
          directory: scopedWrites(createDirectoryWrites(transaction), enter),
          invitations: scopedWrites(createInvitationWrites(transaction), enter),
          identities: scopedWrites(createIdentityWrites(transaction), enter),
          assertions: scopedWrites(createAssertionWrites(transaction), enter),
          configObjects: scopedWrites(createConfigObjectWrites(transaction), enter),
          idempotency: scopedWrites(createIdempotencyWrites(transaction), enter),
          grants: scopedWrites(createGrantWrites(transaction), enter),
          scim: scopedWrites(createScimWrites(transaction), enter),
          savedViews: scopedWrites(createSavedViewWrites(transaction), enter),
          oauthClients: createOauthClientWrites(transaction),
          oauthKeys: createOauthKeyWrites(transaction),
        });
      }),
    async ping() {
      await sql`select 1 /* registry/ping */`.execute(unscoped);
    },
    close: () => connections.end(),
  };
}

/** Whether PostgreSQL keeps organizations apart by itself. The embedded engine's only user is its superuser, whom nothing is kept from. */
async function hasWall(address: RegistryAddress, database: Kysely<Tables>, log: Log): Promise<boolean> {
  if ('socketPath' in address) return false;
  const { rows } = await sql<{
    bypasses: boolean;
  }>`select rolsuper or rolbypassrls as bypasses from pg_roles where rolname = current_user /* registry/wall */`.execute(database);
  if (rows[0]?.bypasses !== true) return true;
  log.warn('registry.row_security_bypassed', {
    reason: 'the user of DATABASE_URL is a superuser, or bypasses row security: give the gateway a role of its own',
  });
  return false;
}
