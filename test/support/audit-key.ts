/** What events of the audit are signed with in tests that have no state folder. */
import { createSigningKey } from '../../packages/gateway/src/chain/signing-key.ts';

export const testAuditKey = createSigningKey(Buffer.alloc(32, 7));
