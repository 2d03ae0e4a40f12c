/** What of the registry belongs to this node's configuration: read, merged with the file, served. Part of `assemble.ts`. */
import type { CompiledConfig, ConfigCompiler } from './assemble-configuration.ts';
import type { ConfigFault } from './config/config-fault.ts';
import type { ConfigLoader, FixedObject } from './config/config-loader.ts';
import type { Config } from './config/config.ts';
import type { ObjectDesk } from './control/objects/object-desk.ts';
import type { ConfigObject } from './kernel/config-object.ts';
import { Fault } from './kernel/fault.ts';
import { defaultOrganizationId } from './kernel/id.ts';
import type { Log } from './kernel/log.ts';
import type { Closers } from './node/closers.ts';
import type { PreparedConfig, ServedConfig } from './node/served-config.ts';
import { createServedObjects, fittingObjects, type FittingObjects } from './node/served-objects.ts';
import type { RegistryStore } from './store/registry/registry-store.ts';

/** A text of the file, and what it says with what was made beside it. */
export interface LoadedConfig {
  readonly text: string;
  readonly config: Config;
}

export interface ObjectParts {
  readonly registry: Pick<RegistryStore, 'configObjects'>;
  readonly loader: ConfigLoader;
  readonly compiler: ConfigCompiler;
  /** The text that serves. */
  readonly text: () => string;
  readonly served: () => CompiledConfig;
  readonly prepare: (next: LoadedConfig) => PreparedConfig;
  readonly configuration: Pick<ServedConfig, 'renew'>;
  readonly log: Log;
  readonly closers: Closers;
}

export interface AssembledObjects {
  readonly desk: ObjectDesk;
  /** Those that serve. */
  serving(): readonly ConfigObject[];
  /** The file is another. */
  fileChanged(): void;
}

/** How soon a node goes by what another has changed. */
const lookMs = 500;

/** What the registry has is served when this resolves; what cannot serve on this node rests. Faults: those of the registry. */
export async function assembleObjects(parts: ObjectParts): Promise<AssembledObjects> {
  const { registry, loader, compiler, text, served, prepare, configuration, log, closers } = parts;

  async function apply(objects: readonly ConfigObject[]): Promise<FittingObjects> {
    let fitting: FittingObjects = { serving: [], resting: new Map() };
    await configuration.renew(() => {
      const now = text();
      const found = fittingObjects(objects, (some) => requireLive(compiler, loader.load(now, some), served()));
      fitting = found;
      return prepare({ text: now, config: found.made });
    });
    return fitting;
  }

  const objects = createServedObjects({
    revision: () => registry.configObjects.revision(defaultOrganizationId),
    read: () => registry.configObjects.list(defaultOrganizationId),
    apply,
    log: log.child({ part: 'configuration' }),
    everyMs: lookMs,
  });
  closers.add('objects', async () => objects.close());
  await objects.refresh();

  let known: {
    readonly text: string;
    readonly fixed: readonly FixedObject[];
    readonly priceLines: ReadonlyMap<string, number>;
    readonly policyLines: ReadonlyMap<string, number>;
  } | null = null;
  const ofFile = (): NonNullable<typeof known> => {
    const now = text();
    if (known?.text !== now) known = { text: now, fixed: loader.fixed(now), priceLines: loader.priceLines(now), policyLines: loader.policyLines(now) };
    return known;
  };
  return {
    serving: () => objects.serving(),
    fileChanged: () => objects.fileChanged(),
    desk: {
      fixed: () => ofFile().fixed,
      priceLines: () => ofFile().priceLines,
      policyLines: () => ofFile().policyLines,
      places: () => loader.places(text(), objects.serving()),
      resting: () => objects.resting(),
      check(all) {
        try {
          return { config: requireLive(compiler, loader.load(text(), all), served()), faults: [] };
        } catch (error) {
          if (error instanceof Fault && error.code === 'config_invalid')
            return { config: null, faults: (error.extra?.['faults'] ?? []) as readonly ConfigFault[] };
          throw error;
        }
      },
      desired: (document) => loader.desired(document, text()),
      refresh: () => objects.refresh(),
    },
  };
}

/** A configuration that can take the place of the one that serves, its secrets too. Faults: `config_invalid`, `restart_needed`. */
function requireLive(compiler: ConfigCompiler, config: Config, served: CompiledConfig): Config {
  const { change } = compiler.recompile(config, served);
  if (change.restart.length > 0) throw new Fault('restart_needed', { settings: change.restart.join(', ') });
  return config;
}
