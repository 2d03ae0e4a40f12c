import { hash } from 'node:crypto';
import type { Principal } from '../authenticate/authenticate.ts';
import { bounds } from '../kernel/bounds.ts';
import type { Clock } from '../kernel/clock.ts';
import { compileCondition } from '../kernel/condition.ts';
import type { PolicyData } from '../kernel/policy.ts';
import { atOnce } from '../kernel/slices.ts';
import type { ToolFacts } from '../kernel/tool-facts.ts';
import { indexByName, inOrder, serverIndexSteps, type NamedRules, type RulesByServer } from './index-rules.ts';
import { fold } from './patterns.ts';
import { actionOf, comesWithThings, isForAll, isMet, isOfEach, mayBeMet, reasonOf, showsTemplate, speaksOf } from './rule-bearing.ts';
import { digestOf, everyName, type Rule } from './rule.ts';
import { compileRules, isSameList, kindOf, noRules, type CallerKind, type CommonRules, type Rules } from './rules.ts';
import { tell, tellOf, tellOfMany, type CallFacts, type Told } from './tell.ts';

/** A decision is a value; `rule` is the policy that made it, null where none had to. `hidden`: to the caller it is as if the thing did not exist. */
export type Grant =
  | { readonly decision: 'allow'; readonly rule: string | null }
  | { readonly decision: 'deny'; readonly hidden: boolean; readonly rule: string | null; readonly reason: string }
  | { readonly decision: 'hold'; readonly rule: string; readonly reason: string };

export type Refusal = Extract<Grant, { decision: 'deny' }>;

export type ThingKind = 'tool' | 'resource' | 'prompt';

/** What a call would do at a server. `kind` null: it names no tool, resource or prompt. */
export interface Operation {
  readonly server: string;
  /** Null: the handshake and its like, open to whoever may use the server. */
  readonly action: string | null;
  readonly kind: ThingKind | null;
  readonly name: string;
}

/** Rules of access, compiled. Pure but for the clock. */
export interface Access {
  /** In the order in which they are asked. */
  readonly data: readonly PolicyData[];
  /** What holds for a caller: kept, so that asking again is a look-up. */
  viewOf(principal: Principal): AccessView;
  /** The same with these rules before all others, in place of those that stand there now. */
  behind(first: readonly PolicyData[]): Access;
  /** What the next list of rules is made of as far as it is the same. */
  readonly made: { readonly first: Rules; readonly rules: Rules; readonly views: Views };
}

/** The rules as one kind of caller meets them. */
export interface AccessView {
  /** Callers with the same key may do the same. */
  readonly key: string;
  /** Whether the caller may know of the server at all. */
  reaches(server: string): boolean;
  /** Why the caller may not know of the server; null: it may. */
  refusalOf(server: string): Refusal | null;
  /** What allows every operation on the server, whatever it names; null: it depends on the operation. */
  opening(server: string): Grant | null;
  /** Whether the decision may ask what is known of the tool. */
  asksOfTool(operation: Operation): boolean;
  decide(principal: Principal, operation: Operation, facts: CallFacts): Grant;
  /**
   * Whether a list shows it: it is not refused whatever is said in the call. Templates of resources: whether any URI of theirs is not. `tool`: what is
   * known of a tool, asked for only where a condition asks; null: nothing.
   */
  shows(server: string, kind: ThingKind | 'template', name: string, tool?: () => ToolFacts | null): boolean;
}

/** The rules of a caller: those for all of its kind, which all of them share, and its own. */
interface ViewRules {
  readonly common: RulesByServer;
  readonly own: readonly Rule[];
  /** How many of the common ones stand before each of its own. */
  readonly after: readonly number[];
}

/** Views by the names of the caller's own rules. One is good for as long as its rules are the same, whatever else has changed. */
type Views = ReadonlyMap<string, { readonly rules: ViewRules; readonly view: AccessView }>;

/** Rules of one effect that speak of an operation. */
interface Applicable {
  readonly denies: readonly Rule[];
  readonly holds: readonly Rule[];
  readonly allows: readonly Rule[];
}

const allow: Grant = { decision: 'allow', rule: null };
const unknown = (): null => null;

/** The rule as if its condition were met. What asks after a tool is about calls of tools, whatever it says. */
export function unconditional(policy: PolicyData): PolicyData {
  const isOfTools = policy.when !== null && policy.tools === null && policy.resources === null && policy.prompts === null;
  return { ...policy, when: null, ...(isOfTools && compileCondition(policy.when).usesTool && { tools: everyName }) };
}

/** Throws where a condition is none; those of a configuration and of the registry were checked when they were written. */
export function compileAccess(policies: readonly PolicyData[], clock: Pick<Clock, 'nowMs'>): Access {
  return createAccess(noRules, atOnce(compileRules(policies, null)), clock, new Map(), '');
}

/**
 * The same in steps; what stands before all others in `before` does so here. Callers for whom nothing has changed keep their views. `owner`: whose rules they
 * are, in the keys of their views.
 */
export function* accessSteps(policies: readonly PolicyData[], clock: Pick<Clock, 'nowMs'>, before: Access | null, owner = ''): Generator<void, Access> {
  const rules = yield* compileRules(policies, before?.made.rules ?? null);
  // Whoever first needs the key of a view would do it for all at once.
  for (const rule of rules.list) {
    digestOf(rule);
    yield;
  }
  for (const { rules: common } of Object.values(rules.common)) {
    common.digest();
    yield;
  }
  return createAccess(before?.made.first ?? noRules, rules, clock, before?.made.views ?? new Map(), owner);
}

function createAccess(first: Rules, rules: Rules, clock: Pick<Clock, 'nowMs'>, before: Views, owner: string): Access {
  const endsMs = [...first.endsMs, ...rules.endsMs];
  const views = new Map<string, { readonly rules: ViewRules; readonly view: AccessView }>();
  const bySignature = new Map<string, AccessView>();
  let byPrincipal = new WeakMap<Principal, AccessView>();
  /** Common rules without those that have ended. */
  const holding = new Map<CallerKind, CommonRules>();
  /** When the first of the rules ends. */
  let endsAtMs = firstEnd(endsMs, clock.nowMs());

  function commonFor(kind: CallerKind, nowMs: number): CommonRules {
    const all = rules.common[kind];
    if (rules.endsMs.length === 0) return all;
    let kept = holding.get(kind);
    if (kept === undefined) {
      const places = all.places.filter((_, at) => isHolding(all.rules.list[at], nowMs));
      kept = places.length === all.places.length ? all : { rules: atOnce(serverIndexSteps(rulesAt(rules, places, nowMs))), places };
      holding.set(kind, kept);
    }
    return kept;
  }

  function viewFor(principal: Principal, ownFirst: readonly number[], ownRules: readonly number[]): AccessView {
    const nowMs = clock.nowMs();
    const kind = kindOf(principal);
    const { rules: common, places } = commonFor(kind, nowMs);
    const own = rulesAt(first, [...first.common[kind].places, ...ownFirst].toSorted(ascending), nowMs);
    const after = own.map(() => 0);
    let passed = 0;
    for (const place of ownRules) {
      const rule = rules.list[place];
      if (rule === undefined || !isHolding(rule, nowMs)) continue;
      while ((places[passed] ?? Infinity) < place) passed++;
      own.push(rule);
      after.push(passed);
    }
    const names = [kind, ...own.map(({ data }) => data.name)].join('\n');
    const same = [views.get(names), before.get(names)].find((one) => one !== undefined && isSame(one.rules, { common, own, after }));
    if (same !== undefined) {
      views.set(names, same);
      return same.view;
    }
    const view = createView({ common, own, after }, kind === 'anonymous', clock, owner);
    if (views.size >= bounds.endpointViewsMax) views.clear();
    views.set(names, { rules: { common, own, after }, view });
    return view;
  }

  return {
    data: first.data.length === 0 ? rules.data : [...first.data, ...rules.data],
    made: { first, rules, views },
    behind: (policies) => createAccess(atOnce(compileRules(policies, first)), rules, clock, views, owner),
    viewOf(principal) {
      if (endsAtMs !== Infinity && clock.nowMs() >= endsAtMs) {
        byPrincipal = new WeakMap();
        bySignature.clear();
        holding.clear();
        endsAtMs = firstEnd(endsMs, clock.nowMs());
      }
      const known = byPrincipal.get(principal);
      if (known !== undefined) return known;
      const [ownFirst, ownRules] = [first.ownPlaces(principal), rules.ownPlaces(principal)];
      const signature = `${kindOf(principal)} ${ownFirst.join(',')} ${ownRules.join(',')}`;
      let view = bySignature.get(signature);
      if (view === undefined) {
        view = viewFor(principal, ownFirst, ownRules);
        if (bySignature.size >= bounds.accessKeptMax) bySignature.clear();
        bySignature.set(signature, view);
      }
      byPrincipal.set(principal, view);
      return view;
    },
  };
}

function isHolding(rule: Rule | undefined, nowMs: number): boolean {
  return rule !== undefined && (rule.data.untilMs === null || nowMs < rule.data.untilMs);
}

function rulesAt({ list }: Rules, places: readonly number[], nowMs: number): Rule[] {
  return places.flatMap((place) => list[place] ?? []).filter((rule) => isHolding(rule, nowMs));
}

function ascending(one: number, other: number): number {
  return one - other;
}

function isSame(one: ViewRules, other: ViewRules): boolean {
  return one.common === other.common && isSameList(one.own, other.own) && isSameList(one.after, other.after);
}

function createView({ common, own, after }: ViewRules, isAnonymous: boolean, clock: Pick<Clock, 'nowMs'>, owner: string): AccessView {
  let key: string | null = null;
  const kept = new Map<string, Applicable>();
  const open = new Map<string, Grant | null>();
  const reach = new Map<string, Refusal | null>();
  const named = { tool: new Map<readonly Rule[], NamedRules>(), prompt: new Map<readonly Rule[], NamedRules>() };
  const byServer = new Map<string, readonly Rule[]>();
  let ownByServer: RulesByServer | null = null;
  let withPatterns: readonly Rule[] | null = null;
  /** A call asks more than once. */
  let lastAsked: { readonly operation: Operation; readonly found: Applicable } | null = null;

  /** Rules for a server; servers of which no rule speaks by name share one list. */
  function at(server: string): readonly Rule[] {
    return keptFor(byServer, server, () => {
      const mine = (ownByServer ??= atOnce(serverIndexSteps(own)));
      const found = inTurn(common.at(server), mine.at(server));
      withPatterns ??= inTurn(common.withPatterns, mine.withPatterns);
      return isSameList(found, withPatterns) ? withPatterns : found;
    });
  }

  /** Common rules and own ones at these places of their lists, in the order in which they stand in the list of all. */
  function inTurn(commonPlaces: readonly number[], ownPlaces: readonly number[]): readonly Rule[] {
    const found: Rule[] = [];
    let next = 0;
    const pushCommon = (before: number): void => {
      for (let place = commonPlaces[next]; place !== undefined && place < before; place = commonPlaces[++next]) {
        const rule = common.list[place];
        if (rule !== undefined) found.push(rule);
      }
    };
    for (const place of ownPlaces) {
      pushCommon(after[place] ?? Infinity);
      const rule = own[place];
      if (rule !== undefined) found.push(rule);
    }
    pushCommon(Infinity);
    return found;
  }

  /** Rules that may speak of it: of thousands that name single tools only those that name this one. */
  function candidates({ server, kind, name }: Operation): readonly Rule[] {
    const ofServer = at(server);
    if (kind === null || kind === 'resource') return ofServer;
    const { exact, others } = keptFor(named[kind], ofServer, () => indexByName(ofServer, kind));
    return inOrder(ofServer, [...(exact.get(name) ?? []), ...(exact.get(fold(name)) ?? []), ...others]);
  }

  function applicable(operation: Operation): Applicable {
    if (operation !== lastAsked?.operation) lastAsked = { operation, found: find(operation) };
    return lastAsked.found;
  }

  function find(operation: Operation): Applicable {
    return keptFor(kept, `${operation.server}\n${operation.action ?? ''}\n${operation.kind ?? ''}\n${operation.name}`, () => {
      const speaking = candidates(operation).filter((rule) => speaksOf(rule, operation));
      const of = (effect: PolicyData['effect']): Rule[] => speaking.filter(({ data }) => data.effect === effect);
      return { denies: of('deny'), holds: of('hold'), allows: of('allow') };
    });
  }

  function refusalOf(server: string): Refusal | null {
    return keptFor(reach, server, () => refusal(applicable({ server, action: null, kind: null, name: '' })));
  }

  function opening(server: string): Grant | null {
    return keptFor(open, server, () => {
      const all = at(server);
      if (all.some(({ data }) => data.effect !== 'allow')) return null;
      const opener = all.find(({ things, condition, data }) => things === null && condition === null && data.actions === null);
      return opener?.grant ?? (isAnonymous ? allow : null);
    });
  }

  /** What is refused whatever the call says, which is the same as not being there. */
  function refusal({ denies, allows }: Applicable): Refusal | null {
    const denied = denies.find(({ condition }) => condition === null);
    if (denied !== undefined) return { decision: 'deny', hidden: true, rule: denied.data.name, reason: reasonOf(denied) };
    return allows.length > 0 || isAnonymous ? null : { decision: 'deny', hidden: true, rule: null, reason: 'no policy allows it' };
  }

  /** Whether no call of the thing is allowed, whatever it says. */
  function isNeverAllowed({ allows }: Applicable, told: Told): boolean {
    return !isAnonymous && allows.every((rule) => isOfEach(rule, told) && !isMet(rule, told, false));
  }

  function decide(principal: Principal, operation: Operation, facts: CallFacts): Grant {
    const opened = opening(operation.server);
    if (opened !== null) return opened;
    const found = applicable(operation);
    const { denies, holds, allows } = found;
    const refused = refusal(found);
    if (refused !== null) return refused;
    const plain = allows.find(({ condition }) => condition === null)?.grant ?? (isAnonymous ? allow : null);
    if (denies.length === 0 && holds.length === 0 && plain !== null) return plain;
    const isOfMany = operation.kind === null && (operation.action === null || comesWithThings(operation.action));
    const nowMs = clock.nowMs();
    const told = tell(operation, principal, facts, nowMs);
    // First what holds whatever the call says: a call hears no more of a thing than lists show.
    for (const rule of denies)
      if (isOfEach(rule, told) && isMet(rule, told, true)) return { decision: 'deny', hidden: true, rule: rule.data.name, reason: reasonOf(rule) };
    const ofMany = isOfMany ? tellOfMany(operation, principal, facts, nowMs) : null;
    if (ofMany === null && isNeverAllowed(found, told)) return { decision: 'deny', hidden: true, rule: null, reason: 'no policy allows it' };
    for (const rule of denies)
      if (!isOfEach(rule, told) && isMet(rule, told, true)) return { decision: 'deny', hidden: false, rule: rule.data.name, reason: reasonOf(rule) };
    for (const rule of holds) if (isMet(rule, told, true)) return { decision: 'hold', rule: rule.data.name, reason: reasonOf(rule) };
    for (const rule of allows) if (ofMany === null ? isMet(rule, told, false) : mayBeMet(rule, ofMany)) return rule.grant;
    if (isAnonymous) return allow;
    return { decision: 'deny', hidden: false, rule: null, reason: 'no policy allows this call' };
  }

  return {
    get key() {
      return (key ??= hash(
        'sha256',
        `${owner} ${isAnonymous ? 'anonymous' : 'member'} ${common.digest()} ${own.map((rule, place) => `${after[place]}:${digestOf(rule)}`).join(' ')}`,
        'base64url',
      ));
    },
    reaches: (server) => refusalOf(server) === null,
    refusalOf,
    opening,
    asksOfTool(operation) {
      if (operation.kind !== 'tool' || opening(operation.server) !== null) return false;
      const { denies, holds, allows } = applicable(operation);
      return [denies, holds, allows].some((rules) => rules.some(({ condition }) => condition?.usesTool === true));
    },
    decide,
    shows(server, kind, name, tool = unknown) {
      if (kind === 'template') return showsTemplate(at(server), name, isAnonymous);
      const operation = { server, action: actionOf[kind], kind, name };
      const found = applicable(operation);
      if (refusal(found) !== null) return false;
      if (!found.denies.some(isForAll) && !found.allows.some(isForAll)) return true;
      const told = tellOf(operation, tool);
      return !found.denies.some((rule) => isOfEach(rule, told) && isMet(rule, told, true)) && !isNeverAllowed(found, told);
    },
  };
}

/** Names come from callers: what is kept of them is bounded. */
function keptFor<Name, Made>(made: Map<Name, Made>, name: Name, make: () => Made): Made {
  let one = made.get(name);
  if (one === undefined) {
    one = make();
    if (made.size >= bounds.accessKeptMax) made.clear();
    made.set(name, one);
  }
  return one;
}

function firstEnd(endsMs: readonly number[], nowMs: number): number {
  return endsMs.reduce((least, endMs) => (endMs > nowMs ? Math.min(least, endMs) : least), Infinity);
}
