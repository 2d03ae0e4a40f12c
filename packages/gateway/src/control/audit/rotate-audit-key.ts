import type { PublicKeyRecord } from '../../chain/checkpoint.ts';
import type { ControlContext } from '../context.ts';
import { auditEvent } from './audit-event.ts';

/** Gives this node a new signing key. What the old one signed stays good: it vouches for the new one. Faults: `unavailable`. */
export async function rotateAuditKey(context: ControlContext): Promise<PublicKeyRecord> {
  const next = await context.audit.rotateKey((key) =>
    context.registry.transaction(async ({ audit }) => {
      await audit.insertKey(key);
      // The last record of the old key says who follows it.
      await audit.insert(
        auditEvent(context, 'audit_key.rotated', key.id, { node: key.node, public_key: key.publicKey, previous: key.previousKeyId, signature: key.signature }),
      );
    }),
  );
  await context.audit.checkpoint();
  context.log.info('audit.key_rotated', { key_id: next.id, previous: next.previousKeyId });
  return next;
}
