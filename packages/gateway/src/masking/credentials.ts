import { maskOf, textEnd, type Span } from './masking-rules.ts';
import { matchesOf, may } from './text-traits.ts';

/**
 * Credentials that are known by their form: our own keys and sessions, private keys, JWTs, what follows `Bearer`, `password=` or
 * stands in a URL. Every pattern takes linear time: it begins with fixed characters and repeats only what it has a bound for.
 */
export function findCredentials(text: string, traits: number, spans: Span[]): void {
  findPrivateKeys(text, spans);
  findJwts(text, spans);
  for (const { rule, pattern, group = 0, accepts, mask } of forms) {
    for (const match of matchesOf(pattern, text)) {
      const found = match[group];
      if (found === undefined || accepts?.(found) === false) continue;
      const start = match.index + (group === 0 ? 0 : match[0].lastIndexOf(found));
      spans.push({ start, end: start + found.length, rule, kind: 'credential', mask: mask?.(found) ?? maskOf(rule) });
    }
  }
  if ((traits & may.assignment) !== 0 && secretWord.test(text)) findAssigned(text, spans);
}

interface Form {
  readonly rule: string;
  readonly pattern: RegExp;
  /** The group that is the secret; the whole match without. */
  readonly group?: number;
  readonly accepts?: (found: string) => boolean;
  readonly mask?: (found: string) => string;
}

const forms: readonly Form[] = [
  {
    rule: 'gatewayops-key',
    pattern: /gwo_[a-z0-9-]{1,32}_[0-9A-Za-z]{32}/g,
    // The prefix is how keys are shown everywhere.
    mask: (found) => `[masked:gatewayops-key ${found.slice(0, -28)}]`,
  },
  { rule: 'gatewayops-session', pattern: /session_[0-9A-Za-z]{43}/g },
  { rule: 'bearer-token', pattern: /\b(?:bearer|token)[ \t]{1,4}([A-Za-z0-9._~+/=-]{16,8192})/gi, group: 1, accepts: hasDigit },
  { rule: 'basic-credentials', pattern: /\bbasic[ \t]{1,4}([A-Za-z0-9+/_-]{8,2048}={0,2})/gi, group: 1, accepts: (found) => atob64(found).includes(':') },
  { rule: 'url-password', pattern: /:\/\/[^\s/:@"'<>\\]{0,128}:([^\s/@"'<>\\]{1,256})@/g, group: 1 },
  {
    rule: 'url-token',
    pattern:
      /[?&](?:access_token|auth|api[_-]?key|key|sig|signature|token|code|client_secret|password|x-amz-signature|x-amz-credential|x-goog-signature)=([^\s&#"'<>\\]{8,2048})/gi,
    group: 1,
  },
  { rule: 'vendor-key', pattern: /\b(?:sk|rk)[-_][A-Za-z0-9_-]{20,256}/g, accepts: hasDigit },
  { rule: 'twilio-key', pattern: /\bSK[0-9a-fA-F]{32}\b/g },
  { rule: 'vault-token', pattern: /\b(?:hvs\.[\w-]{24,256}|s\.[A-Za-z0-9]{24}\b)/g, accepts: hasDigit },
];

/** Of letters alone, it is a word. */
function hasDigit(found: string): boolean {
  return /[0-9]/.test(found);
}

function atob64(text: string): string {
  return Buffer.from(text, 'base64').toString('latin1');
}

const secretNames =
  'passw(?:or)?d|passwd|pwd|passphrase|(?:client|app|api|consumer|webhook|shared|signing)?[_-]?secret(?:[_-]?(?:key|access[_-]?key|token))?|(?:api|access|auth|private|encryption|master|account)[_-]?key|(?:access|auth|refresh|id|api|bearer|session|security)[_-]?token|token';
/** One of them is in each of the names. */
const secretWord = /pass|pwd|secret|key|token/i;
/** `password=…`, `"api_key": "…"`: in quotes up to the quote, else up to what cannot belong to it. */
const assigned = new RegExp(
  `(?:${secretNames})["'\`]?[ \\t]{0,4}(=>|:=|==?|:)[ \\t]{0,4}(?:"([^"\\r\\n]{1,512})"?|'([^'\\r\\n]{1,512})'?|([^\\s"'\`,;&<>(){}\\[\\]]{4,512}))`,
  'gi',
);
/** What stands there in examples and schemas. */
const placeholder =
  /^(?:string|boolean|bool|number|integer|int|float|object|array|null|none|nil|true|false|undefined|required|optional|text|redacted|example|[*.x]+|<.*|\$.*|\{.*|\[.*)$/i;

function findAssigned(text: string, spans: Span[]): void {
  for (const match of matchesOf(assigned, text)) {
    const [whole, sign, inDouble, inSingle, bare] = match;
    const found = inDouble ?? inSingle ?? bare ?? '';
    // A bare word behind a colon is a sentence.
    if (placeholder.test(found) || (bare !== undefined && sign === ':' && !hasDigit(bare))) continue;
    const start = match.index + whole.lastIndexOf(found);
    spans.push({ start, end: start + found.length, rule: 'assigned-secret', kind: 'credential', mask: maskOf('assigned-secret') });
  }
}

const privateKeyStart = '-----BEGIN';

/** To the end mark or, where it is missing, to the end of the text: a part of a private key is one too. */
function findPrivateKeys(text: string, spans: Span[]): void {
  for (let start = text.indexOf(privateKeyStart); start >= 0;) {
    const head = /^-----BEGIN[ A-Z0-9_-]{0,100}PRIVATE KEY(?: BLOCK)?-----/.exec(text.slice(start, start + 140))?.[0];
    let next = start + privateKeyStart.length;
    if (head !== undefined) {
      const limit = endOfText(text, start);
      const mark = text.indexOf('-----END', start + head.length);
      const close = mark < 0 ? -1 : text.indexOf('-----', mark + 8);
      next = close < 0 || close > mark + 140 || close + 5 > limit ? limit : close + 5;
      spans.push({ start, end: next, rule: 'private-key', kind: 'private_key', mask: maskOf('private-key') });
    }
    start = text.indexOf(privateKeyStart, next);
  }
}

function endOfText(text: string, from: number): number {
  const end = text.indexOf(textEnd, from);
  return end < 0 ? text.length : end;
}

const tokenRun = /[A-Za-z0-9_.~+/=-]{24,}/g;

/** `eyJ` is how every JSON object begins in Base64: from there the run is a JWT if dots are in it, whichever of its parts is missing. */
function findJwts(text: string, spans: Span[]): void {
  if (!text.includes('eyJ')) return;
  for (const { 0: run, index } of matchesOf(tokenRun, text)) {
    const from = run.indexOf('eyJ');
    if (from >= 0 && run.length - from >= 24 && run.includes('.', from))
      spans.push({ start: index + from, end: index + run.length, rule: 'jwt', kind: 'credential', mask: maskOf('jwt') });
  }
}
