/**
 * control: what an administrator, or a key with the permission, may see and change. A noun a folder, a verb a file, one
 * signature `(context, input)`; REST, CLI and MCP admin tools are thin adapters over the verbs. Imports `kernel/` and its
 * own files; the ports of `store/` and the shapes of other rooms as types only. Promises: every change is checked against
 * what the actor holds and is written together with its audit event in one registry transaction.
 */
import type { Config } from '../config/config.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Reference } from '../kernel/directory.ts';
import type { OrganizationId } from '../kernel/id.ts';
import type { Log } from '../kernel/log.ts';
import type { LedgerReader } from '../store/ledger/ledger-reader.ts';
import type { RegistryStore } from '../store/registry/registry-store.ts';
import type { StateStore } from '../store/state/state-store.ts';
import type { LiveFeed } from '../telemetry/live/live-feed.ts';
import type { Exposition } from '../telemetry/metrics/exposition.ts';
import type { AccessDesk } from './access/access-desk.ts';
import type { AuditDesk } from './audit/audit-desk.ts';
import type { StreamDesk } from './audit/stream-desk.ts';
import type { BackupDesk } from './backup/backup-desk.ts';
import type { BackupScheduleDesk } from './backup/backup-schedule.ts';
import type { Configuration } from './config/reload-config.ts';
import type { CertificateDesk } from './sign-in/certificate-desk.ts';
import type { IssuerDesk } from './sign-in/issuer-desk.ts';
import type { HealthProbe } from './health/read-health.ts';
import type { MaskingDesk } from './masking/test-masking.ts';
import type { SecretHasher } from './keys/hash-secret.ts';
import type { KnownKeys } from './keys/verify-key.ts';
import type { WrongKeys } from './keys/wrong-keys.ts';
import type { NodeFigures } from './metrics/node-figures.ts';
import type { ExportDesk } from './logs/export-desk.ts';
import type { Grants, Permission } from './permissions.ts';
import type { ProviderDesk } from './sign-in/provider-desk.ts';
import type { SessionPlace } from './sessions/session.ts';
import type { OauthDesk } from './oauth/oauth-desk.ts';
import type { ObjectDesk } from './objects/object-desk.ts';
import type { PriceDesk } from './prices/price-desk.ts';
import type { TestServer } from './servers/test-server.ts';
import type { UpstreamDesk } from './servers/upstream-desk.ts';

/** What the control plane works with, the same for all callers. */
export interface ControlDependencies {
  readonly registry: RegistryStore;
  /** Null until the ledger is open: what needs it then answers `unavailable`, or leaves its part null. */
  readonly ledger: () => LedgerReader | null;
  readonly state: Pick<StateStore, 'get' | 'set' | 'replace' | 'take' | 'touch' | 'delete' | 'takeTokens'>;
  /** The one that serves now. */
  readonly config: Config;
  readonly configuration: Configuration;
  readonly objects: ObjectDesk;
  /** Names of every MCP operation that a key's scopes may name. */
  readonly mcpActions: readonly string[];
  readonly secrets: SecretHasher;
  readonly knownKeys: KnownKeys;
  readonly wrongKeys: WrongKeys;
  /** Of this node: what answers to the operator, who shows no credential, are sealed with. */
  readonly answerKey: Uint8Array;
  readonly testServer: TestServer;
  readonly exports: ExportDesk;
  readonly masking: MaskingDesk;
  readonly providers: ProviderDesk;
  /** What is known about a server without asking it. */
  readonly serverState: (name: string) => ServerState;
  readonly upstreams: UpstreamDesk;
  readonly audit: AuditDesk;
  readonly streams: StreamDesk;
  readonly backup: BackupDesk;
  readonly backups: BackupScheduleDesk;
  readonly access: AccessDesk;
  readonly issuers: IssuerDesk;
  readonly certificates: CertificateDesk;
  readonly prices: PriceDesk;
  readonly oauth: OauthDesk;
  readonly tokens: TokenCounter;
  /** What is behind the gateway by now. */
  readonly probes: () => readonly HealthProbe[];
  readonly figures: NodeFigures;
  readonly exposition: Pick<Exposition, 'text'>;
  readonly live: Pick<LiveFeed, 'open' | 'recent' | 'end'>;
  /** `http://host:port` under which the gateway is reached, without a trailing slash. */
  readonly publicUrl: () => string;
  readonly notify: ControlNews;
  readonly clock: Clock;
  /** By which keys and sessions end: `neverBack`. */
  readonly expiryClock: Clock;
  readonly log: Log;
}

/** How many tokens a text has. */
export interface TokenCounter {
  /** Of the vocabulary. */
  readonly name: string;
  count(text: string): Promise<number>;
}

/** News that the control plane has for the rail. */
export interface ControlNews {
  /** A key was revoked, rotated or changed: no worker may use what it remembers of it once this resolves. */
  keyChanged(keyId: string): void | Promise<void>;
}

export interface ServerState {
  /** `degraded`: some of its targets take calls, some do not; or what it lists cannot be read whole. */
  readonly state: 'ready' | 'starting' | 'degraded' | 'failed' | 'unknown';
  /** Why it is not ready, fit for an administrator's eyes. */
  readonly reason: string | null;
}

/** Who acts. */
export interface Actor {
  /**
   * `operator`: whoever may open the owner-only socket; `session`: one that an administrator's link opened; `user`: one of the directory who has signed in;
   * `service_account`, `agent`: one of the directory that shows a token of an issuer;
   * `invitation`: whoever has its token; `provider`: an identity provider of the configuration; `system`: the gateway itself.
   */
  readonly kind: 'operator' | 'key' | 'session' | 'user' | 'service_account' | 'agent' | 'invitation' | 'provider' | 'client' | 'system';
  readonly id: string;
  readonly grants: Grants;
  /** The user or service account of the directory that acts, where it is one. */
  readonly owner: Reference | null;
  /** The session that they act by; null: they show a key, or need nothing. */
  readonly session: SessionPlace | null;
  /** What they have allowed the client that acts for them by a token; null: they act themselves, or show a key. */
  readonly grantId: string | null;
  /** The token of an issuer that they show; null: they show another credential, or need none. */
  readonly token: TokenPlace | null;
  /** Where it is at home: what it may do of the whole gateway hangs on that. */
  readonly organizationId: OrganizationId;
  can(permission: Permission): boolean;
}

export interface TokenPlace {
  /** As the configuration names it. */
  readonly issuer: string;
  readonly entry: Reference;
  /** When the token ends. */
  readonly untilMs: number;
}

/** One caller's view: what every verb gets first. */
export interface ControlContext extends ControlDependencies {
  readonly actor: Actor;
  /** Whose rows the verbs see and change, and no others. */
  readonly organizationId: OrganizationId;
  readonly requestId: string;
  /** The address the caller came from, empty where it is the machine itself. */
  readonly peer: string;
}
