import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createMasker, type MaskedBodies, type Masker } from './masker.ts';
import type { BodyPart } from './leaves.ts';
import type { MaskingRules } from './masking-rules.ts';

const card = '4111 1111 1111 1111';
const github = `ghp_${'a1B2c3'.repeat(6)}`;

const plain: MaskingRules = { email: false, phone: false, fields: [], paths: [], patterns: [], fieldCharsMax: 262_144, overLimit: 'drop' };
const always = createMasker(plain);

function mask(text: string, more: { rules?: Partial<MaskingRules>; form?: BodyPart['form']; isCut?: boolean } = {}): MaskedBodies {
  const masker = more.rules === undefined ? always : createMasker({ ...plain, ...more.rules });
  return run(masker, [{ name: 'response', text, form: more.form ?? 'json', isCut: more.isCut ?? false }]);
}

function run(masker: Masker, bodies: readonly BodyPart[], msMax = 20_000): MaskedBodies {
  const untilMs = performance.now() + msMax;
  return masker.mask(bodies, () => performance.now() > untilMs);
}

function textOf({ texts }: MaskedBodies, index = 0): string {
  const text = texts[index];
  if (text === undefined || !('text' in text)) throw new Error(`not kept: ${JSON.stringify(text)}`);
  return text.text;
}

/** What a value becomes. */
function valueOf(value: unknown, rules?: Partial<MaskingRules>): unknown {
  return (JSON.parse(textOf(mask(JSON.stringify({ value }), rules === undefined ? {} : { rules }))) as { value: unknown }).value;
}

describe('what is always masked', () => {
  test.each([
    [card, '[masked:card ****1111]'],
    ['4111111111111111', '[masked:card ****1111]'],
    ['4111-1111-1111-1111', '[masked:card ****1111]'],
    ['3782 822463 10005', '[masked:card ****0005]'],
    ['my card is 5555555555554444, thanks', 'my card is [masked:card ****4444], thanks'],
    ['4111 1111 1111 1111 12/29', '[masked:card ****1111] 12/29'],
    ['SSN 219-09-9999', 'SSN [masked:ssn]'],
    ['ssn: 219099999', 'ssn: [masked:ssn]'],
    ['IBAN GB82 WEST 1234 5698 7654 32 of ours', 'IBAN [masked:iban] of ours'],
    [github, '[masked:github-pat]'],
    [`use ${github}.`, 'use [masked:github-pat].'],
    ['AKIAIOSFODNN7EXAMPLE', '[masked:aws-access-token]'],
    ['xoxb-123456789012-123456789012-abcdefghijklmnopqrstuvwx', '[masked:slack-bot-token]'],
    [`gwo_prod_${'A1b2'.repeat(8)}`, '[masked:gatewayops-key gwo_prod_A1b2]'],
    [`session_${'Z'.repeat(43)}`, '[masked:gatewayops-session]'],
    ['postgres://app:hunter22@db/x', 'postgres://app:[masked:url-password]@db/x'],
    ['https://x.example/a?id=7&access_token=abcdefgh1234', 'https://x.example/a?id=7&access_token=[masked:url-token]'],
    ['export PASSWORD=correct-horse', 'export PASSWORD=[masked:assigned-secret]'],
    ['{"api_key": "abc"', '{"api_key": "[masked:assigned-secret]"'],
    ['Authorization: Bearer abcdefghij0123456789', 'Authorization: Bearer [masked:bearer-token]'],
    ['-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----\nend', '[masked:private-key]\nend'],
    ['-----BEGIN PRIVATE KEY-----\nMIIEow', '[masked:private-key]'],
    ['eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U', '[masked:jwt]'],
  ])('%s', (text, expected) => expect(valueOf(text)).toBe(expected));

  test('a number is masked as well as a text, and becomes one', () => expect(valueOf(4_111_111_111_111_111)).toBe('[masked:card ****1111]'));

  test('values of members that are named for a secret, whatever they hold', () => {
    const text = JSON.stringify({ password: 'x', apiKey: ['a', 7], Client_Secret: { deep: 'value' }, 'X-Api-Key': 'k', nextPageToken: 'abc', secret: true });
    expect(JSON.parse(textOf(mask(text)))).toEqual({
      password: '[masked:field]',
      apiKey: ['[masked:field]', '[masked:field]'],
      Client_Secret: { deep: '[masked:field]' },
      'X-Api-Key': '[masked:field]',
      nextPageToken: 'abc',
      secret: true,
    });
  });

  test('in the schema of a tool a name describes: nothing is masked', () => {
    const schema = { inputSchema: { type: 'object', properties: { password: { type: 'string', description: 'The new one.' } } } };
    expect(JSON.parse(textOf(mask(JSON.stringify(schema))))).toEqual(schema);
  });
});

describe('what a configuration asks for', () => {
  test('e-mail and telephone numbers', () => {
    expect(valueOf('write to a.b+c@mail.example.com or +49 30 1234 5678')).toContain('a.b+c@mail.example.com');
    expect(valueOf('write to a.b+c@mail.example.com or +49 30 1234 5678, (555) 123-4567', { email: true, phone: true })).toBe(
      'write to [masked:email] or [masked:phone], [masked:phone]',
    );
  });

  test('members by name, places by path, texts by pattern', () => {
    const text = JSON.stringify({ params: { arguments: { patient_name: 'Ann', rows: [{ dob: '1990' }, { dob: '1991' }], note: 'EMP-123456 called' } } });
    const rules = { fields: ['patient*'], paths: ['arguments.rows.*.dob'], patterns: [{ name: 'employee', pattern: 'EMP-[0-9]{6}' }] };
    expect(JSON.parse(textOf(mask(text, { rules })))).toEqual({
      params: { arguments: { patient_name: '[masked:field]', rows: [{ dob: '[masked:path]' }, { dob: '[masked:path]' }], note: '[masked:employee] called' } },
    });
  });

  test('a value masked by its place is masked wherever else it stands, in the other bodies of the call too', () => {
    const request = JSON.stringify({ params: { arguments: { password: 'hunter2hunter' } } });
    const response = JSON.stringify({ result: { content: [{ type: 'text', text: 'you said hunter2hunter' }] } });
    const masked = run(always, [
      { name: 'request', text: request, form: 'json', isCut: false },
      { name: 'response', text: response, form: 'json', isCut: false },
    ]);
    expect(textOf(masked, 1)).toContain('you said [masked:field]');
  });
});

describe('K1: a secret is found whatever it is wrapped in', () => {
  const wraps: Readonly<Record<string, (text: string) => string>> = {
    base64: (text) => Buffer.from(text).toString('base64'),
    base64url: (text) => Buffer.from(text).toString('base64url'),
    'base64 in lines': (text) =>
      Buffer.from(`${'x'.repeat(50)} ${text}`)
        .toString('base64')
        .replaceAll(/.{24}/g, '$&\n'),
    hex: (text) => Buffer.from(text).toString('hex'),
    'HEX with spaces': (text) => Buffer.from(text).toString('hex').toUpperCase().replaceAll(/../g, '$& ').trim(),
    'bytes of a program': (text) => [...Buffer.from(text)].map((byte) => `0x${byte.toString(16).padStart(2, '0')}`).join(', '),
    'URL encoding': (text) => [...Buffer.from(text)].map((byte) => `%${byte.toString(16)}`).join(''),
    'HTML entities': (text) =>
      Array.from(text)
        .map((character) => `&#${character.charCodeAt(0)};`)
        .join(''),
    'HTML entities in hex': (text) =>
      Array.from(text)
        .map((character) => `&#x${character.charCodeAt(0).toString(16)};`)
        .join(''),
    '\\u escapes': (text) =>
      Array.from(text)
        .map((character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
        .join(''),
    '\\x escapes': (text) => text.replaceAll(/[ -~]/g, (character) => `\\x${character.charCodeAt(0).toString(16)}`),
    'full-width': (text) =>
      Array.from(text)
        .map((character) => (/[!-~]/.test(character) ? String.fromCharCode(character.charCodeAt(0) + 0xfee0) : character))
        .join(''),
    'zero-width split': (text) => Array.from(text).join('\u200b'),
    'soft hyphens': (text) => Array.from(text).join('\u00ad'),
    'right-to-left marks': (text) => `\u202e${Array.from(text).join('\u200f')}\u202c`,
    'written backwards behind a right-to-left override': (text) => `\u202e${Array.from(text).reverse().join('')}\u202c`,
    'mathematical digits': (text) => text.replaceAll(/\d/g, (digit) => String.fromCodePoint(0x1d7d8 + Number(digit))),
    'Arabic-Indic digits': (text) => text.replaceAll(/\d/g, (digit) => String.fromCodePoint(0x660 + Number(digit))),
    'a JSON string in a JSON string': (text) => JSON.stringify({ inner: JSON.stringify({ text }) }),
    'base64 of base64': (text) => Buffer.from(Buffer.from(`see ${text}`).toString('base64')).toString('base64'),
    'base64 of JSON of hex': (text) => Buffer.from(JSON.stringify({ h: Buffer.from(text).toString('hex') })).toString('base64'),
    'URL encoding of base64': (text) => encodeURIComponent(Buffer.from(text).toString('base64')),
    'a data URL': (text) => `data:text/plain;base64,${Buffer.from(text).toString('base64')}`,
  };
  const secrets: Readonly<Record<string, string>> = { card, ssn: '219-09-9999', token: github, key: `gwo_prod_${'A1b2'.repeat(8)}` };

  for (const [name, wrap] of Object.entries(wraps)) {
    test(`K1: ${name}`, () => {
      for (const [kind, secret] of Object.entries(secrets)) {
        const wrapped = wrap(secret);
        // Digits of other scripts are no part of these forms.
        if (name.endsWith('digits') && kind !== 'card' && kind !== 'ssn') continue;
        const kept = textOf(mask(JSON.stringify({ note: `before ${wrapped} after` })));
        expect(kept, `${kind} in ${name}`).not.toContain(JSON.stringify(wrapped).slice(1, -1));
        expect(kept, `${kind} in ${name}`).toMatch(/before .*\[masked:.*after/s);
      }
    });
  }

  test('K1: what is encoded deeper than is looked at is masked as it is', () => {
    let text = `card ${card}`;
    for (let layer = 0; layer < 6; layer++) text = Buffer.from(text).toString('base64');
    expect(valueOf(text)).toBe('[masked:encoded]');
  });

  test('K1: any text around a secret and any mix of two encodings leaves nothing of it', () => {
    const names = Object.keys(wraps).filter((name) => !/digits|lines/.test(name));
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.constantFrom(...names), fc.string({ unit: 'grapheme', maxLength: 30 }), (outer, inner, around) => {
        // One mark that turns the direction inside of another turns it back.
        fc.pre(!(/right-to-left/.test(outer) && /right-to-left/.test(inner)));
        const kept = textOf(mask(JSON.stringify({ note: `${around} ${(wraps[outer] ?? String)((wraps[inner] ?? String)(github))} ${around}` })));
        expect(kept).toMatch(/\[masked:/);
        expect(kept).not.toContain(github);
      }),
      { numRuns: 150 },
    );
  });
});

describe('K2: a secret is found however it is split', () => {
  test('K2: over content blocks', () => {
    const content = [
      { type: 'text', text: `the card is 4111 1111 ` },
      { type: 'text', text: '1111 1111 and the key -----BEGIN PRIVATE KEY-----\nMIIE' },
      { type: 'text', text: 'owIBAAKCAQEA\n-----END PRIVATE KEY-----\nend' },
    ];
    const kept = textOf(mask(JSON.stringify({ result: { content } })));
    expect(kept).not.toMatch(/4111|1111 1111|MIIE|owIBAAK/);
    expect(kept).toContain('the card is ');
    expect(kept).toContain('\\nend');
  });

  test('K2: over the events of a stream, in any pieces', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 4, maxLength: 40 }), (lengths) => {
        const text = `key ${github} end`;
        const chunks: string[] = [];
        for (let at = 0, index = 0; at < text.length; index++) {
          const length = lengths[index % lengths.length] ?? 1;
          chunks.push(text.slice(at, at + length));
          at += length;
        }
        const stream = chunks
          .map((delta) => `event: message\ndata: {"method":"notifications/progress","params":{"delta":${JSON.stringify(delta)}}}\n\n`)
          .join('');
        const kept = textOf(mask(stream, { form: 'events' }));
        const said = [...kept.matchAll(/^data: (.*)$/gm)].map(({ 1: json = '' }) => (JSON.parse(json) as { params: { delta: string } }).params.delta).join('');
        expect(said.replaceAll(/\[masked:[^\]]*\]/g, '#')).toMatch(/^key #+ end$/);
      }),
      { numRuns: 60 },
    );
  });

  test('K2: over the lines of one event, and in a stream of text', () => {
    const kept = textOf(mask(`data: {"a":\ndata: "${card}"}\n\ndata: SSN 219-09-\ndata: 9999\n\n`, { form: 'events' }));
    expect(kept).not.toMatch(/4111|219-09|9999/);
  });

  test('K2: over a name and its value, in names, and in values of any kind', () => {
    const kept = textOf(mask(JSON.stringify({ [github.slice(0, 20)]: github.slice(20), [card]: 1, list: [github.slice(0, 9), github.slice(9)] })));
    expect(kept).not.toContain(github.slice(20));
    expect(kept).not.toContain(github.slice(9));
    expect(kept).not.toContain('4111');
  });

  test('K2: in error messages and headers', () => {
    expect(textOf(mask(JSON.stringify({ error: { code: -1, message: `no such key ${github}`, data: { card } } })))).not.toMatch(/ghp_|4111/);
    const headers = textOf(mask(`authorization: Bearer x\ncookie: a=b\nmcp-param-card: ${card}\nx-trace: fine\n`, { form: 'headers' }));
    expect(headers).toBe('authorization: [masked:field]\ncookie: [masked:field]\nmcp-param-card: [masked:card ****1111]\nx-trace: fine\n');
  });

  test('K2: in `structuredContent` and in the text that is its twin', () => {
    const structuredContent = { customer: { name: 'Ann', card }, total: 12.5 };
    const text = JSON.stringify({ result: { content: [{ type: 'text', text: JSON.stringify(structuredContent) }], structuredContent } });
    const kept = JSON.parse(textOf(mask(text, { rules: { paths: ['structuredContent.customer.name'] } }))) as {
      result: { content: { text: string }[]; structuredContent: unknown };
    };
    const masked = { customer: { name: '[masked:path]', card: '[masked:card ****1111]' }, total: 12.5 };
    expect(kept.result.structuredContent).toEqual(masked);
    expect(JSON.parse(kept.result.content[0]?.text ?? '')).toEqual(masked);
  });

  test('K2: a body of which only the beginning is at hand', () => {
    const whole = JSON.stringify({ a: 'x', card, nested: JSON.stringify({ password: 'hunter2hunter2' }), b: github });
    for (let end = 1; end <= whole.length; end++) {
      const kept = textOf(mask(whole.slice(0, end), { isCut: true }));
      expect(kept).not.toMatch(/4111 1111 1111 1111|ghp_[a-zA-Z0-9]{36}/);
      if (end === whole.length) expect(kept).toContain('[masked:field]');
    }
  });
});

describe('what was masked is said', () => {
  test('rule, kind, place and how often, and no part of the secret itself', () => {
    const { masked } = mask(JSON.stringify({ params: { arguments: { card, note: `a ${card} b ${card}`, 'a/b': 'x', [github]: { pin: '12' } } } }));
    expect(masked).toEqual([
      { rule: 'card', kind: 'card', part: 'response', path: '/params/arguments/card', offset: 0, count: 1 },
      { rule: 'card', kind: 'card', part: 'response', path: '/params/arguments/note', offset: 2, count: 2 },
      { rule: 'github-pat', kind: 'credential', part: 'response', path: '/params/arguments', offset: 0, count: 1 },
      { rule: 'field', kind: 'field', part: 'response', path: '/params/arguments/[masked:github-pat]/pin', offset: 0, count: 1 },
    ]);
  });

  test('everything else stays as it was written: numbers above 2^53, unknown escapes, white space, members that are there twice', () => {
    const text = '{ "id": 9007199254740993,\n "a": "\\u00fc\\/", "a": 1.50, "b": [ ], "c": {} , "d": "x" }';
    expect(textOf(mask(text))).toBe(text);
    expect(textOf(mask(text.replace('"x"', JSON.stringify(card))))).toBe(text.replace('"x"', '"[masked:card ****1111]"'));
  });

  test('any JSON without a secret stays byte for byte, and JSON with one stays JSON', () => {
    fc.assert(
      fc.property(fc.json({ stringUnit: 'grapheme', maxDepth: 5 }), (json) => {
        const kept = textOf(mask(json));
        expect(() => JSON.parse(kept) as unknown).not.toThrow();
        if (!kept.includes('[masked:')) expect(kept).toBe(json);
      }),
      { numRuns: 300 },
    );
  });
});

describe('K3: the scan limit', () => {
  const long = JSON.stringify({ a: 'x'.repeat(10_000), b: 1 });
  test('K3: a body with a longer text is not kept', () => {
    expect(mask(long, { rules: { fieldCharsMax: 9_000 } }).texts).toEqual([{ notKept: 'over_scan_limit' }]);
  });

  test('K3: or its text ends there, before what would be seen in part only', () => {
    const text = JSON.stringify({ a: `${'x '.repeat(3_994)}${card}${' y'.repeat(3_000)}`, b: 1 });
    const kept = mask(text, { rules: { fieldCharsMax: 8_000, overLimit: 'truncate' } });
    expect(kept.texts).toEqual([{ text: `{"a":"${'x '.repeat((8_000 - 4_096) / 2)}[cut]","b":1}`, isCut: true }]);
  });

  test('K3: one body over it does not take the other of the call with it', () => {
    const masked = run(createMasker({ ...plain, fieldCharsMax: 9_000 }), [
      { name: 'request', text: JSON.stringify({ card }), form: 'json', isCut: false },
      { name: 'response', text: long, form: 'json', isCut: false },
    ]);
    expect(masked.texts).toEqual([{ text: '{"card":"[masked:card ****1111]"}', isCut: false }, { notKept: 'over_scan_limit' }]);
  });
});

describe('K4: what cannot be looked at is not kept', () => {
  test('K4: when the time is up', () => {
    let looks = 0;
    const masked = always.mask([{ name: 'request', text: JSON.stringify({ card }), form: 'json', isCut: false }], () => ++looks > 2);
    expect(masked).toEqual({ texts: [{ notKept: 'timeout' }], masked: [] });
  });

  test('K4: when looking fails', () => {
    const broken = (): boolean => {
      throw new Error('broken');
    };
    expect(always.mask([{ name: 'request', text: '"x"', form: 'json', isCut: false }], broken)).toEqual({ texts: [{ notKept: 'failed' }], masked: [] });
  });

  test('K4: bytes that are no text', () => expect(mask('a\u0000b', { form: 'text' }).texts).toEqual([{ notKept: 'not_text' }]));
});

describe('K5: no text takes long', () => {
  const unit = 60_000;
  const hostile: Readonly<Record<string, string>> = {
    'one letter': 'a'.repeat(unit),
    digits: '4'.repeat(unit),
    'digits and spaces': '4 '.repeat(unit / 2),
    'digits and dots': '41.'.repeat(unit / 3),
    'groups of digits': '4111 '.repeat(unit / 5),
    'begin marks': '-----BEGIN RSA PRIVATE KEY-----'.repeat(unit / 31),
    'JWT beginnings': 'eyJ'.repeat(unit / 3),
    'JWT beginnings with dots': 'eyJ.'.repeat(unit / 4),
    'at signs': 'a@'.repeat(unit / 2),
    domains: `a@${'a.'.repeat(unit / 2)}`,
    'plus signs': '+1'.repeat(unit / 2),
    assignments: 'password='.repeat(unit / 9),
    'assignments with quotes': 'secret:"'.repeat(unit / 8),
    URLs: '://a:'.repeat(unit / 5),
    'words of rules': 'twitter discord linear dropbox heroku '.repeat(unit / 38),
    prefixes: 'sk-ghp_xoxb-AKIA'.repeat(unit / 16),
    escapes: '%41\\u0041&#65;'.repeat(unit / 14),
    backslashes: '\\'.repeat(unit),
    bearer: 'bearer '.repeat(unit / 7),
    hex: 'ab'.repeat(unit / 2),
    'hex with spaces': 'ab '.repeat(unit / 3),
    base64: Buffer.from('hello world, hello '.repeat(unit / 26)).toString('base64'),
    'wide characters': '４漢'.repeat(unit / 2),
    separators: 'Aa1_-+/'.repeat(unit / 7),
  };
  const asked = createMasker({
    ...plain,
    email: true,
    phone: true,
    patterns: [
      { name: 'evil', pattern: '^(a+)+$' },
      { name: 'words', pattern: '(x|xx)+y' },
    ],
  });
  for (const [name, text] of Object.entries(hostile)) {
    test(`K5: ${name}: 60 kB of it are looked at, or given up, within the bound`, () => {
      const body: BodyPart = { name: 'request', text: JSON.stringify({ text }), form: 'json', isCut: false };
      run(asked, [body]);
      const startedMs = process.cpuUsage().user / 1000;
      const { texts } = asked.mask([body], () => process.cpuUsage().user / 1000 > startedMs + 400);
      const tookMs = process.cpuUsage().user / 1000 - startedMs;
      // Between two looks at the clock nothing may take long: that would be quadratic or worse.
      expect({ took: tookMs < 2_000, texts: texts.length }).toEqual({ took: true, texts: 1 });
    });
  }
});

describe('K6: what is no secret stays', () => {
  test('K6: at most 0.5 % of a generated benign corpus is touched, near misses among it', () => {
    const lines = benignLines(20_000);
    const touched = lines.filter((line) => valueOfMany(line) !== line);
    expect(touched.length / lines.length).toBeLessThanOrEqual(0.005);
  });

  test.each([
    '4111 1111 1111 1112',
    '4111-1111-1111-111',
    '1234 5678 9012 3456',
    '0000 0000 0000 0000',
    '000-12-3456',
    '666-12-3456',
    '900-12-3456',
    '123-00-4567',
    'GB82 WEST 1234 5698 7654 33',
    'DE89 3704 0044 0532 0130 01',
    '2026-11-27T10:00:00.000Z',
    '1732701600000000',
    '550e8400-e29b-41d4-a716-446655440000',
    '3.14159265358979323846',
    'the password is required',
    'password: at least eight characters',
    'token: string',
    'Basic information about the token bucket',
    'sk-learn-is-a-library-for-python',
    '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----',
    'the API key is in the vault, ask the linear team or twitter',
  ])('K6: %s', (text) => expect(valueOf(text)).toBe(text));
});

function valueOfMany(text: string): string {
  return (JSON.parse(textOf(mask(JSON.stringify({ value: text })))) as { value: string }).value;
}

/** Lines as tools return them, from a generator that gives the same ones each time. */
function benignLines(count: number): string[] {
  let seed = 42;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed % below;
  };
  const digits = (length: number): string => Array.from({ length }, () => random(10)).join('');
  const hex = (length: number): string => Array.from({ length }, () => random(16).toString(16)).join('');
  const word = (): string => Array.from({ length: 3 + random(8) }, () => String.fromCharCode(97 + random(26))).join('');
  const nearCard = (): string => {
    const bare = `4${digits(14)}`;
    const check = Array.from(bare).reduce(
      (sum, digit, index) => sum + (index % 2 === 0 ? ([0, 2, 4, 6, 8, 1, 3, 5, 7, 9][Number(digit)] ?? 0) : Number(digit)),
      0,
    );
    return bare + String((10 - (check % 10) + 1 + random(9)) % 10);
  };
  const kinds: readonly (() => string)[] = [
    () => `Order ${digits(8)} was shipped to ${word()} ${word()} on 2026-0${1 + random(9)}-1${random(9)}.`,
    () => `id ${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`,
    () => `commit ${hex(40)} by ${word()}`,
    () => `sha256:${hex(64)}`,
    () => `at 17${digits(11)} ms, 17${digits(14)} µs`,
    () => `GET /${word()}/${word()}/${digits(6)}?page=${random(90)}&sort=${word()} 200 ${digits(4)}`,
    () => `near miss ${nearCard()}`,
    () => `version ${random(9)}.${random(99)}.${random(999)}-${word()}`,
    () => `10.${random(255)}.${random(255)}.${random(255)}:${1000 + random(60000)} → fe80::${hex(4)}:${hex(4)}`,
    () => `price ${digits(5)}.${digits(2)} EUR, weight ${random(99)}.${digits(8)} kg`,
    () => `ISBN 978-${random(9)}-${digits(4)}-${digits(4)}-${random(9)}`,
    () => `part ${digits(3)}-${digits(4)}-${digits(2)}, lot ${digits(9)}`,
    () => `/usr/share/${word()}/${word()}-${digits(2)}/${word()}.json`,
    () => `${word()} ${word()} the ${word()} of the ${word()}, and a ${word()} ${word()} ${word()}.`,
    () => `const ${word()} = ${word()}(${word()}, ${digits(3)}); // ${word()}`,
    () => `<div class="${word()}-${word()}" id="${word()}${digits(3)}">${word()}</div>`,
    () => `etag "${hex(32)}" cursor ${Buffer.from(`${word()}:${digits(6)}`).toString('base64')}`,
    () => `EAN 40${digits(11)} GTIN ${digits(14)}`,
    () => `lat ${random(90)}.${digits(7)}, lon -${random(180)}.${digits(7)}`,
    () => `XX${digits(2)} ${word().toUpperCase().slice(0, 4).padEnd(4, 'Q')} ${digits(4)} ${digits(4)}`,
  ];
  return Array.from({ length: count }, (_, index) => kinds[index % kinds.length]?.() ?? '');
}
