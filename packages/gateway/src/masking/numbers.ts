import { maskOf, type Span } from './masking-rules.ts';
import { matchesOf, may } from './text-traits.ts';

/** Numbers that stand for a person or an account: cards, US social security numbers, IBANs. Each has a check beside its form. */
export function findNumbers(text: string, traits: number, spans: Span[]): void {
  if ((traits & may.number) !== 0) {
    findCards(text, spans);
    findSocialSecurityNumbers(text, spans);
  }
  if ((traits & may.iban) !== 0) findIbans(text, spans);
}

/** Thirteen digits and more, with one separator at most between any two. */
const digitRun = /\d(?:[ \-.\u00a0]?\d){12,}/g;
/** How people write card numbers, beside in one piece. */
const cardGroups = /^(?:4-4-4-[2-7]|4-6-[45]|4-4-4-4-3|6-1[03]|8-8|5-5-5-[14]|(?:1-){11,18}1|(?:2-){6,9}[12])$/;
const cardDigitsMax = 19;

function findCards(text: string, spans: Span[]): void {
  for (const match of matchesOf(digitRun, text)) {
    const run = match[0];
    if (!isNumberStart(text, match.index) || !isNumberEnd(text, match.index + run.length)) continue;
    const groups = [...run.matchAll(/\d+/g)].map(({ 0: digits, index }) => ({ digits, start: match.index + index }));
    for (let first = 0; first < groups.length; first++) {
      let digits = '';
      let lengths = '';
      for (let last = first; last < groups.length; last++) {
        const group = groups[last];
        if (group === undefined || digits.length + group.digits.length > cardDigitsMax) break;
        digits += group.digits;
        lengths += last === first ? String(group.digits.length) : `-${group.digits.length}`;
        if (!isCard(digits) || (last > first && !cardGroups.test(lengths))) continue;
        spans.push({
          start: groups[first]?.start ?? 0,
          end: group.start + group.digits.length,
          rule: 'card',
          kind: 'card',
          mask: `[masked:card ****${digits.slice(-4)}]`,
        });
        first = last;
        break;
      }
    }
  }
}

/** In the midst of a hash, an identifier or a fraction there is no card. */
function isNumberStart(text: string, at: number): boolean {
  const before = text.slice(Math.max(0, at - 24), at);
  if (/\d[.,]$/.test(before) || before.endsWith('_')) return false;
  const word = /[A-Za-z0-9]+$/.exec(before)?.[0] ?? '';
  return word === '' || /^[A-Za-z]*[G-Zg-z][A-Za-z]*$/.test(word);
}

function isNumberEnd(text: string, at: number): boolean {
  const after = text.slice(at, at + 24);
  if (/^[.,]?\d/.test(after)) return false;
  const word = /^[A-Za-z0-9_]+/.exec(after)?.[0] ?? '';
  return word === '' || /[G-Zg-z]/.test(word);
}

/** Numbers that issuers give (ISO/IEC 7812), by length. */
const issuers: readonly (readonly [length: number, prefix: RegExp])[] = [
  [14, /^3(?:0[0-5]|[689])/],
  [15, /^3[47]/],
  [16, /^(?:4|5[1-5]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)|6(?:011|4[4-9]|5|2)|35(?:2[89]|[3-8])|3(?:0[0-5]|[689]))/],
  [19, /^(?:4|6(?:2|011|4[4-9]|5))/],
  [17, /^62/],
  [18, /^62/],
];

function isCard(digits: string): boolean {
  return issuers.some(([length, prefix]) => digits.length === length && prefix.test(digits)) && passesLuhn(digits);
}

/** ISO/IEC 7812-1, annex B. */
function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let index = 0; index < digits.length; index++) {
    const digit = digits.charCodeAt(digits.length - 1 - index) - 48;
    sum += index % 2 === 0 ? digit : digit > 4 ? digit * 2 - 9 : digit * 2;
  }
  return sum % 10 === 0 && !/^(\d)\1*$/.test(digits);
}

/** Areas 000, 666 and 900 to 999, groups 00 and serials 0000 are never given (https://www.ssa.gov/employer/randomizationfaqs.html). */
const socialSecurityNumber = /(?<![\w-])(?!000|666|9)\d{3}([- ]?)(?!00)\d{2}\1(?!0000)\d{4}(?![\w-])/g;
const aboutSocialSecurity = /ssn|social[\s_-]{0,2}sec/i;
const contextChars = 48;

function findSocialSecurityNumbers(text: string, spans: Span[]): void {
  for (const match of matchesOf(socialSecurityNumber, text)) {
    // Without hyphens it is a number like many others: the words before it decide.
    if (match[1] !== '-' && !aboutSocialSecurity.test(text.slice(Math.max(0, match.index - contextChars), match.index))) continue;
    spans.push({ start: match.index, end: match.index + match[0].length, rule: 'ssn', kind: 'national_id', mask: maskOf('ssn') });
  }
}

const iban = /(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])/g;

function findIbans(text: string, spans: Span[]): void {
  for (const match of matchesOf(iban, text)) {
    if (isIban(match[0].replaceAll(' ', '')))
      spans.push({ start: match.index, end: match.index + match[0].length, rule: 'iban', kind: 'bank_account', mask: maskOf('iban') });
  }
}

/** Lengths by country (ISO 13616, SWIFT's registry). */
const ibanLengths: ReadonlyMap<string, number> = new Map(
  `NO15 BE16 BI27 DJ27 RU33 SC31 ST25 SD18 SO23 MN20 NI28 OM23 YE30 HN28 FK18 LY25 IQ23 DK18 FI18 FO18 GL18 NL18 MK19 SI19 AT20 BA20 EE20 KZ20 LT20 LU20 XK20 CH21 HR21 LI21 LV21 BG22 BH22 CR22 DE22 GB22 GE22 IE22 ME22 RS22 AE23 GI23 IL23 TL23 AD24 CZ24 ES24 MD24 PK24 RO24 SA24 SE24 SK24 TN24 VG24 VA22 PT25 IS26 TR26 FR27 GR27 IT27 MC27 MR27 SM27 AL28 AZ28 BY28 CY28 DO28 GT28 HU28 LB28 PL28 SV28 BR29 EG29 PS29 QA29 UA29 JO30 KW30 MU30 MT31 LC32`
    .split(' ')
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
);

/** ISO 7064 MOD 97-10. */
function isIban(text: string): boolean {
  if (ibanLengths.get(text.slice(0, 2)) !== text.length) return false;
  let rest = 0;
  for (const character of text.slice(4) + text.slice(0, 4)) {
    const value = Number.parseInt(character, 36);
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return rest === 1;
}
