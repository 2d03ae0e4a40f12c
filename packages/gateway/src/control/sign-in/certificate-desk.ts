import type { AuthorityData } from '../../identity/authority-data.ts';
import type { OrganizationId } from '../../kernel/id.ts';
import type { AuthorityReport, CertificateVerdict } from '../../identity/verify-certificate.ts';

/** The authorities of client certificates that this node's configuration names. */
export interface CertificateDesk {
  readonly authorities: readonly AuthorityData[];
  /** Loads what verifies certificates with the first one. `text`: as workers send it. */
  verify(text: string): Promise<CertificateVerdict>;
  /** What it would say of a text in PEM, or of one certificate in base64, to an administrator of an organization. */
  test(text: string, organizationId: OrganizationId): Promise<CertificateVerdict>;
  describe(organizationId: OrganizationId): Promise<readonly AuthorityReport[]>;
  /** Whether one more refusal is worth a line of the log: anybody can make certificates, and a flood of them must not become a flood of lines. */
  takesLine(): boolean;
}
