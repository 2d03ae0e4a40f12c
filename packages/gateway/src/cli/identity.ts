import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { Fault } from '../kernel/fault.ts';
import { readAnswer } from './answers.ts';
import type { Command } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { openGatewayClient } from './gateway-client.ts';
import { plain, type Output } from './output.ts';
import { table } from './table.ts';

const providerView = z.looseObject({
  name: z.string(),
  preset: z.string(),
  issuer: z.string(),
  domains: z.array(z.string()),
  provision: z.string(),
  enforce: z.boolean(),
  redirect_uri: z.string().nullable(),
  saml: z.looseObject({ entity_id: z.string(), acs_url: z.string(), metadata_url: z.string() }).nullable(),
});

export const identityList: Command = async (context) => {
  const { out } = context;
  const client = openGatewayClient(context);
  const answer = await client.request('GET', '/v1/identity/providers');
  const { providers } = readAnswer(z.looseObject({ providers: z.array(providerView) }), answer, client.where);
  out.list(answer, providers, () =>
    providers.length === 0
      ? 'No identity provider. Add one under identity.providers in gateway.yaml: docs/guides/sign-in.md.'
      : table(
          [{ title: 'NAME' }, { title: 'KIND' }, { title: 'ISSUER' }, { title: 'DOMAINS' }, { title: 'NEW PEOPLE' }, { title: 'ENFORCED' }],
          providers.map((one) => [
            plain(one.name),
            plain(one.preset),
            plain(one.issuer, 60),
            plain(one.domains.join(' '), 40),
            one.provision === 'required' ? 'refused' : 'made users',
            one.enforce ? 'yes' : 'no',
          ]),
          out.paint.dim,
        ),
  );
  for (const { name, redirect_uri: redirectUri, saml } of providers)
    if (redirectUri !== null) out.note(`At ${plain(name)}: redirect URI ${plain(redirectUri, 400)}`);
    else if (saml !== null)
      out.note(`At ${plain(name)}: entity id ${plain(saml.entity_id, 400)}, ACS ${plain(saml.acs_url, 400)}, metadata ${plain(saml.metadata_url, 400)}`);
  return undefined;
};

export const identityTest: Command = async (context) => {
  const {
    arguments: [name = ''],
    out,
  } = context;
  const client = openGatewayClient(context);
  const answer = await client.request('POST', `/v1/identity/providers/${encodeURIComponent(name)}/test`);
  const step = z.looseObject({ step: z.string(), ok: z.boolean(), detail: z.string(), fix: z.string().nullable() });
  const { ok, steps } = readAnswer(z.looseObject({ ok: z.boolean(), steps: z.array(step) }), answer, client.where);
  out.result(answer, () =>
    steps
      .map(
        (one) =>
          `${one.ok ? '✓' : '⬣'} ${plain(one.step).padEnd(10)}  ${plain(one.detail)}${one.fix === null ? '' : `\n  ${''.padEnd(10)}  ${out.paint.dim(plain(one.fix))}`}`,
      )
      .join('\n'),
  );
  return ok ? exitCodes.ok : exitCodes.problemsFound;
};

export const identityPreview: Command = async (context) => {
  const {
    arguments: [provider = '', file = ''],
    out,
    cwd,
  } = context;
  const claims = readClaimsFile(resolve(cwd, file));
  const client = openGatewayClient(context);
  const answer = await client.request('POST', '/v1/identity/mapping/preview', { body: { provider, claims } });
  const preview = readAnswer(previewView, answer, client.where);
  out.result(answer, () => previewText(preview, out));
  return undefined;
};

const pollMs = 1_000;

export const identityTry: Command = async (context) => {
  const {
    arguments: [name = ''],
    out,
  } = context;
  const client = openGatewayClient(context);
  const asked = await client.request('POST', `/v1/identity/providers/${encodeURIComponent(name)}/tries`);
  const { id, url } = readAnswer(z.looseObject({ id: z.string(), url: z.string() }), asked, client.where);
  out.note(`Open this in a browser within ten minutes, and sign in there: ${plain(url, 2_000)}`);
  for (;;) {
    const answer = await client.request('GET', `/v1/identity/tries/${id}`);
    const { state, preview, claims, failure } = readAnswer(tryView, answer, client.where);
    if (state === 'waiting') {
      await pause(pollMs);
      continue;
    }
    out.result(answer, () =>
      failure === null
        ? [
            ...(preview === null ? [] : [previewText(preview, out)]),
            '',
            ...Object.entries(claims ?? {}).map(([claim, value]) => `${out.paint.dim(plain(claim).padEnd(12))}  ${plain(JSON.stringify(value), 400)}`),
          ].join('\n')
        : `⬣ ${plain(failure.step)}: ${plain(failure.reason, 400)}\n  ${out.paint.dim(plain(failure.fix, 400))}`,
    );
    return failure === null ? exitCodes.ok : exitCodes.problemsFound;
  }
};

const previewView = z.looseObject({
  subject: z.string(),
  email: z.string().nullable(),
  groups: z.array(z.string()),
  allowed: z.boolean(),
  user_id: z.string().nullable(),
  team_ids: z.array(z.string()),
  role_ids: z.array(z.string()),
  missing: z.array(z.string()),
});

const tryView = z.looseObject({
  state: z.enum(['waiting', 'done', 'failed']),
  preview: previewView.nullable(),
  claims: z.record(z.string(), z.unknown()).nullable(),
  failure: z.looseObject({ step: z.string(), reason: z.string(), fix: z.string() }).nullable(),
});

function previewText(preview: z.infer<typeof previewView>, out: Output): string {
  return [
    ['subject', plain(preview.subject)],
    ['email', preview.email === null ? 'none that counts' : plain(preview.email)],
    ['user', preview.user_id === null ? 'nobody has that address' : plain(preview.user_id)],
    ['may come in', preview.allowed ? 'yes' : 'no: in none of allowed_groups'],
    ['groups', plain(preview.groups.join(' '), 400)],
    ['teams', plain(preview.team_ids.join(' '), 400)],
    ['roles', plain(preview.role_ids.join(' '), 400)],
    ...(preview.missing.length === 0 ? [] : [['missing', `${plain(preview.missing.join(' '), 400)}: the mapping names them, and there are none`]]),
  ]
    .map(([label = '', value = '']) => `${out.paint.dim(label.padEnd(12))}  ${value}`)
    .join('\n');
}

function readClaimsFile(path: string): Record<string, unknown> {
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    throw new Fault('usage', { reason: `${path} is no file with a JSON object of claims.` }, { cause });
  }
}
