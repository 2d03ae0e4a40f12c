import { answers, readAnswer } from './answers.ts';
import type { Command } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { openGatewayClient } from './gateway-client.ts';
import { plain } from './output.ts';
import { configFaultText, shortPath } from './report-problem.ts';

/** A refusal is the result: it goes to stdout, with the exit code of found problems. */
export const reload: Command = async (context) => {
  const { out, options } = context;
  const client = openGatewayClient(context);
  const query = options.on('dry-run') ? { dry_run: 'true' } : {};
  const answer = await client.request('POST', '/v1/config/reload', { query });
  const { outcome, changes, refusal, config } = readAnswer(answers.reload, answer, client.where);
  const file = config.file === null ? 'the environment' : shortPath(config.file);
  out.result(answer, () => {
    if (refusal !== null)
      return [
        ...refusal.faults.map((fault) => configFaultText(fault, config.file, out.paint)),
        `${out.paint.red('⬣')} ${plain(file)} is refused: ${plain(refusal.message, 1000)} Configuration ${config.version} still serves.`,
        `    fix: ${plain(refusal.fix, 600)}`,
      ].join('\n');
    const lines = changes === null ? [] : changeLines(changes);
    if (outcome === 'unchanged') return `✓ ${plain(file)} already serves, as configuration ${config.version}.`;
    if (outcome === 'planned') return [`${plain(file)} would change:`, ...lines].join('\n');
    return [`✓ ${plain(file)} serves now, as configuration ${config.version}:`, ...lines].join('\n');
  });
  return refusal === null ? exitCodes.ok : exitCodes.problemsFound;
};

interface Changes {
  readonly servers: {
    readonly added: readonly string[];
    readonly removed: readonly string[];
    readonly changed: readonly { readonly name: string; readonly settings: readonly string[] }[];
  };
  readonly settings: readonly string[];
  readonly secrets: readonly string[];
}

function changeLines({ servers, settings, secrets }: Changes): string[] {
  return [
    ...servers.added.map((name) => `  + server ${plain(name)}`),
    ...servers.removed.map((name) => `  - server ${plain(name)}`),
    ...servers.changed.map((server) => `  ~ server ${plain(server.name)}: ${plain(server.settings.join(', '), 500)}`),
    ...settings.map((setting) => `  ~ ${plain(setting)}`),
    ...secrets.map((name) => `  ~ secret of server ${plain(name)}`),
  ];
}
