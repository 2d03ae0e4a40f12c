import { RE2JS } from 're2js';
import { fitsGlob, parseGlob } from '../kernel/glob.ts';
import { parsePath } from '../kernel/json-path.ts';
import { findEmails, findPhones } from './contacts.ts';
import { findCredentials } from './credentials.ts';
import { findSpans } from './find-spans.ts';
import { foldEvents, readLeaves, writeMasked, type BodyPart, type Leaf } from './leaves.ts';
import { maskOf, textEnd, type MaskedValue, type MaskingRules, type NotKept, type Span } from './masking-rules.ts';
import { findNumbers } from './numbers.ts';
import { createSecretScan } from './secret-scan.ts';

export interface Masker {
  /**
   * The bodies of one call, masked with regard to each other. `isTimeUp` is asked often; once it says so, nothing is kept. Never throws.
   */
  mask(bodies: readonly BodyPart[], isTimeUp: () => boolean): MaskedBodies;
}

export interface MaskedBodies {
  /** One for each body. */
  readonly texts: readonly MaskedText[];
  readonly masked: readonly MaskedValue[];
}

/** `isCut`: a text in it was longer than is looked at, and ends there. */
export type MaskedText = { readonly text: string; readonly isCut: boolean } | { readonly notKept: NotKept };

/** Values that a rule masks by their place are masked wherever else they stand: so many, and none shorter, for those stand everywhere. */
const knownValuesMax = 64;
const knownCharsMin = 6;
/** Looked at beyond a limit, so that what begins before it is seen whole. */
const overlapChars = 4096;
const findingsMax = 500;
const pathCharsMax = 256;

class TimeUp extends Error {}

/** Faults: none; patterns and paths were checked with the configuration. */
export function createMasker(rules: MaskingRules): Masker {
  const secrets = createSecretScan();
  const isField = fieldTest(rules.fields);
  const paths = rules.paths.map((path) => parsePath(path) ?? []);
  const patterns = rules.patterns.map(({ name, pattern }) => ({ name, pattern: RE2JS.compile(pattern, RE2JS.MULTILINE) }));

  function find(text: string, traits: number, check: () => void): readonly Span[] {
    const spans: Span[] = [];
    findNumbers(text, traits, spans);
    findCredentials(text, traits, spans);
    check();
    secrets.find(text, spans, check);
    if (rules.email) spans.push(...findEmails(text));
    if (rules.phone) spans.push(...findPhones(text));
    for (const { name, pattern } of patterns) {
      check();
      const matcher = pattern.matcher(text);
      while (matcher.find())
        if (matcher.end() > matcher.start()) spans.push({ start: matcher.start(), end: matcher.end(), rule: name, kind: 'pattern', mask: maskOf(name) });
    }
    return spans;
  }

  function maskPlaces(leaves: readonly Leaf[]): void {
    const known = new Set<string>();
    for (const leaf of leaves) {
      if (leaf.kind === 'name' || leaf.value === '') continue;
      const rule = paths.some((path) => path.length > 0 && leadsTo(path, leaf.rulePath)) ? 'path' : isField(leaf.path) ? 'field' : null;
      if (rule === null) continue;
      if (!leaf.isNested) leaf.spans.push({ start: 0, end: leaf.value.length, rule, kind: rule, mask: maskOf(rule) });
      if (leaf.value.length >= knownCharsMin && known.size < knownValuesMax) known.add(leaf.value);
    }
    for (const value of known) {
      for (const leaf of leaves) {
        for (let at = leaf.value.indexOf(value); at >= 0; at = leaf.value.indexOf(value, at + value.length))
          if (!leaf.isNested) leaf.spans.push({ start: at, end: at + value.length, rule: 'field', kind: 'field', mask: maskOf('field') });
      }
    }
  }

  return {
    mask(bodies, isTimeUp) {
      const check = (): void => {
        if (isTimeUp()) throw new TimeUp();
      };
      try {
        const parts = bodies.map((body) => (body.form === 'events' ? { ...body, text: foldEvents(body.text) } : body));
        const leaves = parts.map((body, index) => (body.text.includes(textEnd) ? null : readLeaves(body, index)));
        check();
        const over = leaves.map((of) => of?.filter(({ value, isNested }) => !isNested && value.length > rules.fieldCharsMax) ?? []);
        const kept = leaves.flatMap((of, index) => (of === null || (rules.overLimit === 'drop' && over[index]?.length !== 0) ? [] : of));
        maskPlaces(kept);
        check();
        findSpans(kept, rules.fieldCharsMax, (text, traits) => find(text, traits, check), check);
        for (const leaf of over.flat()) {
          const start = Math.max(0, rules.fieldCharsMax - overlapChars);
          leaf.spans.push({ start, end: leaf.value.length, rule: 'over-limit', kind: 'encoded', mask: '[cut]' });
        }
        const isFound = kept.some(({ spans }) => spans.length > 0);
        for (const leaf of isFound ? kept : []) joinOverlaps(leaf.spans);
        const texts = parts.map(({ text }, index): MaskedText => {
          const of = leaves[index];
          if (of === null || of === undefined) return { notKept: 'not_text' };
          if (rules.overLimit === 'drop' && over[index]?.length !== 0) return { notKept: 'over_scan_limit' };
          check();
          return { text: isFound ? writeMasked(text, of) : text, isCut: over[index]?.length !== 0 };
        });
        return { texts, masked: isFound ? report(parts, kept) : [] };
      } catch (error) {
        const notKept = error instanceof TimeUp ? 'timeout' : 'failed';
        return { texts: bodies.map(() => ({ notKept })), masked: [] };
      }
    },
  };
}

/** What lies over something else becomes one with it, under the name of the first. */
function joinOverlaps(spans: Span[]): void {
  if (spans.length < 2) return;
  const joined: Span[] = [];
  for (const span of spans.toSorted((a, b) => a.start - b.start || b.end - a.end)) {
    const last = joined.at(-1);
    if (last === undefined || span.start >= last.end) joined.push(span);
    else if (span.end > last.end) joined[joined.length - 1] = { ...last, end: span.end };
  }
  spans.splice(0, spans.length, ...joined);
}

/** Whether the steps stand one behind the other in the path: then they lead to the value, or to what it is in. */
function leadsTo(steps: readonly string[], path: readonly string[]): boolean {
  for (let from = 0; from + steps.length <= path.length; from++) if (steps.every((step, index) => step === '*' || step === path[from + index])) return true;
  return false;
}

const alwaysFields =
  'password passwd pwd passphrase passcode secret clientsecret appsecret apisecret secretkey secretaccesskey apikey accesskey accesstoken refreshtoken idtoken authtoken bearertoken sessiontoken securitytoken token authorization proxyauthorization xapikey xauthtoken xaccesstoken xcsrftoken cookie setcookie privatekey credential credentials ssn socialsecuritynumber cvv cvv2 cvc cvc2 pin'.split(
    ' ',
  );
const namesKnownMax = 10_000;

/** Names are compared without their case and without what joins their words. Under `properties` of a schema a name holds a description. */
function fieldTest(fields: readonly string[]): (path: readonly string[]) => boolean {
  const always = new Set(alwaysFields);
  const wanted = fields.map((field) => parseGlob(plainName(field)));
  const known = new Map<string, boolean>();
  const isName = (step: string): boolean => {
    let is = known.get(step);
    if (is !== undefined) return is;
    const name = plainName(step);
    is = always.has(name) || wanted.some((glob) => fitsGlob(glob, name));
    if (known.size >= namesKnownMax) known.clear();
    known.set(step, is);
    return is;
  };
  return (path) => path.some((step, index) => isName(step) && path[index - 1] !== 'properties');
}

function plainName(name: string): string {
  return name.toLowerCase().replaceAll(/[\s_.-]/g, '');
}

/** Each rule once for each place, with how often. */
function report(parts: readonly BodyPart[], leaves: readonly Leaf[]): MaskedValue[] {
  const names = new Map(
    leaves
      .filter(({ kind, spans }) => kind === 'name' && spans.length > 0)
      .map((leaf) => [leaf.value, writeMasked(leaf.value, [{ ...leaf, kind: 'text', parent: null, start: 0, end: leaf.value.length }])]),
  );
  const found = new Map<string, MaskedValue>();
  for (const { part, path, spans } of leaves) {
    for (const { rule, kind, start } of spans) {
      if (rule === 'over-limit') continue;
      const pointer = path
        .map((step) => `/${(names.get(step) ?? step).replaceAll('~', '~0').replaceAll('/', '~1')}`)
        .join('')
        .slice(0, pathCharsMax);
      const key = `${part} ${rule} ${pointer}`;
      const known = found.get(key);
      if (known === undefined && found.size >= findingsMax) continue;
      found.set(key, {
        rule,
        kind,
        part: parts[part]?.name ?? '',
        path: pointer,
        offset: Math.min(known?.offset ?? start, start),
        count: (known?.count ?? 0) + 1,
      });
    }
  }
  return [...found.values()];
}
