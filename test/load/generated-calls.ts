/**
 * The statement that puts generated calls of one day into `calls`: 20 servers of 10 tools, 200 users in 8 teams, 60 keys, traces of five
 * calls, latencies that lie about 40 ms and reach seconds, one call in 25 no success. The same numbers give the same calls.
 */
export function generatedCalls(organizationId: string, first: number, count: number, dayStartSeconds: number): string {
  const columns: Readonly<Record<string, string>> = {
    org_id: `'${organizationId}'`,
    key_id: "concat('key_', toString(who % 60))",
    key_prefix: "concat('gwo_live_', toString(1000 + who % 60))",
    user_id: "concat('usr_', toString(who % 200))",
    team_id: "concat('team_', toString(who % 8))",
    project_id: "concat('prj_', toString(who % 25))",
    agent: "concat('agent-', toString(who % 40))",
    environment: "if(who % 5 = 0, 'staging', 'production')",
    node: "'node_bench'",
    server: "concat('server-', toString(what % 20))",
    currency: "'USD'",
    trace_id: 'lower(concat(hex(sipHash64(trace)), hex(sipHash64(trace, 1))))',
    span_id: 'lower(hex(sipHash64(number, 2)))',
    parent_span_id: "''",
    started_at: `fromUnixTimestamp64Micro(toInt64(${dayStartSeconds}000000) + toInt64(sipHash64(trace, 3) % 86000000000) + toInt64(number % 5) * 700000, 'UTC')`,
    surface: "'mcp'",
    era: "if(who % 3 = 0, 'legacy', 'modern')",
    protocol_version: "if(who % 3 = 0, '2025-11-25', '2026-07-28')",
    method: "if(number % 5 = 0, 'tools/list', 'tools/call')",
    tool: "if(number % 5 = 0, '', concat('tool_', toString(intDiv(what, 20) % 10)))",
    request_id: "concat('req_', lower(hex(sipHash64(number, 2))))",
    client_trace_id: "''",
    client_name: "concat('client-', toString(who % 6))",
    peer: "concat('10.0.', toString(who % 8), '.', toString(who % 250))",
    request_bytes: '200 + roll % 900',
    status: "multiIf(roll % 100 < 96, 'success', roll % 100 < 98, 'error', roll % 100 = 98, 'blocked', 'timeout')",
    stop: "multiIf(roll % 100 < 96, 'reply', roll % 100 = 98, 'access', 'server')",
    fault_code: "multiIf(roll % 100 < 96, '', roll % 100 < 98, 'upstream_reset', roll % 100 = 98, 'forbidden', 'mcp_timeout')",
    http_status: 'multiIf(roll % 100 < 96, 200, roll % 100 < 98, 502, roll % 100 = 98, 403, 504)',
    duration_us: 'toUInt64(40000 * exp(3 * (roll % 1000) / 1000 - 1.5))',
    auth_us: '20 + roll % 30',
    access_us: '3 + roll % 5',
    limit_us: '2 + roll % 4',
    server_us: 'toUInt32(39000 * exp(3 * (roll % 1000) / 1000 - 1.5))',
    reply_us: '50 + roll % 200',
    reply_bytes: '400 + roll % 9000',
    reply_content_type: "'application/json'",
    input_tokens: 'toUInt32(roll % 400)',
    output_tokens: 'toUInt32(roll % 2000)',
    tokens_source: "'reported'",
    cost: 'toDecimal64(0.001, 9) + toDecimal64(0.00001, 9) * (roll % 400)',
    priced_by: "if(number % 5 = 0, '', 'default')",
  };
  return `INSERT INTO calls (${Object.keys(columns).join(', ')})
    WITH intDiv(number, 5) AS trace, sipHash64(trace, 4) AS who, sipHash64(number, 5) AS what, sipHash64(number, 6) AS roll
    SELECT ${Object.values(columns).join(', ')}
    FROM numbers(${first}, ${count})`;
}
