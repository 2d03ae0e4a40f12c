import { expect, test } from 'vitest';
import { faultCodes, type FaultCode } from '../../gateway/src/kernel/fault-codes.ts';
import { Fault, faultBody } from '../../gateway/src/kernel/fault.ts';
import * as errors from './errors.ts';
import { errorOfAnswer, readRetryAfter } from './read-fault.ts';

const codes = Object.keys(faultCodes) as FaultCode[];

function answerOf(fault: Fault): errors.GatewayOpsError {
  const text = JSON.stringify(faultBody(fault, 'req_1'));
  return errorOfAnswer(new Response(text, { status: fault.row.status, headers: { 'retry-after': '2', 'x-trace-id': 'tr_1' } }), text);
}

test.each(codes)('%s is an error of its family with all that the gateway says', (code) => {
  const fault = new Fault(code, {}, { extra: { limit: 5 } });
  const error = answerOf(fault);
  expect(error).toBeInstanceOf(errors.FaultError);
  expect(error).toMatchObject({
    code,
    message: fault.message,
    fix: fault.fix,
    retryable: fault.row.retryable,
    status: fault.row.status,
    requestId: 'req_1',
    traceId: 'tr_1',
    retryAfterMs: 2_000,
    details: { limit: 5 },
  });
});

test.each([
  ['invalid_params', errors.InvalidRequestError],
  ['unauthorized', errors.AuthenticationError],
  ['policy_denied', errors.PermissionError],
  ['approval_required', errors.ApprovalRequiredError],
  ['unknown_object', errors.NotFoundError],
  ['precondition_failed', errors.ConflictError],
  ['request_in_flight', errors.ConflictError],
  ['rate_limit_exceeded', errors.RateLimitError],
  ['upstream_unavailable', errors.UpstreamError],
  ['mcp_error', errors.UpstreamError],
  ['unavailable', errors.UnavailableError],
  ['internal_error', errors.UnavailableError],
] as const)('%s has the class of its family', (code, family) => {
  expect(answerOf(new Fault(code))).toBeInstanceOf(family);
});

test('a code of a newer gateway is sorted by its status', () => {
  const text = JSON.stringify({ error: 'no_room', message: 'There is no room.', fix: 'Wait.' });
  const error = errorOfAnswer(new Response(text, { status: 429 }), text);
  expect(error).toBeInstanceOf(errors.RateLimitError);
  expect(error).toMatchObject({ code: 'no_room', retryable: true, details: {} });
  const odd = JSON.stringify({ error: 'constructor', message: 'x' });
  expect(errorOfAnswer(new Response(odd, { status: 400 }), odd)).toMatchObject({ code: 'constructor', retryable: false });
});

test('what is no fault is an answer of something else', () => {
  for (const text of ['<html>', '', '[]', '{"error":1}', '{"message":"x"}']) {
    expect(errorOfAnswer(new Response(text, { status: 502 }), text)).toMatchObject({ name: 'UnreadableAnswerError', status: 502, retryable: true });
  }
  expect(errorOfAnswer(new Response('', { status: 404 }), '')).toMatchObject({ name: 'UnreadableAnswerError', retryable: false });
});

test('an error of JSON-RPC is the fault that it carries, or one of the server', () => {
  const ours = JSON.stringify({
    jsonrpc: '2.0',
    error: { code: -31_429, message: 'Slow.', data: { code: 'rate_limit_exceeded', fix: 'Wait.', request_id: 'req_2', limit: 3 } },
  });
  expect(errorOfAnswer(new Response(ours, { status: 429 }), ours)).toMatchObject({
    name: 'RateLimitError',
    fix: 'Wait.',
    requestId: 'req_2',
    details: { limit: 3 },
  });
  const theirs = JSON.stringify({ jsonrpc: '2.0', id: 1, error: { code: -32_602, message: 'Bad arguments' } });
  expect(errorOfAnswer(new Response(theirs, { status: 400 }), theirs)).toMatchObject({ name: 'UpstreamError', code: 'mcp_error', message: 'Bad arguments' });
});

test('Retry-After is read in seconds and as a date', () => {
  expect([readRetryAfter(null), readRetryAfter('soon'), readRetryAfter('7'), readRetryAfter('Thu, 01 Jan 1970 00:00:00 GMT')]).toEqual([null, null, 7_000, 0]);
});
