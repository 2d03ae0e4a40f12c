import { describe, expect, test } from 'vitest';
import { isLoopback, listenAddressText, parseListenAddress } from './listen-address.ts';

test.each([
  ['127.0.0.1:8080', '127.0.0.1', 8080],
  ['localhost:0', 'localhost', 0],
  ['[::1]:8080', '::1', 8080],
  [':8080', '0.0.0.0', 8080],
  ['gateway.example:65535', 'gateway.example', 65_535],
])('%s is an address to listen on', (text, host, port) => expect(parseListenAddress(text)).toEqual({ host, port }));

test.each(['', '8080', 'localhost', '::1:8080', '[::1]', '[zz]:1', '1.2.3.4:65536', '1.2.3.4:-1', 'http://x:1', 'a b:1', 'x:1/', '[127.0.0.1]:1', '-x:1'])(
  '%j is none',
  (text) => {
    expect(parseListenAddress(text)).toBeNull();
  },
);

test('an address is written as it is read', () => {
  for (const text of ['127.0.0.1:8080', '[::1]:1']) expect(listenAddressText(parseListenAddress(text) ?? { host: '', port: 0 })).toBe(text);
});

describe('only loopback counts as loopback', () => {
  test.each(['127.0.0.1', '127.255.0.9', '::1', 'localhost', 'LOCALHOST', '::ffff:127.0.0.1', '0:0:0:0:0:0:0:1'])('%s', (host) =>
    expect(isLoopback(host)).toBe(true),
  );
  test.each(['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example', 'localhost.example', '128.0.0.1', '::ffff:10.0.0.1', 'gateway', '127.1', '2130706433'])(
    'not %s',
    (host) => expect(isLoopback(host)).toBe(false),
  );
});
