import type { IncomingMessage } from 'node:http';

/** Who opens a link, and what every message of it is sent with. */
export interface LinkCaller {
  readonly principalId: string;
  /** What it signed in with; empty for whoever did not. */
  readonly credentialId: string;
  /** The endpoint that its messages are POSTed to. */
  readonly path: string;
  /** Of the request that opens it, in lower case: authorization, host and what else the gateway reads of a client. */
  readonly headers: Readonly<Record<string, string>>;
  readonly peer: string;
  readonly messageBytesMax: number;
  /** Whether the credential is still that of the principal; true where nobody can tell now. */
  isStill(): Promise<boolean>;
}

/**
 * The same tests that a POST to the endpoint passes: address, credential, reach. Faults: `host_not_allowed`, `origin_not_allowed`,
 * `unauthorized`, `not_found`, `unavailable`, `invalid_request`.
 */
export type AdmitLink = (request: IncomingMessage, path: string) => Promise<LinkCaller>;
