/**
 * backup: what a backup of a gateway is as a file: a ZIP of parts, and above them a manifest that names each with its SHA-256 and is
 * signed by the node that wrote it. Imports `kernel/` and `chain/` and knows no store: the same code writes it in a running
 * gateway and checks it on another machine.
 *
 * Promises: bounded memory, however large the backup; a part that was changed, left out or put in is found and named before
 * anything of it is used; a file that was cut is no backup.
 */
import { z } from 'zod';

export const backupFormat = 1;

/** What of the ledger a backup holds: nothing, the sums of costs, or the calls with their bodies too. */
export const ledgerScopes = ['none', 'costs', 'all'] as const;
export type LedgerScope = (typeof ledgerScopes)[number];

export const manifestName = 'manifest.json';
export const signatureName = 'manifest.sig';
export const configName = 'gateway.yaml';

const digest = z.string().regex(/^[0-9a-f]{64}$/);

const partSchema = z.object({
  /** `registry/{table}/{number}.ndjson`, `ledger/{table}/{number}.native`, `gateway.yaml`. */
  name: z.string().regex(/^(?:[a-z0-9_]+\/)*[a-z0-9_.-]+$/),
  rows: z.int().min(0),
  bytes: z.int().min(0),
  sha256: digest,
});
export type BackupPart = z.infer<typeof partSchema>;

const callHead = z.object({ chain: z.string(), entry: z.int(), sequence: z.int(), hash: digest });

export const manifestSchema = z.object({
  format: z.literal(backupFormat),
  /** Of the gateway that wrote it. */
  version: z.string(),
  node: z.string(),
  made_at: z.iso.datetime(),
  registry: z.object({ migrations: z.array(z.object({ name: z.string(), checksum: z.string().regex(/^[0-9a-f]{64}(?:-additive)?$/) })) }),
  audit: z.object({
    /** The organizations that have a chain of events, and where it ends in this backup. */
    heads: z.array(z.object({ organization_id: z.string(), sequence: z.int().min(0), hash: digest })),
    /** Public keys in base64 that the gateway trusted. */
    trusted_keys: z.array(z.string()),
  }),
  ledger: z.object({
    scope: z.enum(ledgerScopes),
    /** Days of calls, UTC, both included; null: all that were kept. */
    from: z.iso.date().nullable(),
    to: z.iso.date().nullable(),
    /** Columns of the tables that are parts, by table. */
    columns: z.record(z.string(), z.array(z.string())),
    /** How far the chains of calls are in it, by organization: as far as checkpoints were signed for. */
    heads: z.record(z.string(), z.array(callHead)),
  }),
  configuration: z.object({
    /** The path that it had; null where there was none. */
    file: z.string().nullable(),
    /** What it refers to and the backup does not hold: secrets by their place, files by their path. */
    references: z.array(z.string()),
  }),
  parts: z.array(partSchema),
});
export type BackupManifest = z.infer<typeof manifestSchema>;

export const signatureSchema = z.object({ key_id: z.string(), public_key: z.string(), signature: z.string() });
