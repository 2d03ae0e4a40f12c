import { assembleNode } from '../assemble.ts';
import type { ConfigLoader } from '../config/config-loader.ts';
import type { Config } from '../config/config.ts';
import { bounds } from '../kernel/bounds.ts';
import type { Log } from '../kernel/log.ts';
import type { LineRelay } from './line-relay.ts';
import { openStateFolder } from './state-folder.ts';

export interface StartOptions {
  readonly config: Config;
  /** Where `config` came from. */
  readonly loader: ConfigLoader;
  readonly stateFolder: string;
  readonly log: Log;
  /** What `log` writes. */
  readonly lines: LineRelay;
  readonly onProgress?: (text: string) => void;
}

export interface RunningGateway {
  /** What `gateway start -o json` prints as its first line. */
  readonly ready: { readonly ready: true; readonly url: string; readonly mcp: string; readonly admin_link: string | null; readonly api_key: string | null };
  /** Lets the configuration that is on disk now serve; what becomes of it stands in the log. */
  reload(): void;
  /** Drains and ends; resolves when everything is closed. A second call waits for the same end. */
  stop(): Promise<void>;
  readonly stopped: Promise<{ readonly exitCode: number }>;
}

/** Starts a whole node in this process. Faults: those of the state folder, the stores and the listen address. */
export async function startGateway({ config, loader, stateFolder, log, lines, onProgress = () => undefined }: StartOptions): Promise<RunningGateway> {
  onProgress('opening the state folder');
  const folder = openStateFolder(stateFolder);
  const node = await assembleNode({ config, loader, folder, log, lines, onProgress }).catch((error: unknown) => {
    folder.release();
    throw error;
  });
  const stopped = Promise.withResolvers<{ readonly exitCode: number }>();
  let stopping: Promise<void> | null = null;
  const end = (exitCode: number): void => {
    folder.release();
    stopped.resolve({ exitCode });
  };
  return {
    ready: { ready: true, url: node.url, mcp: `${node.url}/mcp`, admin_link: node.first.adminLink, api_key: node.first.apiKey },
    reload: () => void node.reload(),
    stop() {
      stopping ??= node.stop(bounds.drainGraceMs).then(
        () => end(0),
        (error: unknown) => {
          log.error('stop_failed', { error });
          end(1);
        },
      );
      return stopping;
    },
    stopped: stopped.promise,
  };
}
