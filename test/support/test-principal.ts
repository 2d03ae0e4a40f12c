import type { Principal } from '../../packages/gateway/src/authenticate/authenticate.ts';
import type { PrincipalData } from '../../packages/gateway/src/snapshot/snapshot.ts';

/** A caller with a key, of which a test says what matters to it. */
export function testPrincipal(more: Partial<PrincipalData> = {}): Principal {
  const data: PrincipalData = {
    kind: 'key',
    credential: 'apiKey',
    credentialId: 'key_test',
    issuer: '',
    keyId: 'key_test',
    keyPrefix: 'gwo_test_0123',
    organizationId: 'org_default',
    userId: 'usr_test',
    teamId: 'team_test',
    projectId: '',
    agent: 'tester',
    serviceAccountId: '',
    lineage: [],
    owner: null,
    environment: 'test',
    servers: null,
    actions: null,
    expiresAtMs: null,
    deprecatedUntilMs: null,
    rateLimit: null,
    ...more,
  };
  return { data, id: data.keyId, block: new Uint8Array(), agentBlocks: new Map(), servers: null, actions: null };
}
