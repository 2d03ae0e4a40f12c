import type { CommandSpec, OptionSpec } from './command.ts';
import { clientOptions, commands, commonOptions, printOptions } from './commands.ts';
import { exitCodeMeanings } from './exit-codes.ts';

/** docs/reference/cli.md, from the registry that the command itself is made of. */
export function renderCliReference(): string {
  return [
    '# Command line',
    '',
    '<!-- Written by tools/generate-docs.ts from packages/gateway/src/cli/commands.ts. Change it there. -->',
    '',
    'From a checkout the command is `npx --no gateway …`; `--no` keeps npm from fetching its unrelated package of that name.',
    'Results go to stdout, everything else to stderr. Colours are used on terminals only; `--no-color` and `NO_COLOR` turn them',
    'off, `CLICOLOR_FORCE=1` turns them on.',
    '',
    '| command | what it does |',
    '| --- | --- |',
    ...commands.map((command) => `| [\`gateway ${command.name.join(' ')}\`](#gateway-${command.name.join('-')}) | ${command.summary} |`),
    '',
    '## Output',
    '',
    optionTable(printOptions),
    '',
    'With `-o json` a result is one JSON document, and an error is one JSON document on stderr with nothing on stdout:',
    '`{ "error": code, "message", "cause", "fix", "docs", … }`, with the codes of [faults.md](faults.md). With `-o text` an error reads:',
    '',
    '```',
    'error[gateway_unreachable]: No running gateway was found at /srv/.gatewayops.',
    '  cause: nothing listens there',
    '  fix: Start one with `gateway start`, or name it with --state DIR or --url URL.',
    '  docs: docs/reference/faults.md#gateway_unreachable',
    '```',
    '',
    '## Exit codes',
    '',
    '| code | meaning |',
    '| --- | --- |',
    ...exitCodeMeanings.map(([code, meaning]) => `| ${code} | ${meaning} |`),
    '',
    '## Finding the gateway',
    '',
    'Commands that ask a running gateway find it in this order: `--state`, `--url`, `GATEWAYOPS_URL`, the nearest folder',
    '`.gatewayops` in the working folder or above. A state folder is asked through its socket that only its owner can open:',
    'whoever can is the operator and needs no key. An address is asked with the API key in `GATEWAYOPS_API_KEY`.',
    '',
    optionTable([...clientOptions, ...commonOptions]),
    '',
    ...commands.flatMap(commandSection),
  ]
    .join('\n')
    .replace(/\n+$/, '\n');
}

function commandSection(command: CommandSpec): string[] {
  const title = `gateway ${command.name.join(' ')}`;
  const usage = [
    title,
    ...(command.options?.filter(({ required }) => required).map(({ flags }) => flags) ?? []),
    ...((command.options?.length ?? 0) + (command.client || command.prints ? 1 : 0) > 0 ? ['[options]'] : []),
    ...(command.arguments ?? []).map(({ form }) => form),
  ];
  const lines = [`## ${title}`, '', `${command.summary}.${command.about === undefined ? '' : ` ${command.about}`}`, '', '```', usage.join(' '), '```', ''];
  if (command.arguments !== undefined)
    lines.push('| argument | what |', '| --- | --- |', ...command.arguments.map(({ form, about }) => `| \`${form}\` | ${about} |`), '');
  if (command.options !== undefined) lines.push(optionTable(command.options), '');
  const also = [...(command.prints ? ['[output](#output)'] : []), ...(command.client ? ['[finding the gateway](#finding-the-gateway)'] : [])];
  if (also.length > 0) lines.push(`Also the options of ${also.join(' and ')}.`, '');
  if (command.examples !== undefined) lines.push('```sh', ...command.examples, '```', '');
  return lines;
}

function optionTable(options: readonly OptionSpec[]): string {
  const rows = options.map(({ flags, about, required, repeated, otherwise }) => {
    const notes = [required ? 'Required.' : '', repeated ? 'May be repeated.' : ''].filter((note) => note !== '');
    return `| \`${flags}\` | ${otherwise === undefined ? '' : otherwise} | ${[about, ...notes].join(' ')} |`;
  });
  return ['| option | default | what |', '| --- | --- | --- |', ...rows].join('\n');
}
