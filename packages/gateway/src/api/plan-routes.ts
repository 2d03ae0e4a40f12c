import { z } from '@hono/zod-openapi';
import { applyDocument } from '../control/objects/apply-document.ts';
import { blastRadius, type BlastRadius, type PlanRadius } from '../control/objects/blast-radius.ts';
import { planDocument, readBase, type DocumentPlan } from '../control/objects/plan-document.ts';
import { bounds } from '../kernel/bounds.ts';
import { objectKinds } from '../kernel/config-object.ts';
import { body, json, route, type Api } from './route.ts';

const document = z.string().max(bounds.bodyBytesMax).openapi({
  description: 'A gateway.yaml, or a part of one. Of the sections that it has there is to be what it says and nothing else; of others all stays.',
  example: 'servers:\n  - { name: search, url: "https://search.example/mcp" }\n',
});

/** What there is against what a document says that there is to be. */
export function planRoutes(api: Api): void {
  api.openapi(
    route({
      method: 'post',
      path: '/v1/config/plan',
      permission: 'config.write',
      changesNothing: true,
      tags: ['config'],
      summary: 'What would change for the registry to be what a document says',
      description: 'With what of the calls of the last week each change is about. Nothing is changed.',
      request: { body: body(z.strictObject({ document })) },
      responses: { 200: json(z.object({ plan: planSchema }), 'The plan.') },
    }),
    async (c) => {
      const context = c.var.context();
      const plan = planDocument(context, c.req.valid('json').document, await readBase(context));
      return c.json({ plan: planBody(plan, await blastRadius(context, plan)) }, 200);
    },
  );
  api.openapi(
    route({
      method: 'post',
      path: '/v1/config/apply',
      permission: 'config.write',
      tags: ['config'],
      summary: 'Make the registry what a document says',
      description:
        'In one transaction, or not at all: refused with 412 where anything has moved since the plan whose `base` is sent, and with 409 where the file of the gateway says otherwise. Policies and prices in it take `policies.write` and `prices.write` too.',
      request: {
        body: body(
          z.strictObject({ document, base: z.string().min(1).max(100).openapi({ description: 'That of the plan that was looked at.', example: '12.40.3' }) }),
        ),
      },
      responses: { 200: json(z.object({ outcome: z.enum(['applied', 'unchanged']), plan: planSchema }), 'What was done.') },
    }),
    async (c) => {
      const { outcome, plan } = await applyDocument(c.var.context(), c.req.valid('json'));
      return c.json({ outcome, plan: planBody(plan, null) }, 200);
    },
  );
}

const reach = z.object({ keys: z.number().int(), tools: z.number().int(), calls: z.number().int() });
const radius = {
  lost: reach.openapi({ description: 'Keys that would lose tools that they called, those tools, and such calls.' }),
  gained: reach.openapi({ description: 'What they were refused and would not be.' }),
  depends: reach.openapi({ description: 'Where what a call says decides.' }),
  touched: reach.openapi({ description: 'What goes by something that would be another.' }),
};

const planSchema = z
  .object({
    base: z.string().openapi({ description: 'What the plan stands on; applying it names it.' }),
    changes: z.array(
      z.object({
        kind: z.enum([...objectKinds, 'policy', 'prices']),
        name: z.string(),
        action: z.enum(['add', 'change', 'remove', 'fixed']).openapi({ description: '`fixed`: the file of the gateway says otherwise; it is changed there.' }),
        settings: z.array(z.string()).openapi({ description: 'Members that differ.' }),
        file: z.string().nullable(),
        line: z.number().int().nullable(),
        radius: z.object(radius).nullable().openapi({ description: 'Null where the ledger cannot say.' }),
      }),
    ),
    summary: z.object({ add: z.number().int(), change: z.number().int(), remove: z.number().int(), fixed: z.number().int() }),
    radius: z
      .object({ days: z.number().int(), truncated: z.boolean(), ...radius })
      .nullable()
      .openapi({ description: 'Of all changes together; null where the ledger cannot say, or nothing changes.' }),
    others: z
      .array(z.string())
      .openapi({ description: 'Settings that the document says otherwise than the file of the gateway, and that only a file can say.' }),
  })
  .openapi('ConfigPlan');

function planBody({ base, changes, desired }: DocumentPlan, found: PlanRadius | null): z.infer<typeof planSchema> {
  const count = (wanted: (typeof changes)[number]['action']): number => changes.filter(({ action }) => action === wanted).length;
  return {
    base,
    changes: changes.map(({ settings, ...change }, index) => ({ ...change, settings: [...settings], radius: radiusBody(found?.ofChanges[index] ?? null) })),
    summary: { add: count('add'), change: count('change'), remove: count('remove'), fixed: count('fixed') },
    radius: found && { days: found.days, truncated: found.truncated, ...copied(found.whole) },
    others: [...desired.others],
  };
}

function radiusBody(found: BlastRadius | null): z.infer<typeof planSchema>['changes'][number]['radius'] {
  return found && copied(found);
}

function copied({ lost, gained, depends, touched }: BlastRadius) {
  return { lost: { ...lost }, gained: { ...gained }, depends: { ...depends }, touched: { ...touched } };
}
