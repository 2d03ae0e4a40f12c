import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { ChainedRecord } from '../../chain/audit-record.ts';
import { bounds } from '../../kernel/bounds.ts';
import { defaultOrganizationId } from '../../kernel/id.ts';
import { silentLog } from '../../kernel/log.ts';
import type { AuditEvent } from '../../store/registry/audit-store.ts';
import type { RegistryWrites } from '../../store/registry/registry-store.ts';
import { createSignInLog, type SignIn } from './sign-in-log.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function start(): { written: AuditEvent[]; log: ReturnType<typeof createSignInLog> } {
  const written: AuditEvent[] = [];
  const insert = async (event: AuditEvent): Promise<ChainedRecord> => {
    written.push(event);
    return { ...event, sequence: 1, previousHash: '', hash: '', keyId: '', signature: '' };
  };
  const log = createSignInLog({
    registry: { transaction: (work) => work({ audit: { insert } } as unknown as RegistryWrites) },
    organizationId: defaultOrganizationId,
    clock: { nowMs: () => Date.now(), monotonicMs: () => Date.now() },
    log: silentLog,
  });
  return { written, log };
}

const failure = (subject: string, peer = '203.0.113.7'): SignIn => ({ outcome: 'failed', reason: 'unknown', kind: 'key', subject, organizationId: null, peer });

test('refusals of one caller are one event that counts them; an accepted key is the actor of its own', async () => {
  const { written, log } = start();
  for (let times = 0; times < 1000; times++) log.note(failure('gwo_dev_aaaa'));
  log.note({ outcome: 'succeeded', reason: '', kind: 'key', subject: 'key_1', organizationId: null, peer: '203.0.113.8' });
  await log.stop();
  expect(written).toMatchObject([
    { action: 'sign_in.failed', result: 'denied', actorKind: 'callers', objectId: 'gwo_dev_aaaa', peer: '203.0.113.7', detail: { count: 1000, others: 0 } },
    { action: 'sign_in.succeeded', result: 'success', actorKind: 'key', actorId: 'key_1', peer: '203.0.113.8', detail: { count: 1 } },
  ]);
});

test('who tries another key each time from another address for a day makes some dozens of events of a bounded size', async () => {
  const { written, log } = start();
  for (let second = 0; second < 86_400; second += 5) {
    log.note(failure(`gwo_dev_${second}`, `198.51.100.${second % 256}`));
    await vi.advanceTimersByTimeAsync(5_000);
  }
  await log.stop();
  expect(written.length).toBeLessThan(48);
  expect(written.reduce((sum, { detail }) => sum + Number(detail['count']), 0)).toBe(86_400 / 5);
  for (const event of written) expect(JSON.stringify(event).length).toBeLessThan(bounds.signInCallersMax * 200);
});
