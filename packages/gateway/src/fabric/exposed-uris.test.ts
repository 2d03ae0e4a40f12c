import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { exposeUris, unwrapUri, wrapUri, type ListedUris } from './exposed-uris.ts';

const listed = (server: string, uris: string[], templates: string[] = []): ListedUris => ({ server, uris, templates });

test('a URI that one server has keeps its form; one that two have carries its server', () => {
  const uris = exposeUris([listed('a', ['file:///x', 'file:///y']), listed('b', ['file:///x', 'ui://view/1'])]);
  expect(uris.expose('a', 'file:///y')).toBe('file:///y');
  expect(uris.expose('a', 'file:///x')).toBe('file://~a////x');
  expect(uris.expose('b', 'file:///x')).toBe('file://~b////x');
  expect(uris.ownerOf('file:///x')).toBeNull();
  expect(uris.ownerOf('file://~b////x')).toEqual({ server: 'b', uri: 'file:///x' });
  expect(uris.ownerOf('file:///y')).toEqual({ server: 'a', uri: 'file:///y' });
  expect(uris.expose('b', 'ui://view/1')).toBe('ui://view/1');
});

test('a URI that nobody lists carries its server where there are several, and is that of the one where there is one', () => {
  expect(exposeUris([listed('a', []), listed('b', [])]).expose('b', 'ui://view/2')).toBe('ui://~b///view/2');
  expect(exposeUris([listed('a', []), listed('b', [])]).ownerOf('ui://view/2')).toBeNull();
  expect(exposeUris([listed('a', [])]).ownerOf('ui://view/2')).toEqual({ server: 'a', uri: 'ui://view/2' });
  expect(exposeUris([listed('a', [])]).expose('a', 'ui://view/2')).toBe('ui://view/2');
});

test('an expanded template leads to its server, the closest template first', () => {
  const uris = exposeUris([listed('a', [], ['db://{id}']), listed('b', [], ['db://users/{id}', 'same://{x}']), listed('c', [], ['same://{x}', '{+any}'])]);
  expect(uris.ownerOf('db://users/7')?.server).toBe('b');
  expect(uris.ownerOf('db://7')?.server).toBe('a');
  expect(uris.exposeTemplate('b', 'same://{x}')).toBe('same://~b///{x}');
  expect(uris.ownerOf('same://~b///7')).toEqual({ server: 'b', uri: 'same://7' });
  expect(uris.exposeTemplate('a', 'db://{id}')).toBe('db://{id}');
});

test('a server that lists a URI in another server’s name gets no reads meant for that one, and takes none', () => {
  const uris = exposeUris([listed('a', ['file://~b////secret']), listed('b', ['file:///secret'])]);
  const exposed = uris.expose('a', 'file://~b////secret');
  expect(uris.ownerOf(exposed)).toEqual({ server: 'a', uri: 'file://~b////secret' });
  expect(uris.ownerOf('file://~b////secret')).toEqual({ server: 'b', uri: 'file:///secret' });
  expect(uris.ownerOf('file://~hidden////secret')).toBeNull();
});

test('M20: a URI is held against templates in linear time, however both are made', () => {
  const template = `a:${'{x}a'.repeat(200)}b`;
  const uris = exposeUris([
    { server: 'one', uris: [], templates: [template] },
    { server: 'two', uris: [], templates: [] },
  ]);
  const startedAt = performance.now();
  for (let time = 0; time < 20; time++) {
    expect(uris.ownerOf(`a:${'a'.repeat(8_000)}`)).toBeNull();
    expect(uris.ownerOf(`a:${'a'.repeat(4_000_000)}`)).toBeNull();
  }
  expect(performance.now() - startedAt).toBeLessThan(5_000);
});

test('for any text: wrapping can be undone, and two servers never get one URI', () => {
  const uri = fc.oneof(fc.string(), fc.webUrl(), fc.constantFrom('ui://a/b', 'skill://x/SKILL.md', 'gatewayops-raw:x', 'file://~a/b', 'a:\nb', '{+x}/y'));
  const server = fc.constantFrom('a', 'b_-', 'x'.repeat(63));
  fc.assert(
    fc.property(uri, server, server, uri, (text, one, other, second) => {
      expect(unwrapUri(wrapUri(one, text))).toEqual({ server: one, uri: text });
      const uris = exposeUris([listed('a', [text, second]), listed('b_-', [second])]);
      for (const [owner, own] of [
        ['a', text],
        ['a', second],
        ['b_-', second],
        ['b_-', text],
      ] as const) {
        expect(uris.ownerOf(uris.expose(owner, own))).toEqual({ server: owner, uri: own });
      }
      if (one !== other) expect(wrapUri(one, text)).not.toBe(wrapUri(other, text));
    }),
    { numRuns: 50 },
  );
});
