import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startControl, type TestControl } from '../../../../../test/support/control.ts';
import { bounds } from '../../kernel/bounds.ts';
import { createSealer } from '../../kernel/seal.ts';
import { createTokenKeys, type TokenKeys } from './token-keys.ts';

let control: TestControl;
beforeAll(async () => void (control = await startControl()));
afterAll(() => control.end());

/** A node whose private keys no other can open, as where session_keys are not set. Looks at the registry are counted. */
function node(name: string): { readonly keys: TokenKeys; looks(): number } {
  const { registry } = control.dependencies;
  let looks = 0;
  const counted = {
    transaction: registry.transaction.bind(registry),
    oauthKeys: { ...registry.oauthKeys, list: () => ((looks += 1), registry.oauthKeys.list()) },
  } as Pick<typeof registry, 'transaction' | 'oauthKeys'>;
  return { keys: createTokenKeys({ registry: counted, sealer: createSealer(randomBytes(32)), node: name, clock: control.clock }), looks: () => looks };
}

test('a key that another node has just made is known at once, also right after one that a third made', async () => {
  const [one, two, three] = [node('one'), node('two'), node('three')];
  const first = await two.keys.signing();
  expect(await one.keys.find(first.id)).not.toBeNull();
  // No time has gone by.
  const second = await three.keys.signing();
  expect(second.id).not.toBe(first.id);
  expect(await one.keys.find(second.id)).not.toBeNull();
});

test('made-up ids ask the registry a few times in a while, and then not at all', async () => {
  const { keys, looks } = node('asked');
  await keys.find('none');
  control.clock.advance(bounds.tokenKeysAskMs);
  const before = looks();
  for (let index = 0; index < 100; index += 1) expect(await keys.find(`made-up-${index}`)).toBeNull();
  expect(looks() - before).toBe(bounds.tokenKeyLooksMax);
  control.clock.advance(bounds.tokenKeysAskMs);
  const made = await node('late').keys.signing();
  expect(await keys.find(made.id)).not.toBeNull();
});
