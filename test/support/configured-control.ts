/** A control plane over a real configuration file, with what is made beside it: everything of a node but its workers. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createConfigCompiler } from '../../packages/gateway/src/assemble-configuration.ts';
import { assembleObjects, type LoadedConfig } from '../../packages/gateway/src/assemble-objects.ts';
import { createConfigLoader } from '../../packages/gateway/src/config/config-loader.ts';
import type { Environment } from '../../packages/gateway/src/config/environment.ts';
import { defaultOrganizationId } from '../../packages/gateway/src/kernel/id.ts';
import { silentLog } from '../../packages/gateway/src/kernel/log.ts';
import { createClosers } from '../../packages/gateway/src/node/closers.ts';
import { createServedConfig, type PreparedConfig } from '../../packages/gateway/src/node/served-config.ts';
import { statePaths } from '../../packages/gateway/src/node/state-paths.ts';
import type { ControlOverrides, TestControl } from './control.ts';

export interface ConfiguredControl extends TestControl {
  readonly file: string;
  /** Writes the file, and has it read. */
  rewrite(text: string): Promise<string>;
  /** The same node once more: its file, and what the registry has by then. */
  restart(): Promise<ConfiguredControl>;
  close(): Promise<void>;
}

export async function configuredControl(
  control: TestControl,
  text: string,
  more: { readonly env?: Environment; readonly overrides?: ControlOverrides; readonly file?: string } = {},
): Promise<ConfiguredControl> {
  const folder = mkdtempSync(join(tmpdir(), 'gwo-'));
  const file = more.file ?? join(folder, 'gateway.yaml');
  if (more.file === undefined) writeFileSync(file, text);
  const env = more.env ?? {};
  const loader = createConfigLoader({ file, env });
  const compiler = createConfigCompiler({ env, paths: statePaths(folder), node: 'test', organizationId: defaultOrganizationId });
  const closers = createClosers(silentLog);
  let known = loader.read();
  let served = compiler.compile(loader.load(known, []), null);
  let objects: Awaited<ReturnType<typeof assembleObjects>> | null = null;
  const prepare = (next: LoadedConfig): PreparedConfig => {
    const { compiled, change } = compiler.recompile(next.config, served);
    return {
      change,
      note: () => void (known = next.text),
      async apply() {
        known = next.text;
        served = compiled;
      },
    };
  };
  const { registry, clock } = control.dependencies;
  const configuration = createServedConfig({
    file,
    load(): LoadedConfig {
      const onDisk = loader.read();
      return { text: onDisk, config: loader.load(onDisk, objects?.serving() ?? []) };
    },
    prepare,
    clock,
    log: silentLog,
  });
  objects = await assembleObjects({
    registry,
    loader,
    compiler,
    text: () => known,
    served: () => served,
    prepare,
    configuration,
    log: silentLog,
    closers,
  });
  const backup = { ...control.dependencies.backup, configuration: () => ({ file, text: Buffer.from(known), references: [] }) };
  const variant = control.variant({ backup, ...more.overrides, served: () => served.config, configuration, objects: objects.desk });
  const assembled = objects;
  return {
    ...variant,
    file,
    async rewrite(next) {
      writeFileSync(file, next);
      const { outcome, refusal } = await configuration.reload({ dryRun: false, record: async () => undefined });
      assembled.fileChanged();
      await assembled.desk.refresh();
      return refusal === null ? outcome : JSON.stringify(refusal);
    },
    restart: () => configuredControl(control, text, { ...more, file }),
    async close() {
      await closers.closeAll();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
