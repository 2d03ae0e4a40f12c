import { expect, test } from 'vitest';
import { createConfigLoader } from './config-loader.ts';

test('a policy is found in the file by its name, at its line', () => {
  const text = 'servers: []\npolicies:\n  - name: no-deletes\n    effect: deny\n\n  # Why: a comment.\n  - effect: allow\n    name: all\n';
  const loader = createConfigLoader({ file: 'gateway.yaml', env: {}, overrides: {} });
  expect([...loader.policyLines(text)]).toEqual([
    ['no-deletes', 3],
    ['all', 7],
  ]);
});
