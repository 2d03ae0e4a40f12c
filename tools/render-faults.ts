/** `docs/reference/faults.md` from the fault registry: a heading a code, so that `docs` in an error body leads to it. */
import { faultCodes, type FaultOwner, type FaultRow } from '../packages/gateway/src/kernel/fault-codes.ts';

const owners: Readonly<Record<FaultOwner, { title: string; text: string }>> = {
  client: { title: 'What the caller sent', text: 'The request must change before it can succeed.' },
  policy: { title: 'What the rules refused', text: 'The request is understood; the key, a limit or a policy does not allow it.' },
  upstream: { title: 'What the MCP server did', text: 'The gateway worked; the server behind it did not.' },
  platform: { title: 'What the gateway could not do', text: 'The gateway itself, its stores or its machine.' },
  configuration: { title: 'What the configuration says', text: 'Shown when the gateway starts, or by `gateway validate`.' },
};

export function renderFaults(): string {
  const rows: [string, FaultRow][] = Object.entries(faultCodes);
  const lines = [
    '# Faults',
    '',
    '<!-- Written by tools/generate-docs.ts from packages/gateway/src/kernel/fault-codes.ts. Change it there. -->',
    '',
    'Every error that GatewayOps can show, by its code. The code is the same in the REST API (`error`), in MCP (`data.code` of a',
    'JSON-RPC error), in the command line (`error[code]`), in the log and in traces. Words in braces stand for details of the case.',
    '',
    'A REST error has this body, with more members where a code needs them:',
    '',
    '```json',
    '{ "error": "not_found", "message": "…", "fix": "…", "docs": "docs/reference/faults.md#not_found", "request_id": "req_…" }',
    '```',
    '',
    '| code | HTTP | JSON-RPC | try again? |',
    '| --- | --- | --- | --- |',
    ...rows.map(([code, row]) => `| [${code}](#${code}) | ${row.status} | ${row.rpcCode} | ${row.retryable ? 'yes' : 'no'} |`),
  ];
  for (const [owner, { title, text }] of Object.entries(owners)) {
    lines.push('', `## ${title}`, '', text);
    for (const [code, row] of rows) if (row.owner === owner) lines.push('', ...section(code, row));
  }
  return `${lines.join('\n')}\n`;
}

function section(code: string, row: FaultRow): string[] {
  const numbers = [`HTTP ${row.status}`, `JSON-RPC ${row.rpcCode}`];
  if (row.exitCode !== undefined) numbers.push(`exit code ${row.exitCode}`);
  numbers.push(row.retryable ? 'trying again can help' : 'trying again does not help');
  return [`### ${code}`, '', `> ${row.message}`, '', `**Fix:** ${row.fix}`, '', numbers.join(' · ')];
}
