import type { ConfigFault } from '../../config/config-fault.ts';
import type { ConfigChange } from '../../plan/plan-change.ts';
import { auditEvent } from '../audit/audit-event.ts';
import type { ControlContext } from '../context.ts';

/** The configuration that serves, and whether it is the one on disk. */
export interface ConfigState {
  /** Absolute path, or null where the environment alone configures. */
  readonly file: string | null;
  /** Counts the configurations that have served since the start; the first is 1. */
  readonly version: number;
  readonly appliedAtMs: number;
  /** When the file was last read. */
  readonly checkedAtMs: number;
  /** Why the file on disk is not what serves; null where it is. */
  readonly refusal: ConfigRefusal | null;
}

export interface ConfigRefusal {
  readonly code: string;
  readonly message: string;
  readonly fix: string;
  /** Of a file that is wrong in itself: each fault with its place. */
  readonly faults: readonly ConfigFault[];
  readonly faultsLeftOut: number;
}

/** What is applied beside the settings themselves: secrets whose value is another one than before. */
export interface AppliedChange extends ConfigChange {
  /** Servers whose credential or variables hold a new secret. */
  readonly secrets: readonly string[];
}

export interface ReloadResult {
  /** `planned`: it would be applied, but nothing was to be. */
  readonly outcome: 'applied' | 'unchanged' | 'planned' | 'refused';
  /** Null where it was refused. */
  readonly change: AppliedChange | null;
  /** Null unless it was refused. */
  readonly refusal: ConfigRefusal | null;
  readonly state: ConfigState;
}

/** How the node reads its configuration anew; one reload at a time. */
export interface Configuration {
  state(): ConfigState;
  /** Never rejects: what is wrong is the refusal. `record` runs before anything changes; where it fails, nothing does. */
  reload(options: { readonly dryRun: boolean; readonly record: (change: AppliedChange) => Promise<void> }): Promise<ReloadResult>;
}

/** Reads the file and all secrets anew and lets them serve as a whole, or not at all. A refusal is audited once, until it is another one. */
export async function reloadConfig(context: ControlContext, { dryRun }: { readonly dryRun: boolean }): Promise<ReloadResult> {
  const { registry, configuration, log } = context;
  const file = configuration.state().file ?? 'environment';
  const refusedBefore = JSON.stringify(configuration.state().refusal);
  const result = await configuration.reload({
    dryRun,
    async record({ servers, settings, secrets }) {
      await registry.transaction(({ audit }) => audit.insert(auditEvent(context, 'config.applied', file, { servers, settings, secrets })));
    },
  });
  const { refusal } = result;
  if (refusal !== null && !dryRun && JSON.stringify(refusal) !== refusedBefore) {
    const faults = refusal.faults.slice(0, faultsAuditedMax).map(({ path, line, message }) => ({ path, line, message }));
    const event = auditEvent(context, 'config.refused', file, { code: refusal.code, message: refusal.message, faults }, 'failed');
    // The refusal stands, recorded or not: nothing was changed.
    await registry.transaction(({ audit }) => audit.insert(event)).catch((error: unknown) => log.error('audit.event_lost', { action: event.action, error }));
  }
  return result;
}

const faultsAuditedMax = 20;
