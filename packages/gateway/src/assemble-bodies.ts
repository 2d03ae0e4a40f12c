/** The way of the bodies of calls, for the supervisor: the process that masks them, and what takes them to the ledger. Part of `assemble.ts`. */
import { startMasking, type Masking } from './bodies/start-masking.ts';
import type { Config } from './config/config.ts';
import type { HealthProbe } from './control/health/read-health.ts';
import type { Log } from './kernel/log.ts';
import type { Closers } from './node/closers.ts';
import type { StateFolder } from './node/state-folder.ts';
import type { LedgerStore } from './store/ledger/ledger-store.ts';
import { createBodySink } from './store/ledger/payloads.ts';
import { startBodyDrain } from './telemetry/body-drain.ts';
import type { Drain } from './telemetry/drain.ts';
import type { Tap } from './telemetry/tap.ts';

export interface BodiesOptions {
  readonly config: Config;
  readonly folder: StateFolder;
  readonly ledger: LedgerStore;
  /** Of the journal, which comes before bodies where there is little room. */
  readonly drain: Drain;
  readonly tap: Tap;
  readonly log: Log;
  readonly closers: Closers;
}

export interface Bodies {
  readonly masking: Masking;
  readonly probe: HealthProbe;
  /** What was dropped or lost on the way behind the workers, since the start. */
  gone(): { readonly dropped: number; readonly lost: number };
  /** Once the workers are gone: what they have handed over is masked and taken to the ledger, as far as that goes in `timeoutMs`. */
  finish(timeoutMs: number): Promise<void>;
}

export function openBodies({ config, folder, ledger, drain, tap, log, closers }: BodiesOptions): Bodies {
  const { paths, boot } = folder;
  const bodyDrain = startBodyDrain({
    folder: paths.bodies,
    ledger: createBodySink(ledger),
    log: log.child({ part: 'telemetry' }),
    spoolBytesMax: config.journal.spoolBytesMax,
    otherBytes: () => drain.status().lagBytes,
    tap,
  });
  closers.add('body drain', () => bodyDrain.stop());
  const masking = startMasking({
    rules: config.record.masking,
    folder: paths.bodies,
    boot,
    socketPath: paths.maskingSocket,
    log: log.child({ part: 'masking' }),
  });
  closers.add('masking', () => masking.stop());
  const gone = (): { dropped: number; lost: number } => {
    const { dropped, lost } = bodyDrain.status();
    return { dropped, lost: lost + masking.lost() };
  };
  return {
    masking,
    gone,
    probe: {
      name: 'bodies',
      required: false,
      check() {
        if (masking.pid() === null) return { state: 'degraded', reason: 'the masking process is being started again; bodies of calls may be lost meanwhile' };
        const { dropped, lost } = gone();
        return {
          state: 'ok',
          reason: dropped + lost === 0 ? null : `since the start ${dropped + lost} records of bodies were dropped or lost; the log says when and why`,
        };
      },
    },
    async finish(timeoutMs) {
      await masking.stop();
      await bodyDrain.flush(timeoutMs);
    },
  };
}
