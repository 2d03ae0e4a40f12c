import { Fault } from '../kernel/fault.ts';
import type { LedgerReader } from '../store/ledger/ledger-reader.ts';
import type { ControlContext } from './context.ts';

/** The ledger, for a verb that is nothing without it. Faults: `unavailable` until it is open. */
export function requireLedger(context: Pick<ControlContext, 'ledger'>): LedgerReader {
  const ledger = context.ledger();
  if (ledger === null) throw new Fault('unavailable', { reason: 'the ledger is opening' });
  return ledger;
}
