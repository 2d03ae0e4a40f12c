/** The processes of a gateway by what they are, seen from outside by their command lines. Linux only. */
import { readFileSync } from 'node:fs';
import { isAlive, processTree } from './processes.ts';

export type Part = 'supervisor' | 'worker' | 'registry' | 'ledger' | 'masking' | 'bridge' | 'child';

export interface GatewayProcess {
  readonly pid: number;
  readonly part: Part;
}

const entries: readonly (readonly [Part, RegExp])[] = [
  ['worker', /\/node\/worker\.[jt]s/],
  ['registry', /\/store\/registry\/embedded-engine\.[jt]s/],
  ['ledger', /\/store\/ledger\/embedded-engine\.[jt]s/],
  ['masking', /\/bodies\/masking-process\.[jt]s/],
  ['bridge', /\/bridge\/main\.[jt]s/],
];

/** All that live, the supervisor first; a program behind a bridge, and what it started, is a `child`. */
export function gatewayProcesses(pid: number): GatewayProcess[] {
  return processTree(pid)
    .filter(isAlive)
    .map((member) => ({ pid: member, part: member === pid ? 'supervisor' : partOf(member) }));
}

/** The ids of those of one part. */
export function pidsOf(gateway: { readonly pid: number }, part: Part): number[] {
  return gatewayProcesses(gateway.pid).flatMap((member) => (member.part === part ? [member.pid] : []));
}

function partOf(pid: number): Part {
  const command = commandLineOf(pid);
  return entries.find(([, form]) => form.test(command))?.[0] ?? 'child';
}

/** Words separated by NUL, as the kernel has them; empty where the process is gone. */
export function commandLineOf(pid: number): string {
  return textOf(`/proc/${pid}/cmdline`);
}

/** `NAME=value` separated by NUL; empty where the process is gone. */
export function environmentOf(pid: number): string {
  return textOf(`/proc/${pid}/environ`);
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
