import type { CertificateNameKind } from '../kernel/certificate-terms.ts';
import type { OrganizationId } from '../kernel/id.ts';

/** Who may vouch for callers by client certificates, as the configuration says it. Plain data. */
export interface AuthorityData {
  /** As records name it. */
  readonly name: string;
  /** Whose callers it vouches for. */
  readonly organizationId: OrganizationId;
  /** Certificates of authorities, in PEM. */
  readonly ca: string;
  /** Lists of what was revoked, each in DER as base64; null: nobody asks. */
  readonly lists: readonly string[] | null;
  /** The first that fits says who it is. */
  readonly callers: readonly CertificateRule[];
  /** The most that its callers may do, whatever their roles; null: every MCP operation. */
  readonly actions: readonly string[] | null;
  readonly servers: readonly string[] | null;
}

/** Which certificates are whose. */
export interface CertificateRule {
  readonly by: CertificateNameKind;
  /** A name, with `*` for one part of it where `kind` is no person; of a fingerprint 64 lower-case hex digits. */
  readonly name: string;
  readonly kind: 'user' | 'service_account' | 'agent';
  readonly id: string;
}
