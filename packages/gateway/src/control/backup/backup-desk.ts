/** What a backup is made of beside the stores. */
export interface BackupDesk {
  /** Of the gateway. */
  readonly version: string;
  /** Where what is read in one transaction waits for the reader of the backup: of this user alone. */
  readonly spoolFolder: string;
  /** The configuration file as it is on disk now, and what it refers to. */
  configuration(): {
    /** Null where the gateway has no file. */
    readonly file: string | null;
    readonly text: Buffer | null;
    readonly references: readonly string[];
  };
}
