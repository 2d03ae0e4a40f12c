import { verifyProof, type ProofReport, type ProofSource } from '../../chain/verify-proof.ts';
import { bounds } from '../../kernel/bounds.ts';
import { Fault } from '../../kernel/fault.ts';
import type { CheckpointPlace } from '../../store/registry/audit-store.ts';
import type { ControlContext } from '../context.ts';
import { requireLedger } from '../require-ledger.ts';

export interface AuditVerdict extends ProofReport {
  readonly checkedAtMs: number;
}

type Context = Pick<ControlContext, 'registry' | 'organizationId' | 'audit' | 'clock' | 'ledger'>;

/** `rows`: every call is read again; `entries`: the chain of calls alone; `none`: events alone. */
export type CallScope = 'rows' | 'entries' | 'none';
export const callScopes = ['rows', 'entries', 'none'] as const satisfies readonly CallScope[];

/**
 * Checks the whole audit of the organization as it is stored. One at a time, as it reads everything: who asks for the same meanwhile gets the same verdict, for
 * anything else `unavailable` is thrown.
 */
export async function verifyAudit(context: Context, calls: CallScope): Promise<AuditVerdict> {
  const { audit, organizationId } = context;
  const other = underWay.get(audit);
  if (other !== undefined) {
    if (other.organizationId === organizationId && other.calls === calls) return other.verdict;
    throw new Fault('unavailable', { reason: 'the audit is being verified already' });
  }
  const verdict = verifyStored(context, calls).finally(() => underWay.delete(audit));
  underWay.set(audit, { organizationId, calls, verdict });
  return verdict;
}

const underWay = new WeakMap<object, { readonly organizationId: string; readonly calls: CallScope; readonly verdict: Promise<AuditVerdict> }>();

async function verifyStored(context: Context, calls: CallScope): Promise<AuditVerdict> {
  const checkedAtMs = context.clock.nowMs();
  return { ...(await verifyProof(storedProof(context, calls), { nowMs: checkedAtMs, findingsMax: bounds.auditFindingsMax })), checkedAtMs };
}

/** The proof as the stores hold it. */
export function storedProof(context: Context, calls: CallScope): ProofSource {
  const { registry, organizationId, audit, clock } = context;
  const store = registry.audit;
  return {
    trusted: audit.trustedKeys(),
    keys: () => store.keys(),
    removal: () => store.lastRemoval(organizationId),
    async *checkpoints() {
      for (let after: CheckpointPlace | null = null; ;) {
        const page = await store.checkpoints(organizationId, { after, limit: bounds.auditPageRecords });
        if (page.length > 0) yield page;
        after = page.at(-1) ?? null;
        if (page.length < bounds.auditPageRecords) return;
      }
    },
    async *records(begin) {
      const strays = await store.range(organizationId, { after: null, limit: bounds.auditPageRecords });
      if (strays.length > 0) yield strays;
      for (let after = begin; ;) {
        const page = await store.range(organizationId, { after, limit: bounds.auditPageRecords });
        if (page.length > 0) yield page;
        after = page.at(-1)?.sequence ?? after;
        if (page.length < bounds.auditPageRecords) return;
      }
    },
    anchor: () => audit.anchor(organizationId),
    calls:
      calls === 'none'
        ? null
        : requireLedger(context).callProof({
            organizationId,
            withRows: calls === 'rows',
            allocated: () => audit.allocatedCalls(organizationId),
            nowMs: () => clock.nowMs(),
          }),
    finish: async () => undefined,
  };
}
