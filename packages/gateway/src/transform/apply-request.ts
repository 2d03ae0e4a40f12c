import { Fault } from '../kernel/fault.ts';
import type { RequestRule, RestrictRule } from '../snapshot/compile-transforms.ts';
import { EditableJson, type Found } from './editable-json.ts';

/** What became of a message: its JSON text, and the rules that changed it. */
export interface Applied {
  readonly json: Buffer;
  /** Names of rules, in their order; empty where nothing changed: then `json` is what was given. */
  readonly names: readonly string[];
}

const argumentsMember = ['arguments'];

/**
 * Applies the rules of one tool to a call, one after the other. `json` is the JSON object that holds `params` at `at` (empty: it is
 * `params`). Faults: `argument_not_allowed` where a value is not one that a rule allows, or a rule cannot reach the place it is to set.
 * Throws `TooManyValues`. `onRefused` gets the name of the rule that refused.
 */
export function applyRequest(rules: readonly RequestRule[], json: Buffer, at: readonly string[], onRefused: (name: string) => void): Applied {
  const document = new EditableJson(json);
  const base = [...at, ...argumentsMember];
  const names: string[] = [];
  for (const rule of rules) {
    const path = [...base, ...rule.path];
    const found = document.find(path);
    try {
      if (applyRule(rule, document, path, found)) names.push(rule.name);
    } catch (thrown) {
      onRefused(rule.name);
      throw thrown;
    }
  }
  return { json: names.length === 0 ? json : document.text, names };
}

/** Whether it changed anything. */
function applyRule(rule: RequestRule, document: EditableJson, path: readonly string[], found: Found): boolean {
  const { places } = found;
  switch (rule.kind) {
    case 'rename':
      EditableJson.rename(places, rule.to);
      return places.length > 0;
    case 'remove':
      EditableJson.remove(places);
      return places.length > 0;
    case 'default':
      return document.add(path, rule.value);
    case 'set': {
      if (found.blocked) throw refusal(rule.path, 'must be where the gateway can set it: what leads to it is not an object');
      const changed = places.filter(({ value }) => !value.text.equals(rule.value));
      for (const { value } of changed) value.replace(rule.value);
      return document.add(path, rule.value) || changed.length > 0;
    }
    case 'restrict': {
      if (found.blocked) throw refusal(rule.path, 'must be where the gateway can see it: what leads to it is not an object or a list');
      for (const { value } of places) if (!isAllowed(rule, value.text)) throw refusal(rule.path, allowedText(rule));
      return false;
    }
  }
}

/** Longer texts are refused: a pattern takes time for each character. */
const restrictedCharsMax = 65_536;

function isAllowed(rule: RestrictRule, text: Buffer): boolean {
  const value: unknown = JSON.parse(text.toString('utf8'));
  if (value === null) return true;
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return false;
  const written = text.toString('utf8').trim();
  // Two integers above 2^53 may be one number here and two at the server.
  const exact = typeof value !== 'number' || Number.isSafeInteger(value) || !/^-?\d+$/.test(written);
  if (rule.enum !== null && !(exact && rule.enum.has(value))) return false;
  if (rule.pattern !== null && (typeof value !== 'string' || value.length > restrictedCharsMax || !rule.pattern.fits(value))) return false;
  if (rule.min !== null && !(typeof value === 'number' && value >= rule.min)) return false;
  return rule.max === null || (typeof value === 'number' && (exact ? value <= rule.max : value < rule.max));
}

function allowedText({ enum: values, pattern, min, max }: RestrictRule): string {
  const parts: string[] = [];
  if (values !== null) parts.push(`one of ${[...values].map((value) => JSON.stringify(value)).join(', ')}`);
  if (pattern !== null) parts.push(`text of the form ${pattern.text}`);
  if (min !== null || max !== null) parts.push(`a number${min === null ? '' : ` from ${min}`}${max === null ? '' : ` to ${max}`}`);
  return `must be ${parts.join(' and ')}`.slice(0, 1000);
}

function refusal(path: readonly string[], reason: string): Fault {
  return new Fault('argument_not_allowed', { argument: path.join('.').slice(0, 200), reason });
}
