import type { AuthorityData } from '../../identity/authority-data.ts';
import type { CertificateVerdict } from '../../identity/verify-certificate.ts';

/** The authorities of client certificates that this node's configuration names. */
export interface CertificateDesk {
  readonly authorities: readonly AuthorityData[];
  /** Loads what verifies certificates with the first one. `text`: as workers send it. */
  verify(text: string): Promise<CertificateVerdict>;
  /** Whether one more refusal is worth a line of the log: anybody can make certificates, and a flood of them must not become a flood of lines. */
  takesLine(): boolean;
}
