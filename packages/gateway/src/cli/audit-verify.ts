import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { openProofFile, ProofFileError } from '../chain/proof-file.ts';
import { readPublicKey } from '../chain/signing-key.ts';
import { verifyProof } from '../chain/verify-proof.ts';
import { Fault } from '../kernel/fault.ts';
import { answers, readAnswer } from './answers.ts';
import type { Command, CommandContext } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { openGatewayClient } from './gateway-client.ts';
import { plain, type Output } from './output.ts';
import { countText, timeText } from './say.ts';

interface Verification {
  readonly ok: boolean;
  readonly events: {
    readonly records: number;
    readonly from: number;
    readonly through: number;
    readonly removed_through: number;
    readonly signed_through: number;
    readonly signed_at: string | null;
  };
  readonly calls: {
    readonly chains: number;
    readonly entries: number;
    readonly rows: number | null;
    readonly erased?: number | undefined;
    readonly expired: number;
    readonly left_out: number;
    readonly signed_at: string | null;
  } | null;
  readonly findings: readonly { readonly kind: string; readonly chain: string; readonly from: number; readonly to: number; readonly text: string }[];
  readonly findings_left_out: number;
}

/** What is wrong is the result: it goes to stdout, with the exit code of found problems. */
export const auditVerify: Command = async (context) => {
  const {
    out,
    arguments: [file],
    options,
  } = context;
  if (file !== undefined && options.text('calls') !== undefined)
    throw new Fault('usage', { reason: '--calls is for a running gateway; a proof has what it was exported with.' });
  if (file === undefined && options.list('key').length > 0)
    throw new Fault('usage', { reason: '--key is for a proof; a running gateway knows its keys, and those in audit.trusted_keys.' });
  const answer = file === undefined ? await askGateway(context) : { verification: await checkFile(context, file) };
  const { verification } = answer;
  out.result(answer, () => verificationText(verification, out));
  return verification.ok ? exitCodes.ok : exitCodes.problemsFound;
};

async function askGateway(context: CommandContext): Promise<{ verification: Verification }> {
  const client = openGatewayClient(context);
  return readAnswer(
    answers.auditVerification,
    await client.request('GET', '/v1/audit/verify', { query: { calls: context.options.text('calls') }, timeoutMs: verifyTimeoutMs }),
    client.where,
  );
}

/** A year of a busy installation takes minutes to read. */
const verifyTimeoutMs = 3_600_000;
const findingsMax = 100;

async function checkFile({ options, cwd }: CommandContext, file: string): Promise<Verification> {
  const trusted = options.list('key').flatMap((text) => publicKeys(text, cwd));
  if (trusted.length === 0)
    throw new Fault('usage', { reason: 'Give --key: a proof is checked with public keys that come from elsewhere than the proof itself.' });
  const input = file === '-' ? process.stdin : createReadStream(resolve(cwd, file));
  // Errors of the file reach the lines only as an early end.
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined);
  input.once('error', (error: Error) => failed.reject(new Fault('usage', { reason: `${file} cannot be read: ${error.message}.` }, { cause: error })));
  const lines = createInterface({ input, crlfDelay: Infinity });
  try {
    return await Promise.race([checkLines(lines, trusted), failed.promise]);
  } finally {
    lines.close();
    input.destroy();
  }
}

async function checkLines(lines: AsyncIterable<string>, trusted: readonly string[]): Promise<Verification> {
  const nothing = { records: 0, from: 1, through: 0, removed_through: 0, signed_through: 0, signed_at: null };
  try {
    const proof = await openProofFile(lines, trusted);
    const report = await verifyProof(proof, { nowMs: proof.atMs, findingsMax });
    const { records, from, through, signed } = report.events;
    return {
      ok: report.ok,
      events: {
        records,
        from,
        through,
        removed_through: report.removedThrough,
        signed_through: signed?.sequence ?? report.removedThrough,
        signed_at: signed?.at ?? null,
      },
      calls: report.calls && {
        chains: report.calls.chains,
        entries: report.calls.entries,
        rows: report.calls.rows,
        erased: report.calls.erased,
        expired: report.calls.expired,
        left_out: report.calls.leftOut,
        signed_at: report.calls.signedAt,
      },
      findings: report.findings,
      findings_left_out: report.findingsLeftOut,
    };
  } catch (error) {
    if (!(error instanceof ProofFileError)) throw error;
    return {
      ok: false,
      events: nothing,
      calls: null,
      findings: [{ kind: 'unreadable', chain: '', from: 0, to: 0, text: `the proof cannot be read: ${error.message}` }],
      findings_left_out: 0,
    };
  }
}

/** Of a key in base64, or of a file with the answer of `gateway audit keys -o json` or such keys, one a line. */
export function publicKeys(text: string, cwd: string): readonly string[] {
  if (readPublicKey(text) !== null) return [text];
  const path = resolve(cwd, text);
  if (!existsSync(path)) throw new Fault('usage', { reason: `--key ${text.slice(0, 100)} is neither a public key in base64 nor a file.` });
  const content = readFileSync(path, 'utf8');
  const found = (content.match(/(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{43}=(?![A-Za-z0-9+/=])/g) ?? []).filter((key) => readPublicKey(key) !== null);
  if (found.length === 0) throw new Fault('usage', { reason: `${text.slice(0, 100)} holds no public key.` });
  return found;
}

function verificationText({ ok, events, calls, findings, findings_left_out: leftOut }: Verification, { paint }: Output): string {
  const range = events.records === 0 ? 'no events' : `${countText(events.records, 'event')}, ${events.from} to ${events.through}`;
  const signed =
    events.signed_at === null
      ? 'No checkpoint speaks for them yet.'
      : `Signed to ${events.signed_through}, ${timeText(events.signed_at)} UTC${events.through > events.signed_through ? '; those after it are not signed as a whole yet' : ''}.`;
  const removed = events.removed_through > 0 ? [`Events 1 to ${events.removed_through} are gone: their retention was over.`] : [];
  const lines = findings.map(({ kind, chain, from, to, text }) => {
    const place = from === 0 ? '' : ` ${chain} ${from === to ? from : `${from}–${to}`}`;
    return `${paint.red('⬣')} ${kind}${plain(place)}: ${plain(text, 500)}`;
  });
  return [
    ok ? `✓ The audit is whole: ${range}.` : `${paint.red('⬣')} The audit was changed: ${range}.`,
    signed,
    ...removed,
    ...(calls === null ? [] : [callsText(calls)]),
    ...lines,
    ...(leftOut > 0 ? [`and ${countText(leftOut, 'further finding')}`] : []),
  ].join('\n');
}

function callsText({ entries, rows, erased = 0, expired, left_out: leftOut, signed_at: signedAt }: NonNullable<Verification['calls']>): string {
  const read = rows === null ? 'not read' : `${countText(rows, 'call')} as written`;
  const changed = erased > 0 ? `; ${countText(erased, 'call')} in batches that a person was erased from` : '';
  const gone = expired > 0 ? `; ${countText(expired, 'call')} gone, whose retention was over` : '';
  const without = leftOut > 0 ? `; ${countText(leftOut, 'call')} left out by a restore` : '';
  return `Calls: ${read}${changed}${gone}${without}; ${entries === 1 ? '1 entry' : `${entries} entries`}${signedAt === null ? ', not signed yet' : `, signed ${timeText(signedAt)} UTC`}.`;
}
