import { listCallGroups, type CallGroup, type CallGroupsInput } from './call-groups.ts';
import { readAgentUse, type AgentUseRow } from './agent-use.ts';
import type { CallRow } from './call-columns.ts';
import {
  countAgents,
  readCallMetrics,
  readCallSeries,
  type CallMetricsInput,
  type CallMetricsRow,
  type CallSeriesInput,
  type CallSeriesRow,
} from './call-metrics.ts';
import { estimateCalls, listCalls, type CallListInput } from './call-list.ts';
import { listCosts, type CostRow, type CostSummaryInput } from './costs.ts';
import { listBuckets, listFacets, type BucketRow, type FacetName, type FacetRow } from './facets.ts';
import type { CallProof } from '../../chain/verify-calls.ts';
import { createCallProof, type CallProofOptions } from './call-proof.ts';
import { readKeyUsage, type KeyUsageRow } from './key-usage.ts';
import { createLedgerBackup, type LedgerBackup } from './ledger-backup.ts';
import type { LedgerStore } from './ledger-store.ts';
import { readPolicyUse, type PolicyUseRow } from './policy-use.ts';
import { listChainedCalls, listChainEnds, type ChainedCall, type ChainedCallsInput, type ChainEnd } from './chained-calls.ts';
import { createErasure, type LedgerErasure } from './erasure.ts';
import { listSeenAgents, type SeenAgent, type SeenAgentsInput } from './seen-agents.ts';
import {
  findPayload,
  listPayloadFacts,
  listPayloadsOfKeys,
  type PayloadsOfKeysInput,
  type PlacedPayload,
  type PayloadFacts,
  type PayloadPlace,
  type PayloadRow,
} from './payloads.ts';
import type { Selection } from './selection.ts';
import { readSizes, type LedgerSize } from './sizes.ts';
import {
  findTrace,
  listOutlinedSpans,
  listSpanLinks,
  listSpans,
  listSpansById,
  type OutlinedSpan,
  type SpanLink,
  type SpanListInput,
  type SpanRow,
  type TraceSummary,
} from './trace-spans.ts';
import { estimateTraces, listTraces, type ListedTraces, type TraceListInput } from './traces.ts';
import { listToolUsage, readToolLatency, type ToolLatency, type ToolLatencyInput, type ToolUsage, type ToolUsageInput } from './usage.ts';

/** What the control plane asks the ledger. Faults of each: `unavailable`, with what the ledger is doing instead. */
export interface LedgerReader {
  listTraces(input: TraceListInput): Promise<ListedTraces>;
  /** Exact where the window holds few calls, or all of it was looked through; else in proportion. */
  estimateTraces(selection: Selection, scannedStartUs: bigint): Promise<number>;
  listFacets(selection: Selection, facets: readonly FacetName[], limit: number): Promise<readonly FacetRow[]>;
  listBuckets(selection: Selection, widthUs: bigint): Promise<readonly BucketRow[]>;
  listCalls(input: CallListInput): Promise<readonly CallRow[]>;
  /** As `estimateTraces`. */
  estimateCalls(selection: Selection, scannedStartUs: bigint): Promise<number>;
  findTrace(organizationId: string, traceHex: string): Promise<TraceSummary | null>;
  /** Oldest first. */
  listSpans(organizationId: string, traceHex: string, limit: number): Promise<readonly SpanRow[]>;
  /** In no order. */
  listSpansById(input: SpanListInput, spanHexes: readonly string[]): Promise<readonly CallRow[]>;
  /** Oldest first. */
  listSpanLinks(input: SpanListInput, limit: number): Promise<readonly SpanLink[]>;
  /** Oldest first. */
  listOutlinedSpans(input: Parameters<typeof listOutlinedSpans>[1], limit: number): Promise<readonly OutlinedSpan[]>;
  findPayload(place: PayloadPlace): Promise<PayloadRow | null>;
  /** What is known of the bodies of these spans, without their texts. */
  listPayloadFacts(input: SpanListInput & { readonly spanHexes: readonly string[] }): Promise<readonly PayloadFacts[]>;
  listCosts(input: CostSummaryInput): Promise<readonly CostRow[]>;
  /** The chains of calls, for their check. */
  callProof(options: CallProofOptions): CallProof;
  readonly backup: LedgerBackup;
  /** Most calls first. */
  listToolUsage(input: ToolUsageInput): Promise<readonly ToolUsage[]>;
  toolLatency(input: ToolLatencyInput): Promise<ToolLatency>;
  /** Of calls in a window: in all, by step of time, by server and by tool. */
  callMetrics(input: CallMetricsInput): Promise<readonly CallMetricsRow[]>;
  /** By step, each for some servers or tools, and for all others together. */
  callSeries(input: CallSeriesInput): Promise<readonly CallSeriesRow[]>;
  countAgents(input: Parameters<typeof countAgents>[1]): Promise<number>;
  readonly erasure: LedgerErasure;
  /** Where each chain of calls ends. */
  listChainEnds(organizationId: string): Promise<readonly ChainEnd[]>;
  listChainedCalls(input: ChainedCallsInput): Promise<readonly ChainedCall[]>;
  /** The bodies of calls by these keys, oldest first, those after `after`. */
  listPayloadsOfKeys(input: PayloadsOfKeysInput): Promise<readonly PlacedPayload[]>;
  /** Most calls first. */
  listCallGroups(input: CallGroupsInput): Promise<readonly CallGroup[]>;
  /** Who called, in the catalogue of agents or not; most calls first. */
  listSeenAgents(input: SeenAgentsInput): Promise<readonly SeenAgent[]>;
  agentUse(organizationId: string, agents: readonly string[]): Promise<ReadonlyMap<string, AgentUseRow>>;
  policyUse(window: Parameters<typeof readPolicyUse>[1]): Promise<ReadonlyMap<string, PolicyUseRow>>;
  keyUsage(organizationId: string, keyIds: readonly string[]): Promise<ReadonlyMap<string, KeyUsageRow>>;
  sizes(today: string): Promise<ReadonlyMap<'traces' | 'metrics', LedgerSize>>;
}

export function createLedgerReader(ledger: Pick<LedgerStore, 'query' | 'read' | 'command' | 'cluster'>): LedgerReader {
  return {
    listTraces: (input) => listTraces(ledger, input),
    estimateTraces: (selection, scannedStartUs) => estimateTraces(ledger, selection, scannedStartUs),
    listFacets: (selection, facets, limit) => listFacets(ledger, selection, facets, limit),
    listBuckets: (selection, widthUs) => listBuckets(ledger, selection, widthUs),
    listCalls: (input) => listCalls(ledger, input),
    estimateCalls: (selection, scannedStartUs) => estimateCalls(ledger, selection, scannedStartUs),
    findTrace: (organizationId, traceHex) => findTrace(ledger, organizationId, traceHex),
    listSpans: (organizationId, traceHex, limit) => listSpans(ledger, organizationId, traceHex, limit),
    listSpansById: (input, spanHexes) => listSpansById(ledger, input, spanHexes),
    listSpanLinks: (input, limit) => listSpanLinks(ledger, input, limit),
    listOutlinedSpans: (input, limit) => listOutlinedSpans(ledger, input, limit),
    findPayload: (place) => findPayload(ledger, place),
    listPayloadFacts: (input) => listPayloadFacts(ledger, input),
    listCosts: (input) => listCosts(ledger, input),
    callProof: (options) => createCallProof(ledger, options),
    backup: createLedgerBackup(ledger),
    listToolUsage: (input) => listToolUsage(ledger, input),
    toolLatency: (input) => readToolLatency(ledger, input),
    callMetrics: (input) => readCallMetrics(ledger, input),
    callSeries: (input) => readCallSeries(ledger, input),
    countAgents: (input) => countAgents(ledger, input),
    erasure: createErasure(ledger),
    listChainEnds: (organizationId) => listChainEnds(ledger, organizationId),
    listChainedCalls: (input) => listChainedCalls(ledger, input),
    listPayloadsOfKeys: (input) => listPayloadsOfKeys(ledger, input),
    listCallGroups: (input) => listCallGroups(ledger, input),
    listSeenAgents: (input) => listSeenAgents(ledger, input),
    agentUse: (organizationId, agents) => readAgentUse(ledger, organizationId, agents),
    sizes: (today) => readSizes(ledger, today),
    policyUse: (window) => readPolicyUse(ledger, window),
    keyUsage: (organizationId, keyIds) => readKeyUsage(ledger, organizationId, keyIds),
  };
}
