import { listCosts, type CostRow, type CostSummaryInput } from './costs.ts';
import { readKeyUsage, type KeyUsageRow } from './key-usage.ts';
import type { LedgerStore } from './ledger-store.ts';
import { listSpans, listTraces, type ListedTrace, type SpanRow, type TraceListInput } from './traces.ts';

/** What the control plane asks the ledger. Faults of each: `unavailable`, with what the ledger is doing instead. */
export interface LedgerReader {
  listTraces(input: TraceListInput): Promise<readonly ListedTrace[]>;
  /** Oldest first. */
  listSpans(organizationId: string, traceHex: string, limit: number): Promise<readonly SpanRow[]>;
  listCosts(input: CostSummaryInput): Promise<readonly CostRow[]>;
  keyUsage(organizationId: string, keyIds: readonly string[]): Promise<ReadonlyMap<string, KeyUsageRow>>;
}

export function createLedgerReader(ledger: Pick<LedgerStore, 'query'>): LedgerReader {
  return {
    listTraces: (input) => listTraces(ledger, input),
    listSpans: (organizationId, traceHex, limit) => listSpans(ledger, organizationId, traceHex, limit),
    listCosts: (input) => listCosts(ledger, input),
    keyUsage: (organizationId, keyIds) => readKeyUsage(ledger, organizationId, keyIds),
  };
}
