import { classifyInboundRequest } from '@modelcontextprotocol/server';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Fault } from '../kernel/fault.ts';
import { classify, type Message, type MirrorHeaders } from './classify.ts';

const noHeaders: MirrorHeaders = { protocolVersion: undefined, mcpMethod: undefined, mcpName: undefined };
const meta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
  'io.modelcontextprotocol/clientInfo': { name: 'c', version: '1' },
};
const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'echo', arguments: {}, _meta: meta } };
const callHeaders: MirrorHeaders = { protocolVersion: '2026-07-28', mcpMethod: 'tools/call', mcpName: 'echo' };

function outcome(value: unknown, headers: MirrorHeaders = noHeaders): Message | string {
  try {
    return classify(value, headers);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return `${error.row.status} ${error.row.rpcCode}`;
  }
}

describe('classify', () => {
  test('a modern call is known by its claim, with what the record needs', () => {
    expect(outcome(call, callHeaders)).toMatchObject({
      kind: 'request',
      era: 'modern',
      method: 'tools/call',
      name: 'echo',
      version: '2026-07-28',
      clientName: 'c',
    });
  });

  test('M8: the era is the message’s own: initialize and a call without claim are legacy', () => {
    const initialize = {
      jsonrpc: '2.0',
      id: 0,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', clientInfo: { name: 'old', version: '1' }, capabilities: {} },
    };
    expect(outcome(initialize)).toMatchObject({ era: 'legacy', version: '2025-11-25', clientName: 'old' });
    expect(outcome({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'echo' } }, { ...noHeaders, protocolVersion: '2025-06-18' })).toMatchObject({
      era: 'legacy',
      name: 'echo',
      version: '2025-06-18',
    });
    expect(outcome(initialize, { ...noHeaders, protocolVersion: '2026-07-28' })).toBe('400 -32020');
  });

  test.each([
    ['the method header is missing', { ...callHeaders, mcpMethod: undefined }],
    ['the name header is missing', { ...callHeaders, mcpName: undefined }],
    ['the version header is missing', { ...callHeaders, protocolVersion: undefined }],
    ['the version differs', { ...callHeaders, protocolVersion: '2025-11-25' }],
    ['the method differs in case', { ...callHeaders, mcpMethod: 'TOOLS/CALL' }],
    ['the name differs', { ...callHeaders, mcpName: 'delete_all' }],
    ['the name is broken Base64', { ...callHeaders, mcpName: '=?base64?a?=' }],
    ['a marker in another letter case is literal text', { ...callHeaders, mcpName: '=?BASE64?ZWNobw==?=' }],
  ])('M1: %s → 400 -32020', (_what, headers) => {
    expect(outcome(call, headers)).toBe('400 -32020');
  });

  test('M2: a Base64 name is decoded and compared, white space around a value is allowed', () => {
    expect(outcome(call, { ...callHeaders, mcpName: '=?base64?ZWNobw==?=' })).toMatchObject({ name: 'echo' });
    expect(outcome(call, { ...callHeaders, mcpName: ' echo\t', mcpMethod: ' tools/call ' })).toMatchObject({ name: 'echo' });
    const unicode = { ...call, params: { ...call.params, name: 'größe' } };
    expect(outcome(unicode, { ...callHeaders, mcpName: `=?base64?${Buffer.from('größe').toString('base64')}?=` })).toMatchObject({ name: 'größe' });
  });

  test.each(['1999-01-01', '2099-01-01', 'x'.repeat(10_000)])('M5: version %.20s is refused with the list of versions', (version) => {
    const body = { ...call, params: { ...call.params, _meta: { ...meta, 'io.modelcontextprotocol/protocolVersion': version } } };
    expect(outcome(body, { ...callHeaders, protocolVersion: version })).toBe('400 -32022');
    expect(outcome({ jsonrpc: '2.0', id: 1, method: 'tools/list' }, { ...noHeaders, protocolVersion: version })).toMatch(/^400 -3260[02]|400 -32022/);
  });

  test('M6: a modern request without its required metadata → 400 -32602', () => {
    const without = (key: keyof typeof meta): unknown => ({
      ...call,
      params: { ...call.params, _meta: Object.fromEntries(Object.entries(meta).filter(([name]) => name !== key)) },
    });
    expect(outcome(without('io.modelcontextprotocol/protocolVersion'), callHeaders)).toBe('400 -32602');
    expect(outcome(without('io.modelcontextprotocol/clientCapabilities'), callHeaders)).toBe('400 -32602');
  });

  test.each([undefined, '1.0', 2, null])('R2: jsonrpc %s → -32600', (jsonrpc) => {
    expect(outcome({ ...call, jsonrpc }, callHeaders)).toBe('400 -32600');
  });

  test.each([null, 1.5, true, {}, []])('R3: id %j → -32600', (id) => {
    expect(outcome({ ...call, id }, callHeaders)).toBe('400 -32600');
  });

  test('R7: a method that nobody defines → 404 -32601 in both eras', () => {
    expect(outcome({ jsonrpc: '2.0', id: 1, method: 'tools/destroy' })).toBe('404 -32601');
    expect(outcome({ ...call, method: 'tools/destroy' }, { ...callHeaders, mcpMethod: 'tools/destroy' })).toBe('404 -32601');
    expect(outcome({ jsonrpc: '2.0', id: 1, method: 'constructor' })).toBe('404 -32601');
  });

  test.each([[[]], ['x'], [1], [null]])('R8: params %j → -32602', (params) => {
    expect(outcome({ jsonrpc: '2.0', id: 1, method: 'tools/list', params })).toBe('400 -32602');
  });

  test('R9: a posted response is legacy only', () => {
    expect(outcome({ jsonrpc: '2.0', id: 1, result: {} })).toMatchObject({ kind: 'response', era: 'legacy' });
    expect(outcome({ jsonrpc: '2.0', id: 1, result: {} }, { ...noHeaders, protocolVersion: '2026-07-28' })).toBe('400 -32600');
    expect(outcome({ jsonrpc: '2.0', id: 1, result: {}, error: {} })).toBe('400 -32600');
  });

  test('agrees with the official classifier on era and refusal', () => {
    const version = fc.constantFrom('2026-07-28', '2025-11-25', undefined);
    fc.assert(
      fc.property(
        version,
        version,
        fc.constantFrom('tools/list', 'initialize', 'notifications/cancelled', 'ping'),
        fc.boolean(),
        fc.boolean(),
        (claimed, header, method, withId, withCapabilities) => {
          const _meta = {
            ...(claimed === undefined ? {} : { 'io.modelcontextprotocol/protocolVersion': claimed }),
            ...(withCapabilities ? { 'io.modelcontextprotocol/clientCapabilities': {} } : {}),
          };
          const body = { jsonrpc: '2.0', ...(withId ? { id: 1 } : {}), method, params: { _meta } };
          const theirs = classifyInboundRequest({
            httpMethod: 'POST',
            ...(header === undefined ? {} : { protocolVersionHeader: header }),
            mcpMethodHeader: method,
            body,
          });
          const ours = outcome(body, { protocolVersion: header, mcpMethod: method, mcpName: undefined });
          if (typeof ours !== 'string') expect(theirs.kind).toBe(ours.era);
          // What they route as modern and we refuse is what their later rungs refuse: a missing header, a legacy claim.
          else if (theirs.kind === 'modern') expect(ours).toMatch(/^400 -320(20|22)|^400 -32602|^404 -32601/);
        },
      ),
    );
  });
});
