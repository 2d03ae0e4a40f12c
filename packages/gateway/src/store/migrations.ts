import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '../kernel/fault.ts';

/** One step of a store's forward-only tree. */
export interface Migration {
  /** `YYYYMMDDhhmm-what` */
  readonly name: string;
  readonly text: string;
}

/** What a store remembers of a step. */
export interface AppliedMigration {
  readonly name: string;
  readonly checksum: string;
}

/**
 * At the end of the checksum of a migration that says of itself `-- Older nodes: go on`: versions that do not know it can work beside it, and with what it
 * left. Of every other one they cannot.
 */
const additive = '-additive';

/** The migrations of this version in a folder, oldest first. */
export function readMigrations(folder: string): readonly Migration[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .map((file) => ({ name: file.slice(0, -'.sql'.length), text: readFileSync(join(folder, file), 'utf8') }));
}

/**
 * Those that a store lacks, oldest first. One that we do not know is a newer version's: passed by where it lets older nodes go on. Faults:
 * `newer_schema` where it does not, `state_broken` where one was changed since.
 */
export function missingMigrations(store: string, migrations: readonly Migration[], applied: readonly AppliedMigration[]): readonly Migration[] {
  const broken = (reason: string): Fault => new Fault('state_broken', { path: `of the ${store}`, reason });
  const known = new Map(migrations.map((migration) => [migration.name, migration]));
  for (const { name, checksum } of applied) {
    const migration = known.get(name);
    if (!migration && checksum.endsWith(additive)) continue;
    if (!migration) throw new Fault('newer_schema', { store, migration: name });
    if (checksumOf(migration) !== checksum) throw broken(`its migration ${name} is not the one of this version of the gateway`);
  }
  const done = new Set(applied.map(({ name }) => name));
  return migrations.filter(({ name }) => !done.has(name));
}

/** Of its text: tells whether a migration was changed after it was applied, and what it means to older nodes. */
export function checksumOf(migration: Migration): string {
  return `${createHash('sha256').update(migration.text).digest('hex')}${letsOlderNodesGoOn(migration) ? additive : ''}`;
}

export function letsOlderNodesGoOn({ text }: Migration): boolean {
  return /^-- Older nodes: go on\b/m.test(text);
}
