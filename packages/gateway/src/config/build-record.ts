/** `record` as it is written → what workers and the masking process obey. */
import type { MaskingRules } from '../masking/masking-rules.ts';
import type { RecordConfig } from './config.ts';
import { parseSize } from './quantities.ts';
import type { MaskingEntry, RecordEntry } from './schema-record.ts';

export function buildRecord(entry: RecordEntry): RecordConfig {
  return {
    bodies: entry.bodies,
    bodyBytesMax: parseSize(entry.body_max) ?? 0,
    overrides: entry.overrides.map(({ server, tool, bodies }) => ({ server, tool: tool ?? null, bodies })),
    masking: buildMasking(entry.masking),
  };
}

export function buildMasking(entry: MaskingEntry): MaskingRules {
  return {
    email: entry.email,
    phone: entry.phone,
    fields: entry.fields,
    paths: entry.paths,
    patterns: entry.patterns,
    fieldCharsMax: parseSize(entry.scan_max) ?? 0,
    overLimit: entry.over_limit,
  };
}
