/**
 * The control state that the rail reads, compiled to one immutable, versioned value. `SnapshotData` is what the
 * supervisor hands to every worker (plain data: what JSON can say), whole when it begins, then by its differences; `Snapshot` is what a worker compiles from it.
 */
import type { Reference } from '../kernel/directory.ts';
import type { AuthType, CredentialType } from '../kernel/route-auth.ts';
import type { RiskData } from '../authorise/tool-risk.ts';
import type { PolicyData } from '../kernel/policy.ts';
import type { TransformData } from './transform-data.ts';
import type { EndpointData } from './endpoint-data.ts';
import type { OpaData } from './opa-data.ts';
import type { UpstreamData } from './upstream-data.ts';

export interface SnapshotData {
  readonly version: number;
  /** The gateway's own: callers without a key are of it, and servers for which nothing else is said. */
  readonly organizationId: string;
  readonly node: string;
  /** Host header values (lower case, with port) that are served; null: any (a listen address that names no host). */
  readonly hosts: readonly string[] | null;
  readonly origins: readonly string[];
  readonly bodyBytesMax: number;
  /** What is kept of a request or response of servers that have `bodies`; absent: the default. */
  readonly recordBodyBytesMax?: number;
  /** Duplex transports that are served beside streamable HTTP; absent: none. */
  readonly links?: { readonly websocket: boolean; readonly sse: boolean };
  readonly currency: string;
  /** Which version of the price list this is; absent: 0, one that is not numbered yet. */
  readonly priceVersion?: number;
  readonly servers: readonly ServerData[];
  /** Rules of access of the gateway's own organization; what none of them allows is refused. */
  readonly policies: readonly PolicyData[];
  /** Those of other organizations, one entry each; one that is not here has none. Absent: there are no others. */
  readonly others?: readonly OrganizationRules[];
  /** What an operator says of the risk of tools; absent: nothing. */
  readonly risks?: readonly RiskData[];
  /** Whether callers may sign in with tokens, which are longer than keys; absent: they may not. */
  readonly tokens?: true;
  /** Whether callers may be known by client certificates, and which proxies may say so of their clients; absent: they may not. */
  readonly certificates?: { readonly proxies: readonly string[] };
  /** By which address clients find out how to sign in; absent: no tokens are taken. */
  readonly signIn?: { readonly origin: string; /** Empty, or from its slash on. */ readonly basePath: string };
  /** The policy engine that is asked beside the rules; absent: none. */
  readonly opa?: OpaData;
  /** Addresses behind which stand many servers; absent: none. */
  readonly endpoints?: readonly EndpointData[];
}

/** How a worker comes from one snapshot to another. */
export interface SnapshotUpdate {
  readonly version: number;
  /** The version that the worker must have; null: any, the update holds everything. */
  readonly base: number | null;
  /** As `kernel/delta.ts` makes them. */
  readonly pieces: readonly string[];
}

/** Rules of access of an organization. */
export interface OrganizationRules {
  readonly organizationId: string;
  readonly policies: readonly PolicyData[];
}

export interface ServerData {
  readonly name: string;
  /** Ids of the organizations that it is offered to, `*` for every one; absent: the gateway's own alone. */
  readonly organizations?: readonly string[];
  /** Public path, e.g. `/mcp/filesystem`. */
  readonly path: string;
  readonly auth: AuthType;
  /** Issuers whose tokens are taken, where tokens are; absent: every one. */
  readonly issuers?: readonly string[];
  readonly transport: 'http' | 'stdio' | 'websocket' | 'sse';
  /** `http://host:port`, with `socketPath` set where it is a bridge on a Unix socket. */
  readonly origin: string;
  readonly upstreamPath: string;
  readonly socketPath: string | null;
  readonly timeoutMs: number;
  readonly connectionsMax: number;
  /** Several targets, or other rules than the defaults for reaching the one above (then its first); absent: neither. */
  readonly upstream?: UpstreamData;
  /** False: a session that the server has lost is lost to its client too. Absent: another takes its place. */
  readonly renewsSessions?: boolean;
  /** The gateway's own credential for this server. Never logged. */
  readonly credential: { readonly header: string; readonly value: string } | null;
  readonly price: PriceData & { readonly by: 'none' | 'default' | 'server' };
  /** Of tools with prices of their own. */
  readonly toolPrices: Readonly<Record<string, PriceData>>;
  /** The most that the server may say itself that a call cost; absent: it is not trusted to. Nano-dollars as text. */
  readonly reportedCostMaxNano?: string;
  /** Absent where there are none. */
  readonly transforms?: readonly TransformData[];
  /** Absent where no answer of it is kept. */
  readonly cache?: CacheData;
  /** Absent where the bodies of none of its calls are kept. */
  readonly bodies?: BodiesData;
}

/** Whose bodies are kept. */
export interface BodiesData {
  /** Of all that no tool is named for. */
  readonly all: boolean;
  readonly tools: Readonly<Record<string, boolean>>;
}

/** Which answers of a server are kept. Times in milliseconds. */
export interface CacheData {
  readonly lists: boolean;
  readonly resources: boolean;
  /** Tool → how long its results are kept. */
  readonly tools: Readonly<Record<string, number>>;
  /** For lists and resources whose server says nothing of it; 0: not kept then. */
  readonly ttlMs: number;
  /** Whether what the server declares public is given to all callers. */
  readonly public: boolean;
}

/** Nano-dollars as decimal strings: exact across processes. */
export interface PriceData {
  readonly perCallNano: string;
  readonly perTokenInputNano: string;
  readonly perTokenOutputNano: string;
  /** Absent: nothing. */
  readonly perSecondNano?: string;
}

/** Who a verified caller is: what the supervisor answers a worker, plain data. */
export interface PrincipalData {
  /** `key`: whoever holds one; others have signed in with something else, in their own name. */
  readonly kind: 'key' | 'user' | 'service_account' | 'agent' | 'anonymous';
  /** What it signed in with. */
  readonly credential: CredentialType | 'none';
  /** By which it is forgotten when what it signed in with is good no more: the key's id, or that of the token. */
  readonly credentialId: string;
  /** Who vouched for it, by its name in the configuration; empty for keys. */
  readonly issuer: string;
  /**
   * What the records of its calls are found by: the key's id; without a key the id of the service account or agent, and for a person
   * their pseudonym, whose own id stands in `userId` alone, where it can be erased.
   */
  readonly keyId: string;
  /** What shows of the credential: the key's prefix, or `jwt:` and the issuer's name, or `mtls:` and that of the authority. */
  readonly keyPrefix: string;
  readonly organizationId: string;
  readonly userId: string;
  readonly teamId: string;
  readonly projectId: string;
  readonly agent: string;
  readonly serviceAccountId: string;
  /** What of the directory's rules hold for it too: the teams and projects that it names or its owner is of, and their departments. */
  readonly lineage: readonly Reference[];
  /** The user or service account of the directory that it belongs to, whose roles limit it. */
  readonly owner: Reference | null;
  readonly environment: string;
  /** Server names it may reach; null: every one. */
  readonly servers: readonly string[] | null;
  /** Actions (`tools.call`, `keys.write`, `tools.*`, `*`); null: every MCP operation and no control permission. */
  readonly actions: readonly string[] | null;
  /** Of a token that the gateway has given a client; absent: it signed in with something else. */
  readonly token?: TokenData;
  /** Until when this may be gone by; then it is verified anew. */
  readonly expiresAtMs: number | null;
  /** Set on the old secret of a rotated key: it works until then and its answers carry `Deprecation`. */
  readonly deprecatedUntilMs: number | null;
  readonly rateLimit: RateLimitData | null;
}

/** What a token of the gateway's own is good for. */
export interface TokenData {
  /** The one address. */
  readonly path: string;
  readonly scopes: readonly string[];
  /** What its person may do: what of it the token lacks, they can be asked for. */
  readonly held: readonly string[];
}

export interface RateLimitData {
  readonly limit: number;
  readonly windowMs: number;
  readonly burst: number;
}

/** Whether both are reached at the same address: connections to one serve the other. */
export function isSamePlace(one: ServerData, other: ServerData | undefined): boolean {
  if (one === other || other === undefined) return one === other;
  return one.origin === other.origin && one.socketPath === other.socketPath && one.upstreamPath === other.upstreamPath;
}
