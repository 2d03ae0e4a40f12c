import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { bounds } from '../kernel/bounds.ts';
import { Fault } from '../kernel/fault.ts';
import { answers, readAnswer } from './answers.ts';
import type { Command, OptionValues } from './command.ts';
import { openGatewayClient } from './gateway-client.ts';
import { plain } from './output.ts';
import { countText } from './say.ts';
import { table } from './table.ts';

export const maskingTest: Command = async (context) => {
  const {
    arguments: [file],
    options,
    out,
    cwd,
  } = context;
  const rules = rulesOf(options);
  const text = file === undefined ? await readInput() : readText(resolve(cwd, file));
  const client = openGatewayClient(context);
  const answer = await client.request('POST', '/v1/masking/test', { body: { text, form: options.text('form'), rules } });
  const { test } = readAnswer(answers.maskingTest, answer, client.where);
  out.result(answer, () =>
    [
      test.text === null ? `Not kept: ${plain(test.not_kept ?? '')}.` : visible(test.text),
      '',
      test.masked.length === 0
        ? 'Nothing is masked.'
        : table(
            [{ title: 'MASKED' }, { title: 'COUNT', align: 'right' }, { title: 'PLACE' }],
            test.masked.map(({ rule, count, path }) => [plain(rule), String(count), plain(path)]),
            out.paint.dim,
          ),
    ].join('\n'),
  );
  if (out.format === 'text') out.note(`${countText(test.masked.length, 'finding')}; nothing was stored.`);
  return undefined;
};

/** Undefined: the rules that serve. */
function rulesOf(options: OptionValues): Record<string, unknown> | undefined {
  const rules = {
    ...(options.on('email') ? { email: true } : {}),
    ...(options.on('phone') ? { phone: true } : {}),
    ...(options.list('field').length > 0 ? { fields: options.list('field') } : {}),
    ...(options.list('path').length > 0 ? { paths: options.list('path') } : {}),
    ...(options.list('pattern').length > 0 ? { patterns: options.list('pattern').map(patternOf) } : {}),
  };
  return Object.keys(rules).length === 0 ? undefined : rules;
}

function patternOf(text: string): { name: string; pattern: string } {
  const at = text.indexOf('=');
  if (at < 1) throw new Fault('usage', { reason: `--pattern must be NAME=PATTERN, not "${text.slice(0, 40)}".` });
  return { name: text.slice(0, at), pattern: text.slice(at + 1) };
}

const charsMax = 2 * bounds.maskingFieldCharsMax;

function readText(path: string): string {
  try {
    return bounded(readFileSync(path, 'utf8'));
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw new Fault('usage', { reason: `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}.` }, { cause: error });
  }
}

async function readInput(): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > 4 * charsMax) break;
    chunks.push(chunk);
  }
  return bounded(Buffer.concat(chunks).toString('utf8'));
}

function bounded(text: string): string {
  if (text.length > charsMax) throw new Fault('usage', { reason: `The text may have at most ${charsMax} characters.` });
  return text;
}

/** Lines stay lines; what else would move the cursor does not. */
function visible(text: string): string {
  return text.replaceAll(/(?![\n\t])[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, '\ufffd').trimEnd();
}
