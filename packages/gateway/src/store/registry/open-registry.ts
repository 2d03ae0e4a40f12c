import { Kysely, PostgresDialect, sql } from 'kysely';
import type { SigningKey } from '../../chain/signing-key.ts';
import type { Log } from '../../kernel/log.ts';
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
import { createInvitationReads, createInvitationWrites } from './invitations.ts';
import { createKeyReads, createKeyWrites } from './keys.ts';
import { migrate } from './migrate.ts';
import { createPeopleReads, createPeopleWrites } from './people.ts';
import { createPriceReads, createPriceWrites } from './prices.ts';
import { createRegistryBackup } from './registry-backup.ts';
import type { RegistryStore } from './registry-store.ts';
import { createServerOrderReads, createServerOrderWrites } from './server-orders.ts';
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
  const database = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: openConnections(address, connectionsMax, log) }) });
  try {
    await linkEarlierEvents(database, auditKey);
  } catch (error) {
    await database.destroy();
    throw error;
  }
  return {
    keys: createKeyReads(database),
    audit: createAuditReads(database),
    prices: createPriceReads(database),
    configObjects: createConfigObjectReads(database),
    people: createPeopleReads(database),
    serverOrders: createServerOrderReads(database),
    backup: createRegistryBackup(database),
    backupRuns: createBackupRunReads(database),
    access: createAccessReads(database),
    directory: createDirectoryReads(database),
    invitations: createInvitationReads(database),
    transaction: (work) =>
      database.transaction().execute((transaction) =>
        work({
          keys: createKeyWrites(transaction),
          prices: createPriceWrites(transaction),
          configObjects: createConfigObjectWrites(transaction),
          audit: createAuditWrites(transaction, auditKey),
          auditStreams: createAuditStreamWrites(transaction),
          backupRuns: createBackupRunWrites(transaction),
          people: createPeopleWrites(transaction),
          serverOrders: createServerOrderWrites(transaction),
          access: createAccessWrites(transaction),
          directory: createDirectoryWrites(transaction),
          invitations: createInvitationWrites(transaction),
          idempotency: createIdempotencyWrites(transaction),
        }),
      ),
    async ping() {
      await sql`select 1 /* registry/ping */`.execute(database);
    },
    close: () => database.destroy(),
  };
}
