/** What of gateway.yaml has the right shape, so that its meaning can be checked although other parts are wrong. */
import { explainIssues } from './explain-issue.ts';
import type { ConfigFault, Path } from './config-fault.ts';
import { gatewayFileSchema, type GatewayFile } from './schema.ts';
import type { WholeSource } from './with-objects.ts';

export interface WellShaped {
  readonly file: GatewayFile;
  /** The shape's faults. */
  readonly faults: readonly ConfigFault[];
  /** Where a value of `file` stands in the source: entries of lists move when a wrong one is left out. */
  origin(path: Path): Path;
  /** Names of servers that are left out: others may refer to them without being wrong themselves. */
  readonly leftOutServers: ReadonlySet<string>;
}

export function readWellShaped(source: Pick<WholeSource, 'value' | 'place' | 'textAt'>): WellShaped {
  const whole = gatewayFileSchema.safeParse(source.value, { reportInput: false });
  if (whole.success) return { file: whole.data, faults: [], origin: (path) => path, leftOutServers: new Set() };

  const faults = explainIssues(whole.error.issues, source);
  const { value, kept, leftOutServers } = leaveOut(
    source.value,
    whole.error.issues.flatMap((issue) => (issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...issue.path, key]) : [issue.path])) as Path[],
  );
  const rest = gatewayFileSchema.safeParse(value);
  return {
    file: rest.success ? rest.data : gatewayFileSchema.parse({ version: 1 }),
    faults,
    origin: ([list, index, ...deeper]) =>
      list === undefined
        ? []
        : typeof index === 'number'
          ? [list, kept.get(String(list))?.[index] ?? index, ...deeper]
          : index === undefined
            ? [list]
            : [list, index, ...deeper],
    leftOutServers,
  };
}

/** Leaves out the entry of a top-level list, or else the top-level setting, that each path leads into. */
function leaveOut(source: unknown, paths: readonly Path[]): { value: Record<string, unknown>; kept: Map<string, number[]>; leftOutServers: Set<string> } {
  const value: Record<string, unknown> = typeof source === 'object' && source !== null && !Array.isArray(source) ? { ...source } : {};
  const kept = new Map<string, number[]>();
  const leftOutServers = new Set<string>();
  const wrongSteps = new Map<string, Set<string | number | undefined>>();
  for (const [first, second] of paths) {
    const key = String(first);
    wrongSteps.set(key, (wrongSteps.get(key) ?? new Set()).add(second));
  }
  for (const [key, wrong] of wrongSteps) {
    const setting = value[key];
    if (Array.isArray(setting) && [...wrong].every((index) => typeof index === 'number')) {
      const indexes = setting.map((_, index) => index).filter((index) => !wrong.has(index));
      kept.set(key, indexes);
      value[key] = indexes.map((index) => setting[index]);
      if (key === 'servers') for (const [index, entry] of setting.entries()) if (wrong.has(index) && hasName(entry)) leftOutServers.add(entry.name);
    } else delete value[key];
  }
  return { value: { ...value, version: 1 }, kept, leftOutServers };
}

function hasName(entry: unknown): entry is { name: string } {
  return typeof entry === 'object' && entry !== null && 'name' in entry && typeof entry.name === 'string';
}
