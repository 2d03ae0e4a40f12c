import { z } from 'zod';
import { objectRows, type ObjectKind } from '../kernel/config-object.ts';
import { readAnswer } from './answers.ts';

const objectSchema = z.object({
  name: z.string(),
  spec: z.record(z.string(), z.unknown()).nullable(),
  source: z.enum(['file', 'environment', 'registry', 'default']),
  file: z.string().nullable(),
  line: z.number().nullable(),
  served: z.boolean(),
  reason: z.string().nullable(),
  version: z.number().nullable(),
  changed_at: z.string().nullable(),
  changed_by: z.string().nullable(),
  changed_by_name: z.string().nullish(),
});

const anyObject = objectSchema.extend({ kind: z.string() });
export const objectsAnswer = z.looseObject({ objects: z.array(anyObject), cursor: z.string().nullable() });

export type ObjectAnswer = z.infer<typeof objectSchema>;

export function objectOf(kind: ObjectKind, answer: unknown, where: string): ObjectAnswer {
  return readAnswer(z.looseObject({ [kind]: objectSchema }), answer, where)[kind] as ObjectAnswer;
}

export function objectPageOf(kind: ObjectKind, answer: unknown, where: string): { readonly objects: readonly ObjectAnswer[]; readonly cursor: string | null } {
  const many = objectRows[kind].plural.replaceAll('-', '_');
  const page = readAnswer(z.looseObject({ [many]: z.array(objectSchema), cursor: z.string().nullable() }), answer, where) as Record<string, unknown>;
  return { objects: z.array(objectSchema).parse(page[many]), cursor: z.string().nullable().parse(page['cursor']) };
}

/** Where it is changed. */
export function sourceText({ source, file, line, version }: ObjectAnswer): string {
  if (source === 'registry') return `made here, version ${version ?? 0}`;
  return source === 'file' ? `${file ?? ''}:${line ?? 0}` : source;
}
