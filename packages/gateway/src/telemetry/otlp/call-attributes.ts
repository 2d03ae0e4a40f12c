import type { Attributes } from '@opentelemetry/api';
import type { CallRowReader } from '../call-row-reader.ts';

/**
 * A call in the words of OpenTelemetry: the conventions for MCP and GenAI, of the status Development, as they stand at
 * https://github.com/open-telemetry/semantic-conventions-genai/blob/0393513c908bf895e7b3ec480a2c1eb073c584af/docs/gen-ai/mcp.md, those for
 * HTTP, client and user of https://github.com/open-telemetry/semantic-conventions/tree/v1.41.0, and `gatewayops.*` for what has no convention.
 * What is not known is left out.
 */
export function callAttributes(row: CallRowReader): Attributes {
  const method = row.text('method');
  const name = row.text('tool');
  const attributes: Attributes = {};
  const text = (attribute: string, value: string): void => {
    if (value !== '') attributes[attribute] = value;
  };
  const number = (attribute: string, value: number): void => {
    if (value !== 0) attributes[attribute] = value;
  };

  text('mcp.method.name', method);
  text('mcp.protocol.version', row.text('protocol_version'));
  text('mcp.session.id', row.text('session_id'));
  if (method === 'tools/call') {
    text('gen_ai.tool.name', name);
    attributes['gen_ai.operation.name'] = 'execute_tool';
  } else if (method.startsWith('prompts/')) text('gen_ai.prompt.name', name);
  else if (method.startsWith('resources/')) text('mcp.resource.uri', name);
  text('gen_ai.agent.name', row.text('agent'));
  const code = row.number('rpc_error_code');
  if (code !== 0) attributes['rpc.response.status_code'] = String(code);
  text('error.type', errorTypeOf(row) ?? '');
  if (row.text('tokens_source') !== '') {
    attributes['gen_ai.usage.input_tokens'] = row.number('input_tokens');
    attributes['gen_ai.usage.output_tokens'] = row.number('output_tokens');
  }
  attributes['network.protocol.name'] = 'http';
  attributes['network.transport'] = 'tcp';
  number('http.response.status_code', row.number('http_status'));
  number('http.request.body.size', row.number('request_bytes'));
  number('http.response.body.size', row.number('reply_bytes'));
  text('client.address', row.text('peer'));
  text('user.id', row.text('user_id'));

  text('gatewayops.organization.id', row.text('org_id'));
  text('gatewayops.team.id', row.text('team_id'));
  text('gatewayops.project.id', row.text('project_id'));
  text('gatewayops.key.id', row.text('key_id'));
  text('gatewayops.key.environment', row.text('environment'));
  text('gatewayops.client.name', row.text('client_name'));
  text('gatewayops.server.name', row.text('server'));
  text('gatewayops.target.name', row.text('target'));
  text('gatewayops.node', row.text('node'));
  text('gatewayops.request.id', row.text('request_id'));
  text('gatewayops.client_trace.id', row.text('client_trace_id'));
  text('gatewayops.surface', row.text('surface'));
  text('gatewayops.era', row.text('era'));
  text('gatewayops.status', row.text('status'));
  text('gatewayops.stop', row.text('stop'));
  text('gatewayops.fault', row.text('fault_code'));
  text('gatewayops.policy.name', row.text('policy'));
  text('gatewayops.policy.decision_id', row.text('decision_id'));
  text('gatewayops.cache', row.text('cache'));
  number('gatewayops.retries', row.number('retries'));
  const transforms = row.text('transforms');
  if (transforms !== '') attributes['gatewayops.transforms'] = transforms.split('\n');
  if (row.text('priced_by') !== '') {
    attributes['gatewayops.cost.amount'] = row.number('cost') / 1e9;
    text('gatewayops.cost.currency', row.text('currency'));
  }
  return attributes;
}

/** What kind of error the call ended with, or null where it did not: few words, as `error.type` wants them. */
export function errorTypeOf(row: CallRowReader): string | null {
  const status = row.text('status');
  if (status !== 'error' && status !== 'timeout' && status !== 'blocked') return null;
  if (status === 'timeout') return 'timeout';
  const code = row.number('rpc_error_code');
  if (code !== 0) return String(code);
  const http = row.number('http_status');
  return row.text('fault_code') || (http >= 400 ? String(http) : 'tool_error');
}

/** `{mcp.method.name} {target}`, where the target is one of few: a resource is not. */
export function callName(row: CallRowReader): string {
  const method = row.text('method') || 'mcp';
  const target = method === 'tools/call' || method === 'prompts/get' ? row.text('tool') : '';
  return target === '' ? method : `${method} ${target}`;
}
