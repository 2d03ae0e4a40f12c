import type { Reference } from '../../kernel/directory.ts';
import type { SwitchData } from '../../kernel/switch.ts';

/** The switch that a key is off by: its own, or that of something it inherits from; null: it is on. */
export function switchedOff(
  switches: readonly SwitchData[],
  { keyId, lineage }: { readonly keyId: string; readonly lineage: readonly Reference[] },
  nowMs: number,
): SwitchData | null {
  return (
    switches.find(
      ({ kind, name, untilMs }) =>
        (untilMs === null || nowMs < untilMs) && ((kind === 'key' && name === keyId) || lineage.some((one) => one.kind === kind && one.id === name)),
    ) ?? null
  );
}
