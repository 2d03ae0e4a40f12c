import type { AuthType } from '../kernel/route-auth.ts';

/**
 * An address behind which stand many servers: the aggregate `/mcp` or a virtual server `/mcp/v/{name}`. Plain data, part of
 * `SnapshotData`.
 */
export interface EndpointData {
  /** As it stands in records, metrics and session handles: `*`, or `v/{name}`. No server can have such a name. */
  readonly name: string;
  readonly path: string;
  readonly auth: AuthType;
  /** Issuers whose tokens are taken, where tokens are; absent: every one. */
  readonly issuers?: readonly string[];
  /** Names of the servers behind it, in the order of the configuration. */
  readonly servers: readonly string[];
  readonly prefix: 'always' | 'on-collision' | 'never';
  /** Most characters of an exposed name, and other limits by the name of the caller's client (`clientInfo.name`). */
  readonly nameCharsMax: number;
  readonly clientNameCharsMax: Readonly<Record<string, number>>;
  /** Entries of one page of a list. */
  readonly pageSize: number;
  readonly toolExposure: 'all' | 'search';
  /** How long a list waits for a server. */
  readonly deadlineMs: number;
  /** What of the servers is behind it; null: all of that kind. */
  readonly tools: readonly SelectionData[] | null;
  readonly resources: readonly SelectionData[] | null;
  readonly prompts: readonly SelectionData[] | null;
}

/** Selects tools, prompts or resources by name or URI as their server has it. */
export interface SelectionData {
  /** Null: of every server behind the endpoint. */
  readonly server: string | null;
  /** Exact, or with `*` for any run of characters. */
  readonly pattern: string;
  /** The name under which it is exposed, and the description that is shown; null: its own. */
  readonly rename: string | null;
  readonly description: string | null;
}
