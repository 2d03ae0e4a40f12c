import { Command as Parser, CommanderError, Option } from 'commander';
import { readEnvironment, type Environment } from '../config/environment.ts';
import { Fault } from '../kernel/fault.ts';
import type { CommandSpec, OptionSpec, OptionValues } from './command.ts';
import { commands, groups, optionsOf } from './commands.ts';
import { exitCodeMeanings, exitCodes } from './exit-codes.ts';
import { createOutput, type Format } from './output.ts';
import { reportProblem } from './report-problem.ts';
import { versionText } from './version.ts';

const formats: readonly Format[] = ['text', 'json', 'ndjson'];

/** Runs the command that the arguments name. Resolves with the exit code; never rejects. */
export async function runCli(argv: readonly string[]): Promise<number> {
  const env = readEnvironment();
  const written = writtenOptions(argv);
  // A reader that has seen enough (`… | head`) is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? exitCodes.ok : exitCodes.failure));
  // Notes that nobody reads are no reason to end.
  process.stderr.on('error', () => undefined);
  let exitCode: number = exitCodes.ok;
  try {
    const parser = buildParser(async (spec, args, values) => {
      const format = formatOf(values);
      const command = await spec.load();
      const out = createOutput({ format, color: written.color, env });
      exitCode = (await command({ arguments: args, options: values, out, env, cwd: process.cwd() })) ?? exitCodes.ok;
    });
    await parser.parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return exitCodes.ok;
    return report(error instanceof CommanderError ? usageFault(error, argv) : error, written, env);
  }
}

function report(error: unknown, { format, color }: { format: Format; color: boolean }, env: Environment): number {
  return reportProblem(error, { format, color, env });
}

type Run = (spec: CommandSpec, args: readonly string[], values: OptionValues) => Promise<void>;

function buildParser(run: Run): Parser {
  const program = new Parser('gateway')
    .description('One secure door between AI agents and MCP servers, and the ledger of what passed through it.')
    .exitOverride()
    // What the parser would print as an error is reported like every other error.
    .configureOutput({ writeErr: () => undefined })
    .helpOption('-h, --help', 'Show help.')
    .helpCommand(false)
    // What stands behind a name is for the command of that name, also where the group above it is a command with the same options.
    .enablePositionalOptions()
    .version(versionText(), '--version', 'Show the version.')
    .addHelpText('afterAll', exitCodeText());
  const parents = new Map<string, Parser>();
  for (const spec of commands) {
    const path = spec.name.join(' ');
    let parent = program;
    for (const [depth, word] of spec.name.slice(0, -1).entries()) {
      const group = spec.name.slice(0, depth + 1).join(' ');
      parent =
        parents.get(group) ??
        parent
          .command(word)
          .description(groups[group] ?? '')
          .helpCommand(false);
      parents.set(group, parent);
    }
    const leaf = parent
      .command(spec.name.at(-1) ?? path)
      .summary(spec.summary)
      .description(spec.about === undefined ? `${spec.summary}.` : `${spec.summary}. ${spec.about}`);
    leaf.allowExcessArguments(false);
    for (const { form, about } of spec.arguments ?? []) leaf.argument(argumentForm(form), about);
    for (const option of optionsOf(spec)) leaf.addOption(parserOption(option));
    if (spec.examples !== undefined) leaf.addHelpText('after', `\nExamples:\n${spec.examples.map((line) => `  ${line}`).join('\n')}`);
    // A command can be the group of others; its own options then stand before their names.
    parents.set(path, leaf.enablePositionalOptions());
    leaf.action(async () => run(spec, leaf.args, optionValues(leaf.opts())));
  }
  return program;
}

/** `NAME` → `<NAME>`, the parser's form of a required argument. */
function argumentForm(form: string): string {
  return form.startsWith('[') ? form : `<${form}>`;
}

function parserOption({ flags, about, required, repeated, otherwise }: OptionSpec): Option {
  const option = new Option(
    flags.replace(/ ([A-Z][A-Z:=]*)$/, ' <$1>'),
    `${about}${repeated ? ' May be repeated.' : ''}${otherwise === undefined ? '' : ` Default: ${otherwise}.`}`,
  );
  if (repeated) option.argParser((value: string, before: readonly string[] | undefined) => [...(before ?? []), value]);
  return required ? option.makeOptionMandatory() : option;
}

function optionValues(parsed: Readonly<Record<string, unknown>>): OptionValues {
  const valueOf = (name: string): unknown => parsed[name.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase())];
  return {
    text(name) {
      const value = valueOf(name);
      return typeof value === 'string' ? value : undefined;
    },
    list(name) {
      const value = valueOf(name);
      return Array.isArray(value) ? value.map(String) : [];
    },
    on: (name) => valueOf(name) === true,
  };
}

function formatOf(values: OptionValues): Format {
  const named = values.text('output');
  const format = formats.find((one) => one === named);
  if (named !== undefined && format === undefined) throw new Fault('usage', { reason: `-o must be text, json or ndjson, not "${named.slice(0, 40)}".` });
  if (values.on('json') && format !== undefined && format !== 'json') throw new Fault('usage', { reason: `--json and -o ${format} contradict each other.` });
  return values.on('json') ? 'json' : (format ?? 'text');
}

/** What errors need to know before, or although, the arguments do not parse. */
function writtenOptions(argv: readonly string[]): { format: Format; color: boolean } {
  const own = argv.includes('--') ? argv.slice(0, argv.indexOf('--')) : argv;
  const at = own.findIndex((word) => word === '-o' || word === '--output');
  const named = at === -1 ? own.map((word) => /^(?:-o=?|--output=)(json|ndjson)$/.exec(word)?.[1]).find((word) => word !== undefined) : own[at + 1];
  const format = formats.find((one) => one === named) ?? (own.includes('--json') ? 'json' : 'text');
  return { format, color: !own.includes('--no-color') };
}

function usageFault(error: CommanderError, argv: readonly string[]): Fault {
  const message = error.message.replace(/^error: /, '').replaceAll(/\s*\n\s*/g, ' ');
  const group = argv.find((word) => !word.startsWith('-'));
  if (error.code === 'commander.help') {
    const known = commands.filter(({ name }) => group === undefined || name[0] === group).map(({ name }) => name.join(' '));
    return new Fault('usage', { reason: `No command is named. Commands: ${known.join(', ')}.` });
  }
  return new Fault('usage', { reason: `${message.slice(0, 1).toUpperCase()}${message.slice(1)}${/[.)?]$/.test(message) ? '' : '.'}` });
}

function exitCodeText(): string {
  return `\nExit codes:\n${exitCodeMeanings.map(([code, meaning]) => `  ${String(code).padEnd(4)} ${meaning}`).join('\n')}`;
}
