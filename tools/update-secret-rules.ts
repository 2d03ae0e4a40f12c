/**
 * Makes `packages/gateway/src/masking/secret-rules.ts` from gitleaks' own configuration:
 *
 *     node tools/update-secret-rules.ts gitleaks.toml COMMIT
 *
 * What cannot serve here is left out by name, below, and why. A rule's end is widened: gitleaks reads source code, where a
 * secret ends at a quote; here it may stand in a sentence.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parse } from 'smol-toml';

/** Left out: they find what is no secret outside of source code, or have a rule of our own that knows more. */
const leftOut = new Set([
  // Any long word behind "key" or "token"; names of fields and assignments do this with fewer mistakes.
  'generic-api-key',
  // Commands as a whole; their parts are found.
  'curl-auth-header',
  'curl-auth-user',
  // Files of one kind, whole.
  'kubernetes-secret-yaml',
  'hashicorp-tf-password',
  'nuget-config-password',
  // Ours: also half of them is masked, in any encoding.
  'private-key',
  'jwt',
  'jwt-base64',
  // Their words are in every other text; token-rules.ts looks for them without.
  'vault-service-token',
  'twilio-api-key',
]);
/** How nearly every rule ends: a quote, white space or the end. */
const codeEnd = String.raw`(?:[\x60'"\s;]|\\[nr]|$)`;
/** Rules that know a secret by the word before it keep their measure of randomness; those with a prefix of their own need none. */
const byWord = String.raw`[\w.-]{0,50}?`;

interface TomlRule {
  readonly id: string;
  readonly regex?: string;
  readonly keywords?: readonly string[];
  readonly entropy?: number;
  readonly path?: string;
}

const [file, commit] = process.argv.slice(2);
if (file === undefined || commit === undefined || !/^[0-9a-f]{40}$/.test(commit))
  throw new Error('usage: node tools/update-secret-rules.ts gitleaks.toml COMMIT');
const { rules } = parse(readFileSync(file, 'utf8')) as unknown as { readonly rules: readonly TomlRule[] };
const lines = rules.flatMap(({ id, regex, keywords, entropy, path }) => {
  if (regex === undefined || keywords === undefined || path !== undefined || leftOut.has(id)) return [];
  const pattern = regex.replaceAll(codeEnd, String.raw`(?:\W|$)`);
  const measured = regex.includes(byWord) && entropy !== undefined ? entropy : 0;
  return [`  [${JSON.stringify(id)}, ${JSON.stringify(pattern)}, ${JSON.stringify(keywords)}, ${measured}],`];
});
writeFileSync(
  new URL('../packages/gateway/src/masking/secret-rules.ts', import.meta.url),
  `/**
 * Patterns (RE2) of the API keys and tokens of many services, with the words without which none of them can fit. Made by
 * tools/update-secret-rules.ts; do not edit. From gitleaks ${commit} (https://github.com/gitleaks/gitleaks):
 *
 * MIT License, Copyright (c) 2019 Zachary Rice. Permission is hereby granted, free of charge, to any person obtaining a copy of
 * this software and associated documentation files (the "Software"), to deal in the Software without restriction, including
 * without limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software,
 * and to permit persons to whom the Software is furnished to do so, subject to the following conditions: The above copyright
 * notice and this permission notice shall be included in all copies or substantial portions of the Software. THE SOFTWARE IS
 * PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF
 * MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE
 * LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR
 * IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
 */

/** Name, pattern, words in lower case of which one must be there, least bits of entropy of a character. */
export type SecretRule = readonly [name: string, pattern: string, words: readonly string[], entropyBitsMin: number];

// oxfmt-ignore
export const secretRules: readonly SecretRule[] = [
${lines.join('\n')}
];
`,
);
