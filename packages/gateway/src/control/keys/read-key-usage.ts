import type { ControlContext } from '../context.ts';
import { within } from '../within.ts';

/** A ledger that needs longer is one that hangs: keys do not wait for it. */
const usageWaitMsMax = 2_000;

/** Usage by key id. A ledger that is not open, or does not answer soon, leaves it null: keys are managed without it. */
export async function readKeyUsage(
  context: ControlContext,
  keyIds: readonly string[],
  waitMs: number = usageWaitMsMax,
): Promise<(id: string) => KeyUsage | null> {
  const ledger = context.ledger();
  if (ledger === null) return () => null;
  try {
    const usage = await within(waitMs, ledger.keyUsage(context.organizationId, keyIds));
    return (id) => usage.get(id) ?? unused;
  } catch (error) {
    context.log.warn('key.usage_unknown', { error });
    return () => null;
  }
}

/** What a key has been used for. */
export interface KeyUsage {
  /** Milliseconds since the epoch, to the day where the calls of then are forgotten; null: never used. */
  readonly lastUsedMs: number | null;
  /** All tool calls, and other requests for as long as the ledger keeps them. */
  readonly calls: number;
  /** Nano-dollars. */
  readonly costNano: bigint;
}

const unused: KeyUsage = { lastUsedMs: null, calls: 0, costNano: 0n };
