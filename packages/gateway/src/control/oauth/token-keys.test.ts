import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startControl, type TestControl } from '../../../../../test/support/control.ts';
import { bounds } from '../../kernel/bounds.ts';
import { createSealer } from '../../kernel/seal.ts';
import { createTokenKeys, type TokenKeys } from './token-keys.ts';

let control: TestControl;
beforeAll(async () => void (control = await startControl()));
afterAll(() => control.end());

/** A node whose private keys no other can open, as where session_keys are not set, but those with the same `sealing`. Looks at the registry are counted. */
function node(name: string, sealing = randomBytes(32)): { readonly keys: TokenKeys; looks(): number } {
  const { registry } = control.dependencies;
  let looks = 0;
  const counted = {
    transaction: registry.transaction.bind(registry),
    oauthKeys: { ...registry.oauthKeys, list: () => ((looks += 1), registry.oauthKeys.list()) },
  } as Pick<typeof registry, 'transaction' | 'oauthKeys'>;
  return { keys: createTokenKeys({ registry: counted, sealer: createSealer(sealing), node: name, clock: control.clock }), looks: () => looks };
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

const day = 86_400_000;
const ids = async (keys: TokenKeys): Promise<(string | undefined)[]> => (await keys.published()).map(({ kid }) => kid);
const by = () => control.context();

test('the next key is published for as long as the one before it signs, and takes over by itself; the earlier one is known until its tokens have ended', async () => {
  const { keys } = node('turns');
  const first = await keys.signing();
  const next = (await keys.list()).find((key) => key.node === 'turns' && key.state === 'next');
  expect(await ids(keys)).toEqual(expect.arrayContaining([first.id, next?.id]));
  control.clock.advance(bounds.tokenKeySignsMs - 1);
  expect((await keys.signing()).id).toBe(first.id);
  control.clock.advance(1);
  expect((await keys.signing()).id).toBe(next?.id);
  control.clock.advance(bounds.tokenKeyKnownMs - 1);
  expect(await keys.find(first.id)).not.toBeNull();
  control.clock.advance(1);
  expect(await keys.find(first.id)).toBeNull();
  expect(await ids(keys)).not.toContain(first.id);
});

test('nodes that open the same keys make one first and one next key, however many come at once, also when it is time', async () => {
  const sealing = randomBytes(32);
  const nodes = ['a', 'b', 'c', 'd'].map((name) => node(`same-${name}`, sealing).keys);
  const mine = async (): Promise<string[]> =>
    (await nodes[0]?.list())
      ?.filter((key) => key.node.startsWith('same-'))
      .map(({ state }) => state)
      .sort() ?? [];
  expect(new Set((await Promise.all(nodes.map((keys) => keys.signing()))).map(({ id }) => id)).size).toBe(1);
  expect(await mine()).toEqual(['next', 'signing']);
  control.clock.advance(bounds.tokenKeySignsMs);
  expect(new Set((await Promise.all(nodes.map((keys) => keys.signing()))).map(({ id }) => id)).size).toBe(1);
  expect(await mine()).toEqual(['next', 'retired', 'signing']);
});

test('a rotation by hand holds on every node within a minute, also with keys of its own, to a key that was published before; it is in the audit', async () => {
  const sealing = randomBytes(32);
  const [one, same, other] = [node('hand-1', sealing).keys, node('hand-2', sealing).keys, node('hand-3').keys];
  const [before, otherBefore] = [await one.signing(), await other.signing()];
  expect((await same.signing()).id).toBe(before.id);
  control.clock.advance(bounds.tokenKeysAskMs);
  const publishedBefore = await ids(one);
  await one.rotate(by());
  const after = await one.signing();
  expect(after.id).not.toBe(before.id);
  expect(publishedBefore).toContain(after.id);
  control.clock.advance(bounds.tokenKeysReadMs);
  expect((await same.signing()).id).toBe(after.id);
  const otherAfter = await other.signing();
  expect(otherAfter.id).not.toBe(otherBefore.id);
  expect(publishedBefore).toContain(otherAfter.id);
  for (const { id } of [before, otherBefore]) expect(await one.find(id)).not.toBeNull();
  const { organizationId } = by();
  const { audit } = control.dependencies.registry;
  const { sequence } = await audit.head(organizationId);
  const events = await audit.range(organizationId, { after: Math.max(0, sequence - 10), limit: 10 });
  expect(events).toContainEqual(expect.objectContaining({ action: 'token_key.rotated', objectId: after.id, actorKind: 'operator' }));
  expect(events).toContainEqual(expect.objectContaining({ action: 'token_key.rotated', objectId: otherAfter.id, actorKind: 'system' }));
});

test('keys of a node that has gone away are forgotten in the end, those of one that was idle are not', async () => {
  const idle = node('idle').keys;
  const gone = await node('gone').keys.signing();
  const before = await idle.signing();
  control.clock.advance(100 * day);
  expect((await idle.signing()).id).not.toBe(before.id);
  expect(await idle.find(gone.id)).toBeNull();
  expect(await idle.find(before.id)).not.toBeNull();
});
