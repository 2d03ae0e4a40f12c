/** What the sections of gateway.yaml are made of: quantities, names, lists, each with the words that a fault says. */
import { z } from 'zod';
import { durationText } from '../kernel/duration-text.ts';
import { durationPattern, parseDuration, parseSize, sizePattern, sizeText } from './quantities.ts';

/** A map in which a key that is not named is a fault. */
export function strict<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.strictObject(shape, { error: (issue) => (issue.code === 'invalid_type' ? 'must be a map of settings' : undefined) });
}

export const hour = 3_600_000;
export const KiB = 1024;
export const MiB = 1024 * KiB;

export function duration(least: number, most: number) {
  const expected = `must be a duration from ${durationText(least)} to ${durationText(most)} with its unit (ms, s, m, h, d)`;
  return z
    .string({ error: expected })
    .regex(durationPattern, { error: expected, abort: true })
    .refine((text) => inRange(parseDuration(text), least, most), { error: expected });
}

export function size(least: number, most: number) {
  const expected = `must be a size from ${sizeText(least)} to ${sizeText(most)} with its unit (B, KiB, MiB, GiB)`;
  return z
    .string({ error: expected })
    .regex(sizePattern, { error: expected, abort: true })
    .refine((text) => inRange(parseSize(text), least, most), { error: expected });
}

export function whole(least: number, most: number) {
  const error = `must be a whole number from ${least} to ${most}`;
  return z.int({ error }).min(least, { error }).max(most, { error });
}

export function text(pattern: RegExp, error: string) {
  return z.string({ error }).regex(pattern, { error });
}

function inRange(value: number | null, least: number, most: number): boolean {
  return value !== null && value >= least && value <= most;
}

export const serverNamePattern = /^[a-z0-9][a-z0-9_-]{0,62}$/;
const serverNameError = 'must be 1 to 63 lower-case letters, digits, "-" or "_", beginning with a letter or digit';
export const serverName = text(serverNamePattern, serverNameError);

export function list<Item extends z.ZodType>(item: Item, most: number) {
  return z
    .array(item, { error: 'must be a list' })
    .max(most, { error: `must have at most ${most} entries` })
    .default([]);
}

/** A section whose fields all have defaults may be left out as a whole. */
export function section<Shape extends z.ZodRawShape>(shape: z.ZodObject<Shape>) {
  return shape.prefault({} as z.input<z.ZodObject<Shape>>);
}
