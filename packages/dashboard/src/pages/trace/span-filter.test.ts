import { expect, test } from 'vitest';
import { foundSpans } from './span-filter.tsx';
import type { CallSpan } from './tree-rows.ts';

const span = (id: string, server: string, tool: string, status: CallSpan['status']): CallSpan =>
  ({ id, server, tool, name: tool, operation: 'mcp.tools.call', status, fault: null, error: status === 'error' ? 'It failed.' : null }) as CallSpan;
const spans = [span('1', 'github', 'create_issue', 'error'), span('2', 'github', 'list', 'success'), span('3', 'search', 'query', 'error')];

test('calls are found by words that stand anywhere in what is known of them, all of them', () => {
  expect([...(foundSpans(spans, ' GitHub error') ?? [])]).toEqual(['1']);
  expect([...(foundSpans(spans, 'failed') ?? [])]).toEqual(['1', '3']);
  expect([foundSpans(spans, ' '), foundSpans(spans, undefined), foundSpans(spans, 'nothing')?.size]).toEqual([null, null, 0]);
});
