/**
 * config: gateway.yaml and the environment → Config. Imports `kernel/` only. Promises: what it returns is complete, within
 * its bounds and frozen, or a Fault that names every thing wrong with its place; it never holds the value of a secret.
 */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The environment of this process, copied: the only place that reads it. An empty variable counts as not set. */
export function readEnvironment(): Environment {
  return Object.fromEntries(Object.entries(process.env).filter(([, value]) => value !== ''));
}
