import { relative } from 'node:path';
import picocolors from 'picocolors';
import { configFaultsOf, type ConfigFault } from '../config/config-fault.ts';
import type { Environment } from '../config/environment.ts';
import { asFault, type Fault } from '../kernel/fault.ts';
import { countText } from './say.ts';
import { exitCodes } from './exit-codes.ts';
import { plain, wantsColor, type Format } from './output.ts';
import { RemoteFault } from './remote-fault.ts';

interface Problem {
  readonly code: string;
  readonly message: string;
  readonly cause: string | null;
  readonly fix: string | null;
  readonly requestId: string | null;
  readonly faults: readonly ConfigFault[];
  readonly faultsLeftOut: number;
  readonly file: string | null;
  readonly exitCode: number;
}

/** Says on stderr what failed, why and what mends it: as text, or one JSON document with -o json and ndjson. Returns the exit code. */
export function reportProblem(
  thrown: unknown,
  { format, color, env }: { readonly format: Format; readonly color: boolean; readonly env: Environment },
): number {
  const problem = toProblem(thrown);
  const paint = picocolors.createColors(color && wantsColor(env, process.stderr.isTTY));
  process.stderr.write(`${format === 'text' ? problemText(problem, paint) : JSON.stringify(problemBody(problem))}\n`);
  return problem.exitCode;
}

/** One fault of the configuration as lines: its place, what is wrong, the cause and the fix. */
export function configFaultText(fault: ConfigFault, file: string | null, paint: ReturnType<typeof picocolors.createColors>): string {
  const place = fault.line === null ? fault.path : `${file === null ? 'gateway.yaml' : shortPath(file)}:${fault.line}:${fault.column ?? 1}`;
  return `${paint.bold(place)}  ${plain(fault.message, 400)}\n    cause: ${plain(fault.cause, 600)}\n    fix: ${plain(fault.fix, 600)}`;
}

/** Relative to the working folder where the file lies in it. */
export function shortPath(file: string): string {
  const path = relative(process.cwd(), file);
  return path === '' || path.startsWith('..') ? file : path;
}

export function configFaultBody({ unsafe: _, ...fault }: ConfigFault): Omit<ConfigFault, 'unsafe'> {
  return fault;
}

function toProblem(thrown: unknown): Problem {
  const none = { faults: [], faultsLeftOut: 0, file: null, requestId: null };
  if (thrown instanceof RemoteFault)
    return {
      ...none,
      code: thrown.code,
      message: thrown.message,
      cause: thrown.reason,
      fix: thrown.fix,
      requestId: thrown.requestId,
      exitCode: thrown.exitCode,
    };
  const fault = asFault(thrown);
  const faults = configFaultsOf(fault);
  const cause = fault.cause instanceof Error ? fault.cause.message : null;
  if (faults.length > 0) {
    const file = typeof fault.extra?.['file'] === 'string' ? fault.extra['file'] : null;
    const leftOut = Number(fault.extra?.['faults_left_out'] ?? 0);
    const message = `The configuration${file === null ? '' : ` ${shortPath(file)}`} has ${countText(faults.length + leftOut, 'fault')}.`;
    return { ...none, code: fault.code, message, cause, fix: fault.fix, faults, faultsLeftOut: leftOut, file, exitCode: exitCodeOf(fault) };
  }
  // A failure that has no row of its own is shown with its cause: whoever runs the command sees the machine anyway.
  const message = fault.code === 'internal_error' ? 'The command failed for a reason it does not know.' : fault.message;
  const fix = fault.code === 'internal_error' ? 'Report it with the cause and the command.' : fault.fix;
  return { ...none, code: fault.code, message, cause, fix, exitCode: exitCodeOf(fault) };
}

function exitCodeOf(fault: Fault): number {
  if (fault.row.exitCode !== undefined) return fault.row.exitCode;
  return exitCodeOfStatus(fault.row.status);
}

export function exitCodeOfStatus(status: number): number {
  if (status === 401 || status === 403) return exitCodes.denied;
  if (status === 404) return exitCodes.notFound;
  if (status === 400 || status === 422) return exitCodes.usage;
  return status === 502 || status === 503 || status === 504 ? exitCodes.unreachable : exitCodes.failure;
}

function problemText(problem: Problem, paint: ReturnType<typeof picocolors.createColors>): string {
  const lines = problem.faults.map((fault) => configFaultText(fault, problem.file, paint));
  lines.push(`${paint.red(`error[${problem.code}]:`)} ${plain(problem.message, 1000)}`);
  if (problem.cause !== null && problem.cause !== problem.message) lines.push(`  cause: ${plain(problem.cause, 1000)}`);
  if (problem.fix !== null) lines.push(`  fix: ${plain(problem.fix, 1000)}`);
  lines.push(`  docs: docs/reference/faults.md#${problem.code}`);
  if (problem.requestId !== null) lines.push(`  request: ${plain(problem.requestId)}`);
  return lines.join('\n');
}

function problemBody(problem: Problem): Record<string, unknown> {
  return {
    error: problem.code,
    message: problem.message,
    cause: problem.cause,
    fix: problem.fix,
    docs: `docs/reference/faults.md#${problem.code}`,
    ...(problem.requestId === null ? {} : { request_id: problem.requestId }),
    ...(problem.faults.length === 0 ? {} : { file: problem.file, faults: problem.faults.map(configFaultBody), faults_left_out: problem.faultsLeftOut }),
  };
}
