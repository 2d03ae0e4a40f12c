import type { PublicKeyRecord } from '../../chain/checkpoint.ts';
import type { SigningKey } from '../../chain/signing-key.ts';
import type { SignInCounts } from './sign-in-counts.ts';
import type { SignIn } from './sign-in-log.ts';

/** What the running node does for the audit beside its stores. */
export interface AuditDesk {
  /** The name of the node in checkpoints. */
  readonly node: string;
  /** The one that signs now. */
  readonly key: SigningKey;
  /** In base64: all keys that this node has signed with, and those that the configuration names. */
  trustedKeys(): readonly string[];
  /** The farthest that this node has signed, as its own disk remembers it: who cuts the end of a chain cannot cut this. Null: never. */
  anchor(organizationId: string): AuditAnchor | null;
  /** This node's chain of calls, and the last place that it gave. */
  allocatedCalls(organizationId: string): { readonly chain: string; readonly sequence: number };
  /** Signs now what is new, of every organization. Faults: `unavailable`. */
  checkpoint(): Promise<void>;
  /** A new key follows the one before, which vouches for it. `record` writes it down before it signs anything. */
  rotateKey(record: (next: PublicKeyRecord) => Promise<void>): Promise<PublicKeyRecord>;
  readonly signIns: SignInCounts;
  /** Notes that a caller was let in or refused, and counts it; never waits. */
  noteSignIn(signIn: SignIn, times?: number): void;
}

export interface AuditAnchor {
  readonly sequence: number;
  readonly hash: string;
  readonly at: string;
}
