import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import { bounds } from '../kernel/bounds.ts';
import { Fault } from '../kernel/fault.ts';
import { readAnswer } from './answers.ts';
import type { Command } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { openGatewayClient } from './gateway-client.ts';
import { plain } from './output.ts';
import { timeText } from './say.ts';
import { table } from './table.ts';

const callerView = z.looseObject({ by: z.string(), name: z.string(), kind: z.string(), id: z.string() });

const listView = z.looseObject({
  authorities: z.array(
    z.looseObject({
      name: z.string(),
      certificates: z.array(z.looseObject({ subject: z.string(), fingerprint: z.string(), trusted: z.boolean(), ends_at: z.string(), state: z.string() })),
      revocation_lists: z
        .array(z.looseObject({ issuer: z.string().nullable(), issued_at: z.string(), next_update: z.string(), entries: z.number(), state: z.string() }))
        .nullable(),
      callers: z.array(callerView),
      callers_total: z.number(),
    }),
  ),
});

const states: Readonly<Record<string, string>> = { good: 'good', ends_soon: 'ends soon', over: 'over', replaced: 'replaced' };
const stateText = (state: string): string => states[state] ?? plain(state);

export const identityCertificatesList: Command = async (context) => {
  const { out } = context;
  const client = openGatewayClient(context);
  const answer = await client.request('GET', '/v1/identity/certificates');
  const { authorities } = readAnswer(listView, answer, client.where);
  out.list(answer, authorities, () =>
    authorities.length === 0
      ? 'No authority of client certificates. Add one under identity.certificates in gateway.yaml: docs/guides/client-certificates.md.'
      : authorities.map((one) => authorityText(one, out.paint.dim)).join('\n\n'),
  );
  return undefined;
};

function authorityText(
  { name, certificates, revocation_lists: lists, callers, callers_total: total }: z.infer<typeof listView>['authorities'][number],
  dim: (text: string) => string,
): string {
  return [
    plain(name),
    table(
      [{ title: 'AUTHORITY' }, { title: 'TRUSTED' }, { title: 'ENDS (UTC)' }, { title: 'STATE' }, { title: 'FINGERPRINT' }],
      certificates.map((one) => [
        plain(one.subject, 60),
        one.trusted ? 'yes' : 'by another',
        timeText(one.ends_at),
        stateText(one.state),
        plain(one.fingerprint),
      ]),
      dim,
    ),
    lists === null
      ? 'No revocation lists: nobody asks whether a certificate was revoked.'
      : table(
          [{ title: 'REVOCATION LIST OF' }, { title: 'ISSUED (UTC)' }, { title: 'NEXT UPDATE' }, { title: 'ENTRIES' }, { title: 'STATE' }],
          lists.map((one) => [
            one.issuer === null ? 'none of them' : plain(one.issuer, 60),
            timeText(one.issued_at),
            timeText(one.next_update),
            String(one.entries),
            stateText(one.state),
          ]),
          dim,
        ),
    table(
      [{ title: 'CALLER' }, { title: 'BY' }, { title: 'NAME' }],
      callers.map((one) => [`${plain(one.kind.replace('_', ' '))} ${plain(one.id)}`, plain(one.by), plain(one.name, 100)]),
      dim,
    ),
    ...(total > callers.length ? [`… and ${total - callers.length} more, in gateway.yaml.`] : []),
  ].join('\n');
}

const checkView = z.looseObject({
  check: z.looseObject({
    outcome: z.enum(['taken', 'refused']),
    failed: z.looseObject({ step: z.string(), reason: z.string(), fix: z.string() }).nullable(),
    authority: z.string().nullable(),
    caller: callerView.nullable(),
    certificate: z.looseObject({ subject: z.string(), fingerprint: z.string(), ends_at: z.string(), ends_soon: z.boolean() }).nullable(),
    good_until: z.string().nullable(),
    steps: z.array(z.looseObject({ step: z.string(), outcome: z.enum(['pass', 'fail', 'not_reached']) })),
  }),
});

const marks = { pass: '✓', fail: '✗', not_reached: '·' } as const;

export const identityCertificatesTest: Command = async (context) => {
  const {
    arguments: [file = ''],
    cwd,
    out,
  } = context;
  const certificate = readCertificateFile(resolve(cwd, file));
  const client = openGatewayClient(context);
  const answer = await client.request('POST', '/v1/identity/certificates/test', { body: { certificate } });
  const { check } = readAnswer(checkView, answer, client.where);
  const { outcome, failed, authority, caller, certificate: read, good_until: until, steps } = check;
  out.result(check, () =>
    [
      outcome === 'taken' ? '✓ the certificate is taken' : '⊘ the certificate is refused',
      ...(caller === null
        ? []
        : [`caller       ${plain(caller.kind.replace('_', ' '))} ${plain(caller.id)}, by ${plain(caller.by)} ${plain(caller.name, 400)}`]),
      ...(authority === null ? [] : [`authority    ${plain(authority)}`]),
      ...(read === null
        ? []
        : [
            `subject      ${plain(read.subject, 400)}`,
            `fingerprint  ${plain(read.fingerprint)}`,
            `ends         ${timeText(read.ends_at)}${outcome === 'taken' && read.ends_soon ? ' (within 30 days: renew it)' : ''}`,
          ]),
      ...(until === null ? [] : [`good until   ${timeText(until)}, when the first of it, its authorities and their lists ends`]),
      '',
      ...steps.map((one) => `  ${marks[one.outcome]} ${plain(one.step)}`),
      ...(failed === null ? [] : ['', `${plain(failed.step)}: ${plain(failed.reason, 600)}.`, `Fix: ${plain(failed.fix, 600)}`]),
    ].join('\n'),
  );
  return outcome === 'taken' ? exitCodes.ok : exitCodes.problemsFound;
};

const pemCertificates = /-----BEGIN (?:TRUSTED )?CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END (?:TRUSTED )?CERTIFICATE-----/g;

/** What of a file may leave this machine: in many a key stands beside the certificate. */
function readCertificateFile(path: string): string {
  let file: Buffer;
  try {
    file = readFileSync(path);
  } catch (cause) {
    throw new Fault('usage', { reason: `${path} cannot be read.` }, { cause });
  }
  const blocks = file.toString('latin1').match(pemCertificates) ?? [];
  const text = blocks.length > 0 ? blocks.join('\n') : (derCertificate(file) ?? '');
  if (text === '') throw new Fault('usage', { reason: `${path} holds no certificate in PEM (-----BEGIN CERTIFICATE-----) or DER.` });
  if (text.length > bounds.certificateTestCharsMax) throw new Fault('usage', { reason: `${path} holds more certificates than a client can show.` });
  return text;
}

/** Base64 of it; null: the file is something else, such as a key in DER. */
function derCertificate(file: Buffer): string | null {
  try {
    return new X509Certificate(file).raw.toString('base64');
  } catch {
    return null;
  }
}
