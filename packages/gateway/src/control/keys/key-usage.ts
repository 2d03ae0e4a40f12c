/** What a key has been used for, from the ledger. */
export interface KeyUsage {
  /** Milliseconds since the epoch; null: never used. */
  readonly lastUsedMs: number | null;
  readonly calls: number;
  /** Nano-dollars. */
  readonly costNano: bigint;
}

export interface KeyUsageReader {
  /** Usage of each of the keys that has any, by key id. Faults: `unavailable`. */
  keyUsage(organizationId: string, keyIds: readonly string[]): Promise<ReadonlyMap<string, KeyUsage>>;
}
