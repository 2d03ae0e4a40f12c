/** What a text may hold, seen in one pass over it: a pattern that needs what is not there is not tried. Never says no where a pattern fits. */
export const may = {
  /** Nine digits and more, one character at most between any two. */
  number: 1,
  /** Two capitals and two digits. */
  iban: 2,
  /** Twelve characters of Base64 in one piece, of both cases. */
  base64: 4,
  /** Sixteen hexadecimal digits in one piece, or pairs of them with one character between. */
  hex: 8,
  /** `%`, `&`, a backslash, a plus, or what is not ASCII. */
  escape: 16,
  /** `=` or a colon. */
  assignment: 32,
  /** What is not ASCII. */
  wide: 64,
} as const;

const digit = 1;
const hexDigit = 2;
const capital = 4;
const small = 8;
const inBase64 = 16;
const escape = 32;
const assignment = 64;

const numberDigitsMin = 9;
const base64CharsMin = 12;
const hexDigitsMin = 16;
const spacedPairsMin = 7;

const classes = Uint8Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code);
  return (
    (/\d/.test(character) ? digit : 0) |
    (/[0-9A-Fa-f]/.test(character) ? hexDigit : 0) |
    (/[A-Z]/.test(character) ? capital : 0) |
    (/[a-z]/.test(character) ? small : 0) |
    (/[A-Za-z0-9+/_-]/.test(character) ? inBase64 : 0) |
    (/[%&\\+]/.test(character) ? escape : 0) |
    (/[=:]/.test(character) ? assignment : 0)
  );
});

/** The bits of `may` that hold for a text. */
export function traitsOf(text: string): number {
  let traits = 0;
  let digits = 0;
  let sinceDigit = 2;
  let capitals = 0;
  let digitsBehindCapitals = 0;
  let base64 = 0;
  let cases = 0;
  let hex = 0;
  let pairs = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code > 0x7f) traits |= may.wide | may.escape;
    const of = code > 0x7f ? 0 : (classes[code] ?? 0);
    if ((of & (escape | assignment)) !== 0) traits |= (of & escape) !== 0 ? may.escape : may.assignment;

    if ((of & digit) !== 0) {
      digits = sinceDigit < 2 ? digits + 1 : 1;
      sinceDigit = 0;
      if (digits >= numberDigitsMin) traits |= may.number;
      if (capitals >= 2 && ++digitsBehindCapitals === 2) traits |= may.iban;
    } else {
      sinceDigit++;
      capitals = (of & capital) === 0 ? 0 : digitsBehindCapitals > 0 ? 1 : capitals + 1;
      digitsBehindCapitals = 0;
    }

    if ((of & inBase64) === 0) {
      // A run may go on in the next line.
      if (code !== 0x0a && code !== 0x0d) {
        base64 = 0;
        cases = 0;
      }
    } else {
      base64++;
      cases |= of & (capital | small);
      if (base64 >= base64CharsMin && cases === (capital | small)) traits |= may.base64;
    }

    if ((of & hexDigit) !== 0) {
      if (++hex >= hexDigitsMin) traits |= may.hex;
      if (hex === 2 && ++pairs >= spacedPairsMin) traits |= may.hex;
    } else {
      // One character between two pairs, whatever it is; `0x` and what may stand before it.
      if (hex < 2 && !(code === 0x78 || code === 0x20 || code === 0x2c)) pairs = 0;
      hex = 0;
    }
  }
  return traits;
}

/** Of either alphabet (RFC 4648). */
export function isBase64(code: number): boolean {
  return code < 0x80 && ((classes[code] ?? 0) & inBase64) !== 0;
}

/** As `matchAll`, without a copy of the pattern, which must be global and not in use. */
export function matchesOf(pattern: RegExp, text: string): readonly RegExpExecArray[] {
  pattern.lastIndex = 0;
  let match = pattern.exec(text);
  if (match === null) return none;
  const found: RegExpExecArray[] = [];
  while (match !== null) {
    found.push(match);
    if (match[0] === '') pattern.lastIndex++;
    match = pattern.exec(text);
  }
  return found;
}

const none: readonly RegExpExecArray[] = [];
