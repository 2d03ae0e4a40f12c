import { answers, readAnswer } from './answers.ts';
import type { Command } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { openGatewayClient } from './gateway-client.ts';
import { plain } from './output.ts';
import { countText, latencyText } from './say.ts';

const toolsShown = 20;

/** The gateway itself connects: what it finds holds for its calls. A server that fails is a result, with exit code 6. */
export const serversTest: Command = async (context) => {
  const {
    arguments: [name = ''],
    options,
    out,
  } = context;
  const target = options.text('target');
  const query = target === undefined ? '' : `?target=${encodeURIComponent(target)}`;
  const client = openGatewayClient(context);
  const { test } = readAnswer(answers.serverTest, await client.request('POST', `/v1/servers/${encodeURIComponent(name)}/test${query}`), client.where);
  out.result(test, () => {
    const lines: string[] = [];
    if (test.handshake_ms !== null) {
      lines.push(
        `✓ handshake  ${latencyText(test.handshake_ms)}   ${plain(`${test.server_name ?? 'server'} ${test.server_version ?? ''}`)}, protocol ${plain(test.protocol_version ?? 'unknown')}`,
      );
    }
    if (test.tools !== null) {
      lines.push(`✓ tools/list ${latencyText(test.tools_ms)}   ${countText(test.tools.length, 'tool')}${test.tools_cut ? ' or more' : ''}`);
      for (const tool of test.tools.slice(0, toolsShown)) lines.push(`    ${plain(tool.name, 60)}  ${out.paint.dim(plain(tool.description, 90))}`);
      if (test.tools.length > toolsShown) lines.push(`    … ${test.tools.length - toolsShown} more: -o json shows all`);
    }
    const others = [...said(test.resources, 'resource'), ...said(test.prompts, 'prompt')];
    if (others.length > 0) lines.push(`  also ${others.join(' and ')}: -o json shows them`);
    if (!test.ok) lines.push(`${out.paint.red('⬣')} ${plain(test.failed_at ?? 'test')}  ${plain(test.reason ?? 'it failed without a reason', 500)}`);
    if (test.fix !== null) lines.push(`    fix: ${plain(test.fix, 500)}`);
    return lines.join('\n');
  });
  return test.ok ? exitCodes.ok : exitCodes.problemsFound;
};

/** Nothing of what there is none, or of what could not be listed. */
function said(list: readonly unknown[] | null, what: string): readonly string[] {
  return list === null || list.length === 0 ? [] : [countText(list.length, what)];
}
