import type { Config } from '../config/config.ts';
import { asFault, Fault } from '../kernel/fault.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';
import type { ConfigFault } from '../config/config-fault.ts';
import type { HealthState } from '../control/health/read-health.ts';
import type { AppliedChange, ConfigRefusal, ConfigState, Configuration, ReloadResult } from '../control/config/reload-config.ts';

/** A configuration that was read, found good and compared with the one that serves. */
export interface PreparedConfig {
  readonly change: AppliedChange;
  /** Lets it serve; resolves when every worker goes by it. */
  apply(): Promise<void>;
}

export interface ServedConfigOptions {
  readonly file: string | null;
  /** Reads the file. Faults: `config_unreadable`, `config_invalid`. */
  readonly load: () => Config;
  /** Changes nothing. Faults: those of secrets and certificates. */
  readonly prepare: (next: Config) => PreparedConfig;
  readonly clock: Clock;
  readonly log: Log;
}

const loggedFaultsMax = 5;

/** Which configuration serves. A file serves whole or not at all: where one part of it cannot, the one before goes on. */
export function createServedConfig({ file, load, prepare, clock, log }: ServedConfigOptions): Configuration {
  const startedAtMs = clock.nowMs();
  let state: ConfigState = { file, version: 1, appliedAtMs: startedAtMs, checkedAtMs: startedAtMs, refusal: null };
  let last: Promise<unknown> = Promise.resolve();

  async function reload({ dryRun, record }: Parameters<Configuration['reload']>[0]): Promise<ReloadResult> {
    const checkedAtMs = clock.nowMs();
    try {
      const { change, apply } = prepare(load());
      if (change.restart.length > 0) throw new Fault('restart_needed', { settings: change.restart.join(', ') });
      const unchanged = isEmpty(change);
      if (dryRun) return { outcome: unchanged ? 'unchanged' : 'planned', change, refusal: null, state };
      if (unchanged) {
        if (state.refusal !== null) log.info('config.restored', { file, version: state.version });
        state = { ...state, checkedAtMs, refusal: null };
        return { outcome: 'unchanged', change, refusal: null, state };
      }
      await record(change);
      await apply();
      state = { ...state, version: state.version + 1, appliedAtMs: clock.nowMs(), checkedAtMs, refusal: null };
      const { servers, settings, secrets } = change;
      log.info('config.applied', { file, version: state.version, ...servers, settings, secrets });
      return { outcome: 'applied', change, refusal: null, state };
    } catch (error) {
      const refusal = refusalOf(asFault(error));
      if (refusal.code === 'internal_error') log.error('config.reload_failed', { error });
      if (!dryRun) {
        if (JSON.stringify(refusal) !== JSON.stringify(state.refusal))
          log.warn('config.refused', {
            file,
            code: refusal.code,
            reason: refusal.message,
            faults: refusal.faults.slice(0, loggedFaultsMax).map(faultText),
            serving: state.version,
          });
        state = { ...state, checkedAtMs, refusal };
      }
      return { outcome: 'refused', change: null, refusal, state };
    }
  }

  return {
    state: () => state,
    reload(options) {
      const next = last.then(() => reload(options));
      last = next;
      return next;
    },
  };
}

/** For those who look at the health of the gateway: whether the file on disk is what serves. */
export function configurationState({ refusal, version }: ConfigState): HealthState {
  if (refusal === null) return { state: 'ok', reason: null };
  return { state: 'degraded', reason: `the file on disk is not what serves, which is configuration ${version}: ${refusalText(refusal)}` };
}

/** The refusal in one line. */
function refusalText({ message, faults, faultsLeftOut }: ConfigRefusal): string {
  const shown = faults.slice(0, 3).map(faultText);
  const more = faults.length + faultsLeftOut - shown.length;
  return `${message}${shown.length === 0 ? '' : ` ${shown.join('; ')}`}${more > 0 ? `; and ${more} more` : ''}`;
}

function faultText({ line, path, message }: ConfigFault): string {
  return `${line === null ? path : `line ${line}`}: ${message}`;
}

function isEmpty({ servers, settings, secrets }: AppliedChange): boolean {
  return servers.added.length + servers.removed.length + servers.changed.length + settings.length + secrets.length === 0;
}

function refusalOf(fault: Fault): ConfigRefusal {
  const faults = fault.code === 'config_invalid' ? ((fault.extra?.['faults'] ?? []) as readonly ConfigFault[]) : [];
  return { code: fault.code, message: fault.message, fix: fault.fix, faults, faultsLeftOut: Number(fault.extra?.['faults_left_out'] ?? 0) };
}
