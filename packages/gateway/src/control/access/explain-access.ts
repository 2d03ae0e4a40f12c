import type { Operation } from '../../authorise/access.ts';
import type { RuleFinding } from '../../authorise/explain-access.ts';
import type { Opinion } from '../../consult/opinion.ts';
import type { Consulted } from '../../node/worker-messages.ts';
import { consultFailures } from '../../kernel/consult-failures.ts';
import { nouns } from '../../kernel/directory.ts';
import { Fault } from '../../kernel/fault.ts';
import type { ToolFacts } from '../../kernel/tool-facts.ts';
import type { PrincipalData } from '../../snapshot/snapshot.ts';
import type { ControlContext, ServerState } from '../context.ts';
import { covers } from '../permissions.ts';
import { ownServers } from '../servers/own-servers.ts';
import { findCaller } from './find-caller.ts';

export interface ExplainInput {
  /** As `findCaller` reads it. */
  readonly as: string;
  readonly operation: Operation & { readonly action: string };
  /** JSON text, or null for a call without arguments. */
  readonly argumentsText: string | null;
  readonly ip: string;
}

/** What one of the rail's stops would do with the call. */
export interface ExplainedStop {
  readonly stop: 'auth' | 'access' | 'limit' | 'server';
  readonly outcome: 'pass' | 'refuse';
  readonly reason: string;
}

export interface AccessExplained {
  /** `hidden`: refused as if it did not exist. */
  readonly decision: 'allow' | 'deny' | 'hold';
  readonly hidden: boolean;
  /** The first stop that refuses, or null. */
  readonly stop: ExplainedStop['stop'] | null;
  readonly rule: string | null;
  readonly reason: string;
  readonly stops: readonly ExplainedStop[];
  readonly rules: readonly RuleFinding[];
  /** What is known of the tool, where a rule asks after it; null: nothing, or none does. */
  readonly tool: ToolFacts | null;
  /** What the policy engine says, where it was asked: of what the rules allow. */
  readonly engine: ExplainedEngine | null;
  readonly changes: readonly string[];
}

export interface ExplainedEngine {
  readonly name: string;
  /** `none`: it gives no answer that counts, and the call is refused. */
  readonly decision: Opinion['decision'];
  readonly reason: string | null;
  readonly decisionId: string | null;
}

/** Why a call would be let through or refused, without making it. Faults: those of `findCaller`. */
export async function explainAccess(context: ControlContext, { as, operation, argumentsText, ip }: ExplainInput): Promise<AccessExplained> {
  const { config, access } = context;
  const caller = await findCaller(context, as);
  if (argumentsText !== null && argumentsText.length > config.limits.bodyBytesMax)
    throw new Fault('invalid_params', { reason: 'the arguments are longer than a call may be' });
  const { principal } = caller;
  const { action, server } = operation;
  const known = ownServers(context).some(({ name }) => name === server);
  const { grant, rules, tool } = await access.explain(principal, operation, { argumentsText, ip, isOffered: known });

  const auth = !known ? refuse('auth', `there is no server ${server}`) : (caller.auth.isGood ? pass : refuse)('auth', caller.auth.reason);
  const isOutOfReach = principal.servers !== null && !principal.servers.includes(server);
  const outOfScope = isOutOfReach
    ? 'the key is not scoped to this server'
    : caller.held !== null && !covers(caller.held, action)
      ? `the key's actions do not include ${action}`
      : principal.actions !== null && !covers(principal.actions, action)
        ? `the roles of ${ownerText(principal)} do not allow ${action}`
        : null;
  const byRules = outOfScope === null && grant.decision === 'allow';
  const engine = byRules && known ? engineOf(await access.consult(principal, operation, { argumentsText, ip, rule: grant.rule })) : null;
  const allowed = byRules && (engine === null || engine.decision === 'allow');
  const reason =
    outOfScope ?? (grant.decision !== 'allow' ? grant.reason : engine === null || allowed ? `the policy ${grant.rule ?? ''} allows it` : engineText(engine));
  const limit = principal.rateLimit;
  const stops = [
    auth,
    allowed ? pass('access', reason) : refuse('access', reason),
    pass('limit', limit === null ? 'no rate limit' : `${limit.limit} calls in ${limit.windowMs / 1000} s, unless used up`),
    known ? atServer(context.serverState(server)) : refuse('server', `there is no server ${server}`),
  ];
  const first = stops.find(({ outcome }) => outcome === 'refuse') ?? null;
  return {
    decision: outOfScope !== null ? 'deny' : engine === null ? grant.decision : engine.decision === 'none' ? 'deny' : engine.decision,
    hidden: outOfScope !== null ? isOutOfReach : grant.decision === 'deny' && grant.hidden,
    stop: first?.stop ?? null,
    rule: outOfScope === null ? (allowed || engine === null ? grant.rule : engine.name) : null,
    reason: first?.reason ?? reason,
    stops,
    // Of what the engine refuses or holds no rule decides.
    rules: allowed || engine === null ? rules : rules.map((rule) => ({ ...rule, decided: false })),
    tool,
    engine,
    changes: allowed ? [] : engine !== null ? [`another decision of ${engine.name}`] : changesFor(outOfScope, grant.decision, grant.rule, rules),
  };
}

function pass(stop: ExplainedStop['stop'], reason: string): ExplainedStop {
  return { stop, outcome: 'pass', reason };
}

function refuse(stop: ExplainedStop['stop'], reason: string): ExplainedStop {
  return { stop, outcome: 'refuse', reason };
}

function atServer({ state, reason }: ServerState): ExplainedStop {
  if (state === 'failed') return refuse('server', reason ?? 'the server has failed');
  // Of a server at an address there is no state: each call finds out.
  return pass('server', state === 'unknown' ? 'nothing stops it here; whether the server answers is known only once it is called' : `the server is ${state}`);
}

function engineOf(consulted: Consulted | null): ExplainedEngine | null {
  if (consulted === null) return null;
  const { engine: name, opinion } = consulted;
  const reason = opinion.decision === 'allow' ? null : opinion.decision === 'none' ? consultFailures[opinion.reason] : opinion.reason;
  return { name, decision: opinion.decision, reason, decisionId: opinion.decisionId === '' ? null : opinion.decisionId };
}

function engineText({ name, decision, reason }: ExplainedEngine): string {
  if (decision === 'none') return `the policy engine ${name} decides nothing of it: ${reason ?? ''}`;
  return reason ?? `${name} ${decision === 'hold' ? 'holds it for approval' : 'denies it'}`;
}

function ownerText({ owner }: PrincipalData): string {
  return owner === null ? 'its owner' : `${nouns[owner.kind].title} ${owner.id}`;
}

/** What would let the call through, of what was found in the way. */
function changesFor(outOfScope: string | null, decision: 'allow' | 'deny' | 'hold', rule: string | null, rules: readonly RuleFinding[]): string[] {
  if (outOfScope !== null) return [outOfScope.startsWith('the roles') ? 'another role for its owner' : 'another key whose scopes allow it'];
  if (rule?.startsWith('switched-off:')) return [`switching it on again (${rule})`];
  if (decision === 'hold') return [`an approval, or another rule in the place of ${rule ?? ''}`];
  if (rule !== null) return [`taking this call out of the policy ${rule}`];
  const near = rules.filter(({ effect, bearing }) => effect === 'allow' && bearing !== 'other_server' && bearing !== 'other_operation');
  return near.length === 0
    ? ['a policy that allows it']
    : near.map(
        ({ name, bearing }) =>
          `${bearing === 'other_caller' ? 'naming this caller in' : bearing === 'ended' ? 'a later end of' : 'arguments that meet the condition of'} the policy ${name}`,
      );
}
