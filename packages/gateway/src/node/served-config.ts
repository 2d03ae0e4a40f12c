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
  /** It says the same in other words: nothing is to be done, but where it says it may be another place. */
  note?(): void;
}

/** The configuration of a node, one change after the other. */
export interface ServedConfig extends Configuration {
  /** Lets another one serve that is not of the file alone; what `prepare` finds is applied in its turn. Faults: those of `prepare`. */
  renew(prepare: () => PreparedConfig): Promise<void>;
}

export interface ServedConfigOptions<Loaded> {
  readonly file: string | null;
  /** Reads the file. Faults: `config_unreadable`, `config_invalid`. */
  readonly load: () => Loaded;
  /** Changes nothing. Faults: those of secrets and certificates. */
  readonly prepare: (next: Loaded) => PreparedConfig;
  readonly clock: Clock;
  readonly log: Log;
}

const loggedFaultsMax = 5;

/** Which configuration serves. A file serves whole or not at all: where one part of it cannot, the one before goes on. */
export function createServedConfig<Loaded>({ file, load, prepare, clock, log }: ServedConfigOptions<Loaded>): ServedConfig {
  const startedAtMs = clock.nowMs();
  let state: ConfigState = { file, version: 1, appliedAtMs: startedAtMs, checkedAtMs: startedAtMs, refusal: null };
  let last: Promise<unknown> = Promise.resolve();

  async function reload({ dryRun, record }: Parameters<Configuration['reload']>[0]): Promise<ReloadResult> {
    const checkedAtMs = clock.nowMs();
    try {
      const { change, apply, note } = prepare(load());
      if (change.restart.length > 0) throw new Fault('restart_needed', { settings: change.restart.join(', ') });
      const unchanged = isEmpty(change);
      if (dryRun) return { outcome: unchanged ? 'unchanged' : 'planned', change, refusal: null, state };
      if (unchanged) {
        note?.();
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

  async function renew(prepareNext: () => PreparedConfig): Promise<void> {
    const { change, apply } = prepareNext();
    await apply();
    if (isEmpty(change)) return;
    state = { ...state, version: state.version + 1, appliedAtMs: clock.nowMs() };
    const { servers, settings, secrets } = change;
    log.info('config.renewed', { version: state.version, ...servers, settings, secrets });
  }

  return {
    state: () => state,
    renew(prepareNext) {
      const next = last.catch(() => undefined).then(() => renew(prepareNext));
      last = next;
      return next;
    },
    reload(options) {
      const next = last.catch(() => undefined).then(() => reload(options));
      last = next;
      return next;
    },
  };
}

/** For those who look at the health of the gateway: whether the file on disk is what serves, and what was made beside it. `resting`: what does not, and why. */
export function configurationState({ refusal, version }: ConfigState, resting: ReadonlyMap<string, string>): HealthState {
  if (refusal === null) {
    const [first] = resting;
    if (first === undefined) return { state: 'ok', reason: null };
    const more = resting.size > 1 ? `; and ${resting.size - 1} more` : '';
    return { state: 'degraded', reason: `something that was made by the API cannot serve here: ${first[0]}: ${first[1]}${more}` };
  }
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
