import { z } from 'zod';
import { nouns, type NounKind } from '../kernel/directory.ts';
import { readAnswer } from './answers.ts';

const entryView = z.looseObject({ id: z.string(), name: z.string(), status: z.string().optional(), version: z.number() });
export type EntryAnswer = z.output<typeof entryView>;

/** The entry in an answer about a noun. */
export function entryOf(kind: NounKind, answer: unknown, where: string): EntryAnswer {
  return entryView.parse(readAnswer(z.looseObject({ [kind]: entryView }), answer, where)[kind]);
}

/** A page of a list. */
export function pageOf(kind: NounKind, answer: unknown, where: string): { readonly entries: readonly EntryAnswer[]; readonly cursor: string | null } {
  const many = nouns[kind].plural.replaceAll('-', '_');
  const page = readAnswer(z.looseObject({ [many]: z.array(entryView), cursor: z.string().nullable() }), answer, where);
  return { entries: z.array(entryView).parse(page[many]), cursor: z.string().nullable().parse(page['cursor']) };
}

/** What became of a change. */
export function outcomeOf(answer: unknown, where: string): string {
  return readAnswer(z.looseObject({ outcome: z.enum(['created', 'changed', 'unchanged', 'planned', 'deleted']) }), answer, where).outcome;
}

export function revokedOf(answer: unknown, where: string): readonly string[] {
  return readAnswer(z.looseObject({ revoked_keys: z.array(z.string()) }), answer, where).revoked_keys;
}

/** A member in a terminal: texts as they are, lists behind each other. */
export function memberText(entry: EntryAnswer, member: string): string {
  const value = entry[member];
  if (Array.isArray(value)) return value.length === 0 ? '–' : value.join(' ');
  return typeof value === 'string' && value !== '' ? value : '–';
}

/** Who a member names by their id: by name where they have one. */
export function actorText(entry: EntryAnswer, member: string): string {
  const name = memberText(entry, `${member}_name`);
  return name === '–' ? memberText(entry, member) : name;
}
