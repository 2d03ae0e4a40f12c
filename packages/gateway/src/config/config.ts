/**
 * The configuration after loading: defaults filled in, references resolved to places (never to secret values), frozen.
 * `schema.ts` parses gateway.yaml into it; `load.ts` adds the environment.
 */
import type { OidcProviderData, SamlProviderData } from '../identity/provider-data.ts';
import type { AuthorityData } from '../identity/authority-data.ts';
import type { IssuerData } from '../identity/issuer-data.ts';
import type { RouteAuth } from '../kernel/route-auth.ts';
import type { PriceList } from '../kernel/price-list.ts';
import type { StreamData, SyslogData, WebhookData } from '../jobs/siem/stream-data.ts';
import type { SelectionData } from '../snapshot/endpoint-data.ts';
import type { CacheData } from '../snapshot/snapshot.ts';
import type { MaskingRules } from '../masking/masking-rules.ts';
import type { RiskData } from '../authorise/tool-risk.ts';
import type { PolicyData } from '../kernel/policy.ts';
import type { TransformData } from '../snapshot/transform-data.ts';
import type { UpstreamData } from '../snapshot/upstream-data.ts';
import type { OtlpConfig } from './otlp-config.ts';

export interface Config {
  readonly version: 1;
  /** Absolute path of the file, or null where none was given (defaults only). */
  readonly file: string | null;
  readonly listen: ListenConfig;
  readonly servers: readonly ServerConfig[];
  /** One a server: what the file leaves out is filled in (`/mcp/{name}`, auth apiKey). */
  readonly routes: readonly RouteConfig[];
  /** Null: the file says nothing of prices, they are set by the API. */
  readonly pricing: PriceList | null;
  readonly transforms: readonly TransformConfig[];
  readonly cache: readonly CacheConfig[];
  readonly record: RecordConfig;
  /** Null: the file says nothing of them, the rules of the registry hold. */
  readonly policies: readonly PolicyData[] | null;
  readonly access: AccessConfig;
  readonly identity: IdentityConfig;
  readonly aggregate: AggregateConfig;
  readonly virtualServers: readonly VirtualServerConfig[];
  readonly rateLimits: readonly RateLimitConfig[];
  readonly limits: { readonly bodyBytesMax: number };
  readonly journal: { readonly sync: boolean; readonly spoolBytesMax: number };
  readonly retention: { readonly tracesDays: number; readonly metricsDays: number };
  readonly audit: AuditConfig;
  /** Null: nodes take no backups by themselves. */
  readonly backup: BackupConfig | null;
  /** What session ids are sealed with, on every node alike: the first seals, all open. None: keys of this node's state folder. */
  readonly sessionKeys: readonly SecretReference[];
  readonly stores: {
    readonly databaseUrl: string | null;
    readonly databaseConnectionsMax: number;
    readonly clickhouseUrl: string | null;
    /** Null: `clickhouseUrl` is one server, or none. */
    readonly clickhouseCluster: string | null;
    readonly redisUrl: string | null;
  };
  readonly telemetry: { readonly metrics: { readonly toolsMax: number }; readonly otlp: OtlpConfig | null };
  readonly keys: { readonly environment: string; readonly bcryptCost: number };
  readonly workers: number;
  readonly log: { readonly level: 'debug' | 'info' | 'warn' | 'error'; readonly format: 'json' | 'text' };
}

/** Who vouches for callers that have no API key. */
export interface IdentityConfig {
  readonly issuers: readonly IssuerConfig[];
  readonly certificates: CertificatesConfig;
  /** By whom people sign in. */
  readonly providers: readonly ProviderConfig[];
  /** Null: the gateway gives out no tokens. */
  readonly authorizationServer: AuthorizationServerConfig | null;
}

/** The gateway as authorization server of MCP clients. */
export interface AuthorizationServerConfig {
  readonly clients: readonly OauthClientConfig[];
  /** Null: no client is taken by its document. */
  readonly clientDocuments: { readonly allowedNetworks: readonly string[]; /** Absolute path of a file in PEM. */ readonly caFile: string | null } | null;
  readonly dynamicRegistration: boolean;
  /** Whether tokens for the control API are given out. */
  readonly controlApi: boolean;
  readonly accessTokenMs: number;
  /** Since its last use. */
  readonly refreshTokenMs: number;
}

export interface OauthClientConfig {
  readonly id: string;
  readonly name: string;
  readonly redirectUris: readonly string[];
  /** SHA-256 of its secret, in hex; null: it has none. */
  readonly secretDigest: string | null;
}

export interface IssuerConfig extends Omit<IssuerData, 'ca'> {
  /** Absolute path of a PEM file. */
  readonly caFile: string | null;
}

/** Who vouches for callers by client certificates. */
export interface CertificatesConfig {
  readonly authorities: readonly CertificateAuthorityConfig[];
  /** Addresses and networks of proxies that say in a header which certificate a client has shown. */
  readonly proxies: readonly string[];
}

export interface CertificateAuthorityConfig extends Omit<AuthorityData, 'ca' | 'lists'> {
  /** Absolute paths. */
  readonly caFile: string;
  /** Null: nobody asks what was revoked. */
  readonly crlFiles: readonly string[] | null;
}

export type ProviderConfig = OidcProviderConfig | SamlProviderConfig;

export interface OidcProviderConfig extends Omit<OidcProviderData, 'clientSecret' | 'ca'> {
  readonly clientSecret: SecretReference | null;
  /** Absolute path of a PEM file. */
  readonly caFile: string | null;
}

export interface SamlProviderConfig extends Omit<SamlProviderData, 'metadata' | 'own' | 'ca'> {
  /** Absolute path of a file, or an address. */
  readonly metadata: { readonly file: string } | { readonly url: string };
  readonly own: { readonly key: SecretReference; readonly certificateFile: string } | null;
  readonly caFile: string | null;
}

/** What decisions stand on beside the rules. */
export interface AccessConfig {
  readonly risks: readonly RiskData[];
  /** Null: no engine is asked beside the rules. */
  readonly opa: OpaConfig | null;
}

/** Open Policy Agent: a server at `url`, or policies compiled to `bundle`. */
export interface OpaConfig {
  readonly url: string | null;
  /** Absolute path of a file. */
  readonly bundle: string | null;
  readonly decision: string;
  readonly timeoutMs: number;
  readonly credential: CredentialConfig | null;
  readonly tls: UpstreamTlsConfig | null;
  readonly allowedNetworks: readonly string[];
}

/** Whether the bodies of calls are kept. */
export interface RecordConfig {
  readonly bodies: 'masked' | 'off';
  /** Of one request or response. */
  readonly bodyBytesMax: number;
  /** For one tool, or with `tool` null for all of a server that no other entry names. */
  readonly overrides: readonly { readonly server: string; readonly tool: string | null; readonly bodies: 'masked' | 'off' }[];
  readonly masking: MaskingRules;
}

export interface BackupConfig {
  /** Absolute path. */
  readonly folder: string;
  readonly everyMs: number;
  readonly keepMs: number;
  readonly ledger: 'none' | 'costs' | 'all';
}

export interface AuditConfig {
  readonly retentionDays: number;
  /** Public keys of other nodes, in base64. */
  readonly trustedKeys: readonly string[];
  readonly streams: readonly AuditStreamConfig[];
}

/** Where events of the audit go as they are written. */
export interface AuditStreamConfig extends Omit<StreamData, 'to'> {
  readonly to: SyslogConfig | WebhookConfig;
}

export interface SyslogConfig extends Omit<SyslogData, 'tls'> {
  readonly tls: UpstreamTlsConfig | null;
}

export interface WebhookConfig extends Omit<WebhookData, 'tls' | 'headers' | 'keys'> {
  readonly tls: UpstreamTlsConfig | null;
  readonly headers: Readonly<Record<string, string | SecretReference>>;
  readonly secrets: readonly SecretReference[];
}

export interface ListenConfig {
  readonly host: string;
  readonly port: number;
  /** Null: plain HTTP. */
  readonly tls: ListenTlsConfig | null;
  /** By which people and clients reach it where a proxy stands before it; null: by what stands here. */
  readonly publicUrl: string | null;
  /** Where `/metrics` is served alone; null: nowhere. */
  readonly metrics: { readonly host: string; readonly port: number } | null;
  /** Further Host names (without port) that requests may carry, beside the listen address itself. */
  readonly hosts: readonly string[];
  /** Origins that browsers may call from, beside the gateway's own. */
  readonly origins: readonly string[];
  /** Duplex transports beside streamable HTTP, at the same addresses. */
  readonly websocket: boolean;
  readonly sse: boolean;
}

export interface ListenTlsConfig {
  /** Absolute paths of PEM files. */
  readonly certFile: string;
  readonly key: SecretReference;
  readonly clientCaFile: string | null;
  /** `none`: clients are not asked for one. */
  readonly clientCertificates: 'none' | 'optional' | 'required';
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
}

export type ServerConfig = HttpServerConfig | StdioServerConfig | RemoteServerConfig;

interface ServerConfigBase {
  readonly name: string;
  /** Ids of the organizations that it is offered to, `*` for every one; absent: the gateway's own alone. */
  readonly organizations?: readonly string[];
  readonly timeoutMs: number;
  readonly connectionsMax: number;
  /** False: a session that the server has lost is lost to its client too. Absent: another takes its place. */
  readonly renewsSessions?: boolean;
  /** Nano-units: what the server may say itself that a call cost. Absent: nothing, it is not trusted. */
  readonly reportedCostMaxNano?: bigint;
  /** Absent: one target, by the defaults. */
  readonly upstream?: UpstreamConfig;
}

export interface UpstreamConfig extends Omit<UpstreamData, 'targets'> {
  /** None for a server behind a bridge. */
  readonly targets: readonly { readonly name: string; readonly url: string; readonly weight: number }[];
  readonly tls: UpstreamTlsConfig | null;
}

/** Absolute paths of PEM files. */
export interface UpstreamTlsConfig {
  readonly caFile: string | null;
  readonly certFile: string | null;
  readonly key: SecretReference | null;
  readonly serverName: string | null;
}

export interface HttpServerConfig extends ServerConfigBase {
  readonly transport: 'http';
  /** That of the first target, where there are several. */
  readonly url: string;
  readonly credential: CredentialConfig | null;
}

/** Reached over a connection that goes both ways; a bridge keeps it. */
export interface RemoteServerConfig extends ServerConfigBase {
  readonly transport: 'websocket' | 'sse';
  readonly url: string;
  readonly credential: CredentialConfig | null;
}

export interface StdioServerConfig extends ServerConfigBase {
  readonly transport: 'stdio';
  readonly command: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string | SecretReference>>;
  /** Absolute. The folder of the configuration file by default. */
  readonly cwd: string;
  /** `session`: one process per MCP session; `shared`: one for all. */
  readonly processes: 'session' | 'shared';
}

export type SecretReference = { readonly env: string } | { readonly file: string } | { readonly kubernetes: { readonly name: string; readonly key: string } };

export type CredentialConfig =
  | { readonly type: 'bearer'; readonly secret: SecretReference }
  | { readonly type: 'header'; readonly name: string; readonly secret: SecretReference };

export interface RouteConfig {
  readonly server: string;
  readonly path: string;
  readonly auth: RouteAuth;
  readonly timeoutMs: number;
}

/** One entry of `cache`. */
export interface CacheConfig extends CacheData {
  readonly server: string;
}

/** Rules of one entry of `transforms`; their shape has been checked. */
export interface TransformConfig extends TransformData {
  readonly server: string;
}

/** All servers at one address, and the limits of such addresses. */
export interface AggregateConfig {
  readonly enabled: boolean;
  readonly auth: RouteAuth;
  readonly prefix: 'always' | 'on-collision' | 'never';
  /** Characters. */
  readonly nameLimit: number;
  readonly clientLimits: Readonly<Record<string, number>>;
  readonly pageSize: number;
  readonly toolExposure: 'all' | 'search';
  readonly deadlineMs: number;
}

export interface VirtualServerConfig {
  readonly name: string;
  readonly auth: RouteAuth;
  /** Names, with `*` for any text. */
  readonly servers: readonly string[];
  readonly prefix: AggregateConfig['prefix'];
  readonly toolExposure: AggregateConfig['toolExposure'];
  /** Null: all of them. */
  readonly tools: readonly SelectionConfig[] | null;
  readonly resources: readonly SelectionConfig[] | null;
  readonly prompts: readonly SelectionConfig[] | null;
}

export type SelectionConfig = SelectionData;

/** S0 F006 for API keys: `keyPrefix` null is the default for every key. */
export interface RateLimitConfig {
  readonly scope: 'api_key';
  readonly keyPrefix: string | null;
  readonly limit: number;
  readonly windowMs: number;
  readonly burst: number;
}
