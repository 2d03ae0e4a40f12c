import { bounds } from '../kernel/bounds.ts';
import { skipSpace, skipString, splice, type Edit } from '../kernel/splice-json.ts';
import type { ResponseRule, TextPattern } from '../snapshot/compile-transforms.ts';
import type { Applied } from './apply-request.ts';
import { EditableJson, TooManyValues } from './editable-json.ts';

/**
 * Applies the rules of one tool to its result. `json` is the JSON object that holds the result at `at` (empty: it is the result). A
 * result that a rule does not fit stays as it is. Throws `TooManyValues`.
 */
export function applyResponse(rules: readonly ResponseRule[], json: Buffer, at: readonly string[]): Applied {
  const document = new EditableJson(json);
  const names: string[] = [];
  for (const rule of rules) {
    const { places } = document.find([...at, ...rule.path]);
    let applied = places.length > 0;
    if (rule.kind === 'remove') EditableJson.remove(places);
    else if (rule.kind === 'rename') EditableJson.rename(places, rule.to);
    else {
      applied = false;
      for (const { value } of places) {
        const before = value.text;
        const after = rule.pattern === null ? Buffer.from(JSON.stringify(rule.with)) : redactTexts(before, rule.pattern, rule.with);
        if (after === before) continue;
        value.replace(after);
        applied = true;
      }
    }
    if (applied) names.push(rule.name);
  }
  return { json: names.length === 0 ? json : document.text, names };
}

/** Every text inside a value, at any depth, without what the pattern finds; names of members stay. */
function redactTexts(json: Buffer, pattern: TextPattern, replacement: string): Buffer {
  const edits: Edit[] = [];
  let texts = 0;
  for (let at = json.indexOf(0x22); at >= 0; at = json.indexOf(0x22, at)) {
    const end = skipString(json, at);
    if (json[skipSpace(json, end)] !== 0x3a) {
      if (++texts > bounds.rewriteValuesMax) throw new TooManyValues();
      const text = JSON.parse(json.toString('utf8', at, end)) as string;
      const redacted = pattern.replace(text, replacement);
      if (redacted !== text) edits.push({ start: at, end, text: JSON.stringify(redacted) });
    }
    at = end;
  }
  return splice(json, edits);
}
