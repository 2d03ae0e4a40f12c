import { membersOf } from '../kernel/splice-json.ts';

/** Raw text of an object's members, by name; of one that is there twice the last, as `JSON.parse` has it. `json` is a JSON object. */
export function memberTexts(json: string): Map<string, string> {
  const bytes = Buffer.from(json);
  return new Map(membersOf(bytes).map(({ key, valueStart, end }) => [key, bytes.toString('utf8', valueStart, end)]));
}

/**
 * `json` with other members: those named are replaced, or taken out where the text is null, and added at the end where they were not there.
 * All others keep their bytes and their order. `json` is a JSON object.
 */
export function editObject(json: string, edits: Readonly<Record<string, string | null>>): string {
  const bytes = Buffer.from(json);
  const members = membersOf(bytes);
  const left = new Map(Object.entries(edits));
  const kept: string[] = [];
  for (const { key, start, valueStart, end } of members) {
    const edit = Object.hasOwn(edits, key) ? edits[key] : undefined;
    if (edit === undefined) kept.push(bytes.toString('utf8', start, end));
    // One that is there twice is replaced once.
    else if (edit !== null && left.get(key) === edit) kept.push(bytes.toString('utf8', start, valueStart) + edit);
    left.delete(key);
  }
  for (const [key, text] of left) if (text !== null) kept.push(`${JSON.stringify(key)}:${text}`);
  return `{${kept.join(',')}}`;
}
