import type { ObjectName } from '../kernel/config-object.ts';
import { Fault } from '../kernel/fault.ts';

/** One thing wrong with the configuration: where, what, why it is wrong, and what to write instead. Never holds a secret's value. */
export interface ConfigFault {
  /** 1-based; null where the fault is not in the file (an environment variable, an option). */
  readonly line: number | null;
  readonly column: number | null;
  /** The setting (`servers[0].timeout`), or the name of the variable or option. */
  readonly path: string;
  readonly message: string;
  readonly cause: string;
  readonly fix: string;
  /** Starting so would expose something: `gateway start` refuses with its own exit code. */
  readonly unsafe?: true;
  /** What was made beside the file that it is about: it has no line. */
  readonly object?: ObjectName;
}

export type Path = readonly (string | number)[];

/** Faults above this number say nothing new; the rest is counted. */
export const faultsMax = 100;

/** `config_invalid` with every fault, in the order of the file, as `extra.faults`. */
export function configInvalid(file: string | null, faults: readonly ConfigFault[]): Fault {
  const sorted = [...faults].sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
  return new Fault('config_invalid', {}, { extra: { file, faults: sorted.slice(0, faultsMax), faults_left_out: Math.max(0, sorted.length - faultsMax) } });
}

/** The faults that a `config_invalid` carries. */
export function configFaultsOf(fault: Fault): readonly ConfigFault[] {
  return fault.code === 'config_invalid' ? ((fault.extra?.['faults'] as readonly ConfigFault[] | undefined) ?? []) : [];
}

/** `servers[0].env.LANG`; the empty path is the file itself. */
export function pathText(path: Path): string {
  return path.map((step, index) => (typeof step === 'number' ? `[${step}]` : index === 0 ? step : `.${step}`)).join('') || 'the file';
}
