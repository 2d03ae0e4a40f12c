import { maskOf, type Span } from './masking-rules.ts';
import { matchesOf } from './text-traits.ts';

/** E-mail addresses; each is found at its @, so that a text without one costs nothing. */
export function findEmails(text: string): Span[] {
  const spans: Span[] = [];
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
    let start = at;
    while (start > 0 && at - start < localCharsMax && isLocal(text.charCodeAt(start - 1))) start--;
    const domain = domainForm.exec(text.slice(at + 1, at + 1 + domainCharsMax))?.[0] ?? '';
    if (start < at && domain !== '') spans.push({ start, end: at + 1 + domain.length, rule: 'email', kind: 'email', mask: maskOf('email') });
  }
  return spans;
}

/** RFC 5321, 4.5.3.1. */
const localCharsMax = 64;
const domainCharsMax = 255;
const domainForm = /^(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,62})\.){1,8}\p{L}[\p{L}\p{N}-]{1,62}/u;

/** Letters, digits and what RFC 5322 allows in an atom. */
function isLocal(code: number): boolean {
  return (
    code > 0x7f ||
    (code >= 0x61 && code <= 0x7a) ||
    (code >= 0x41 && code <= 0x5a) ||
    (code >= 0x30 && code <= 0x39) ||
    "!#$%&'*+-/=?^_`{|}~.".includes(String.fromCharCode(code))
  );
}

/** In the form of E.164 with its plus, or as it is written in North America. */
const phone = /(?<![\w.+-])(?:\+\d(?:[ .\-()/]{0,3}\d){7,14}|(?:1[ .-])?(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4})(?![\w-]|\.\d)/g;

export function findPhones(text: string): Span[] {
  return matchesOf(phone, text).map(({ 0: found, index }) => ({
    start: index,
    end: index + found.length,
    rule: 'phone',
    kind: 'phone',
    mask: maskOf('phone'),
  }));
}
