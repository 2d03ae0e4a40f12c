/** What a condition can ask after of a tool. The hints are the server's own claims: nothing proves them. */
export interface ToolFacts {
  /** For people; empty where the server gives none. */
  readonly title: string;
  readonly annotations: ToolHints;
  /** The hints that the server itself gives; the others are what MCP has read for them. */
  readonly said: readonly string[];
  readonly risk: Risk;
}

export interface ToolHints {
  readonly readOnlyHint: boolean;
  readonly destructiveHint: boolean;
  readonly idempotentHint: boolean;
  readonly openWorldHint: boolean;
}

/** From the least. */
export const risks = ['low', 'medium', 'high', 'critical'] as const;
export type Risk = (typeof risks)[number];

/**
 * What a server's listing says of a tool (MCP 2026-07-28, `ToolAnnotations`). A hint that is absent, or no boolean, reads as the specification has it:
 * it changes things, destroys some, does so again when it is called again, and reaches into the open. Of a tool that only reads, `destructiveHint` and
 * `idempotentHint` say nothing there: they read false and true.
 */
export function listedFacts(tool: unknown): Omit<ToolFacts, 'risk'> {
  const listed = membersOf(tool);
  const annotations = membersOf(listed['annotations']);
  const said = hintNames.filter((name) => typeof annotations[name] === 'boolean');
  const hint = (name: keyof ToolHints, absent: boolean): boolean => (typeof annotations[name] === 'boolean' ? annotations[name] : absent);
  const readOnlyHint = hint('readOnlyHint', false);
  const title = [listed['title'], annotations['title']].find((text) => typeof text === 'string');
  return {
    title: typeof title === 'string' ? title : '',
    annotations: {
      readOnlyHint,
      destructiveHint: hint('destructiveHint', !readOnlyHint),
      idempotentHint: hint('idempotentHint', readOnlyHint),
      openWorldHint: hint('openWorldHint', true),
    },
    said,
  };
}

/** What a tool is taken for that nobody has named the risk of. */
export function riskOf({ readOnlyHint, destructiveHint }: ToolHints): Risk {
  return destructiveHint ? 'high' : readOnlyHint ? 'low' : 'medium';
}

export function higherRisk(one: Risk, other: Risk): Risk {
  return risks.indexOf(one) >= risks.indexOf(other) ? one : other;
}

const hintNames = ['readOnlyHint', 'destructiveHint', 'idempotentHint', 'openWorldHint'] as const;

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Readonly<Record<string, unknown>>) : {};
}
