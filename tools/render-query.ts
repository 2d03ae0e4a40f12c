/** `docs/reference/query.md` from the fields of the query language. */
import { bodyRunCharsMin } from '../packages/gateway/src/query/body-text.ts';
import { fieldOf, fieldNames, type FieldSpec } from '../packages/gateway/src/query/fields.ts';

export function renderQuery(): string {
  const lines = [
    '# Fields of the query language',
    '',
    '<!-- Written by tools/generate-docs.ts from packages/gateway/src/query/fields.ts. Change it there. -->',
    '',
    'What a query of traces and logs may name; [the language](../guides/search.md) says how.',
    '',
    '| field | what it is | values | example |',
    '| --- | --- | --- | --- |',
    ...fieldNames.map((name) => {
      const spec = fieldOf(name);
      return `| \`${name}\` | ${spec.about} | ${valuesOf(spec)} | \`${spec.example}\` |`;
    }),
  ];
  return `${lines.join('\n')}\n`;
}

function valuesOf(spec: FieldSpec): string {
  if (spec.kind === 'measure') return 'a measure: `>` `>=` `<` `<=`';
  if (spec.kind === 'code') return 'a word or a number, also compared';
  if (spec.kind === 'word' && spec.words !== undefined) return spec.words.map((word) => `\`${word}\``).join(' ');
  if (spec.kind === 'body') return `at least ${bodyRunCharsMin} characters in a row`;
  return 'words';
}
