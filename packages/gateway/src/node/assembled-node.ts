/** A node as whoever starts it sees it. */
import type { ConfigLoader } from '../config/config-loader.ts';
import type { Config } from '../config/config.ts';
import type { ReloadResult } from '../control/config/reload-config.ts';
import type { FirstStart } from '../control/first-start.ts';
import type { Log } from '../kernel/log.ts';
import type { LineRelay } from './line-relay.ts';
import type { StateFolder } from './state-folder.ts';

export interface NodeOptions {
  readonly config: Config;
  /** Where `config` came from. */
  readonly loader: ConfigLoader;
  readonly folder: StateFolder;
  readonly log: Log;
  /** What `log` writes. */
  readonly lines: LineRelay;
  readonly onProgress: (text: string) => void;
}

/** A running node. */
export interface AssembledNode {
  readonly url: string;
  readonly first: FirstStart;
  /** Lets the configuration that is on disk now serve, as far as it can; never rejects. */
  reload(): Promise<ReloadResult>;
  /** Refuses new calls, lets those under way end, writes what is recorded to the ledger as far as it goes, closes everything. */
  stop(graceMs: number): Promise<void>;
}
