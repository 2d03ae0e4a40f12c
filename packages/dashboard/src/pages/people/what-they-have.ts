/** What somebody has that ends with them. */
import type { Answer, Operation, Schemas } from '@gatewayops/sdk';
import { gateway } from '../../app/gateway.ts';

export type KeyMember = 'user_id' | 'service_account_id' | 'agent' | 'team_id' | 'project_id';
export type Grant = Answer<Operation<'get', '/v1/grants'>>['grants'][number];

const shownMax = 1000;

/** Their keys, newest first, those that are over among them. */
export function keysOf(member: KeyMember, id: string, signal: AbortSignal): Promise<Schemas['Key'][]> {
  return gateway.keys.list({ [member]: id, limit: 200 }, { signal }).take(shownMax);
}

/** What they have allowed clients. */
export function grantsOf(userId: string, signal: AbortSignal): Promise<Grant[]> {
  return gateway.grants.list({ user_id: userId, limit: 200 }, { signal }).take(shownMax);
}
