/** A control plane whose rules of access are those of its registry, as on a node. */
import { comparing } from '../../packages/gateway/src/assemble-access.ts';
import { explainAccess } from '../../packages/gateway/src/authorise/explain-access.ts';
import type { AccessDesk } from '../../packages/gateway/src/control/access/access-desk.ts';
import type { OrganizationId } from '../../packages/gateway/src/kernel/id.ts';
import { silentLog } from '../../packages/gateway/src/kernel/log.ts';
import type { PolicyData } from '../../packages/gateway/src/kernel/policy.ts';
import type { Consulted } from '../../packages/gateway/src/node/worker-messages.ts';
import { openServedAccess, type ServedAccess } from '../../packages/gateway/src/node/served-access.ts';
import { startControl, type ControlOverrides, type TestControl } from './control.ts';

export interface ControlWithAccess {
  readonly control: TestControl;
  /** Keys that a node would have forgotten, since it was asked last. */
  forgotten(): string[];
  /** What the policy engine says from now on; null: there is none. */
  setConsulted(next: Consulted | null): void;
  end(): Promise<void>;
}

export async function startControlWithAccess(more: ControlOverrides = {}): Promise<ControlWithAccess> {
  let access: ServedAccess | null = null;
  const forgotten: string[] = [];
  let consulted: Consulted | null = null;
  const served = (id: string): readonly PolicyData[] => {
    const organizationId = id as OrganizationId;
    const off = access?.switchRules().find((one) => one.organizationId === organizationId)?.policies ?? [];
    return [...off, ...(access?.policies(organizationId, null) ?? [])];
  };
  const desk: AccessDesk = {
    served,
    ageMs: () => access?.ageMs() ?? 0,
    switches: (organizationId) => access?.switches(organizationId) ?? [],
    refresh: async () => access?.refresh(),
    explain: async (data, operation, { argumentsText, ip }) => ({
      ...explainAccess(
        served(data.organizationId),
        { data, id: data.keyId, block: new Uint8Array(), agentBlocks: new Map(), servers: null, actions: data.actions },
        operation,
        { argumentsText: () => argumentsText, ip, tool: () => null },
        control.clock,
      ),
      tool: null,
    }),
    consult: async () => consulted,
    compare: async (organizationId, after) => comparing(served(organizationId), after, organizationId, control.clock),
  };
  const control = await startControl({ ...more, access: desk });
  const { registry } = control.dependencies;
  access = await openServedAccess({
    revisions: () => registry.access.revisions(),
    readSwitches: (organizationId) => registry.access.switches(organizationId),
    readPolicies: async (organizationId) => (await registry.access.policies(organizationId)).map(({ data }) => data),
    applySwitches: async () => undefined,
    applyPolicies: async () => undefined,
    changedKeys: (organizationId, after) => registry.access.changedKeys(organizationId, after, 100),
    async forget(keys) {
      control.forgetKeys(keys);
      forgotten.push(...(keys ?? ['all']));
    },
    forgetTokens: async () => undefined,
    log: silentLog,
    everyMs: 3_600_000,
  });
  return {
    control,
    forgotten: () => forgotten.splice(0).sort(),
    setConsulted: (next) => void (consulted = next),
    async end() {
      access.close();
      await control.end();
    },
  };
}
