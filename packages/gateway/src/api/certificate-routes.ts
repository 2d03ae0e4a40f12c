import { z } from '@hono/zod-openapi';
import { checkCertificate, listAuthorities, type CertificateCheck } from '../control/sign-in/check-certificate.ts';
import type { AuthorityReport } from '../identity/verify-certificate.ts';
import { bounds } from '../kernel/bounds.ts';
import { certificateNameKinds, certificateSteps } from '../kernel/certificate-terms.ts';
import { body, json, route, timeSchema, type Api } from './route.ts';

/** Who vouches for callers by client certificates: what of it ends, and what it would make of a certificate. */
export function certificateRoutes(api: Api): void {
  api.openapi(
    route({
      method: 'get',
      path: '/v1/identity/certificates',
      permission: 'identity.read',
      tags: ['identity'],
      summary: 'List the authorities of client certificates',
      description:
        'As `identity.certificates.authorities` of gateway.yaml has them and their files are now: what they are trusted by, until when, and who calls by them.',
      responses: { 200: json(z.object({ authorities: z.array(authoritySchema) }), 'The authorities.') },
    }),
    async (c) => c.json({ authorities: (await listAuthorities(c.var.context())).map(authorityBody) }, 200),
  );
  api.openapi(
    route({
      method: 'post',
      path: '/v1/identity/certificates/test',
      permission: 'identity.read',
      changesNothing: true,
      tags: ['identity'],
      summary: 'Try a client certificate',
      description:
        'Says which test the certificate fails and how to mend it, or whom it is of, by what decides calls. Nobody is let in by it and nothing is changed; it is neither stored nor logged. That a client has its key is not asked.',
      request: { body: body(requestSchema) },
      responses: { 200: json(z.object({ check: checkSchema }), 'What becomes of it.') },
    }),
    async (c) => {
      const context = c.var.context();
      return c.json({ check: checkBody(await checkCertificate(context, c.req.valid('json').certificate), context.expiryClock.nowMs()) }, 200);
    },
  );
}

const requestSchema = z
  .strictObject({
    certificate: z
      .string()
      .min(1)
      .max(bounds.certificateTestCharsMax)
      .openapi({ description: 'In PEM, with what the client sends with it, its own first; or one in DER as base64. Never its key.' }),
  })
  .openapi('CertificateQuestion');

const ends = z.enum(['good', 'ends_soon', 'over']);
const callerSchema = z.object({
  by: z.enum(certificateNameKinds),
  name: z.string(),
  kind: z.enum(['user', 'service_account', 'agent']),
  id: z.string(),
});

const authoritySchema = z
  .object({
    name: z.string(),
    certificates: z.array(
      z.object({
        subject: z.string(),
        fingerprint: z
          .string()
          .openapi({ description: 'SHA-256 of all of it.', example: 'sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08' }),
        trusted: z.boolean().openapi({ description: 'False: it only helps to find the way to one that is.' }),
        begins_at: timeSchema,
        ends_at: timeSchema,
        state: ends.openapi({ description: '`ends_soon`: within 30 days.' }),
      }),
    ),
    revocation_lists: z
      .array(
        z.object({
          issuer: z.string().nullable().openapi({ description: 'The certificate of the authority that has signed it; null: none of them.' }),
          issued_at: timeSchema,
          next_update: timeSchema,
          entries: z.number().int(),
          state: z.enum([...ends.options, 'replaced']).openapi({
            description: '`ends_soon`: in the last quarter of its time, and within 30 days; `replaced`: a newer one of the same authority counts.',
          }),
        }),
      )
      .nullable()
      .openapi({ description: 'Null: nobody asks whether a certificate was revoked.' }),
    callers: z.array(callerSchema).openapi({ description: `The first ${bounds.certificateCallersShownMax}, as they are asked.` }),
    callers_total: z.number().int(),
    actions: z.array(z.string()).nullable().openapi({ description: 'The most that they may do; null: every MCP operation.' }),
    servers: z.array(z.string()).nullable().openapi({ description: 'Null: all.' }),
  })
  .openapi('CertificateAuthority');

const step = z.enum(certificateSteps);

const checkSchema = z
  .object({
    outcome: z.enum(['taken', 'refused']),
    failed: z.object({ step, reason: z.string(), fix: z.string() }).nullable(),
    authority: z.string().nullable().openapi({ description: 'Name of the authority in the configuration.' }),
    caller: callerSchema.nullable().openapi({ description: 'Whom the entry of `callers` that fits names, and by what.' }),
    certificate: z
      .object({
        subject: z.string(),
        issuer: z.string(),
        serial: z.string(),
        fingerprint: z.string(),
        names: z.object({ uri: z.array(z.string()), dns: z.array(z.string()), email: z.array(z.string()) }),
        begins_at: timeSchema,
        ends_at: timeSchema,
        ends_soon: z.boolean().openapi({ description: 'It ends within 30 days, or has ended.' }),
      })
      .nullable()
      .openapi({ description: 'Null: it could not be read.' }),
    good_until: timeSchema
      .nullable()
      .openapi({ description: 'When the first of it, its authorities and their revocation lists ends; null where it is refused.' }),
    steps: z.array(z.object({ step, outcome: z.enum(['pass', 'fail', 'not_reached']) })),
  })
  .openapi('CertificateCheck');

function authorityBody({ authority, certificates, lists }: AuthorityReport): z.infer<typeof authoritySchema> {
  const { name, callers, actions, servers } = authority;
  return {
    name,
    certificates: certificates.map(({ certificate, isAnchor, state }) => ({
      subject: certificate.subjectText,
      fingerprint: `sha256:${certificate.fingerprint}`,
      trusted: isAnchor,
      begins_at: timeOf(certificate.from),
      ends_at: timeOf(certificate.until),
      state,
    })),
    revocation_lists:
      lists &&
      lists.map(({ issuerText, from, until, size, state }) => ({
        issuer: issuerText,
        issued_at: timeOf(from),
        next_update: timeOf(until),
        entries: size,
        state,
      })),
    callers: callers.slice(0, bounds.certificateCallersShownMax).map((rule) => ruleBody(rule)),
    callers_total: callers.length,
    actions: actions && [...actions],
    servers: servers && [...servers],
  };
}

function checkBody({ outcome, failed, authority, rule, certificate, until, steps }: CertificateCheck, nowMs: number): z.infer<typeof checkSchema> {
  return {
    outcome,
    failed,
    authority,
    caller: rule && ruleBody(rule),
    certificate: certificate && {
      subject: certificate.subjectText,
      issuer: certificate.issuerText,
      serial: certificate.serial,
      fingerprint: `sha256:${certificate.fingerprint}`,
      names: { uri: [...certificate.names.uri], dns: [...certificate.names.dns], email: [...certificate.names.email] },
      begins_at: timeOf(certificate.from),
      ends_at: timeOf(certificate.until),
      ends_soon: certificate.until - nowMs < bounds.certificateWarnMs,
    },
    good_until: until === null ? null : timeOf(until),
    steps: [...steps],
  };
}

function ruleBody({ by, name, kind, id }: AuthorityReport['authority']['callers'][number]): z.infer<typeof callerSchema> {
  return { by, name: by === 'fingerprint' ? `sha256:${name}` : name, kind, id };
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
