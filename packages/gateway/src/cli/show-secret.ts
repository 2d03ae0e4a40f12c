import type { z } from 'zod';
import type { answers } from './answers.ts';
import { scopeText } from './key-text.ts';
import { plain, type Output } from './output.ts';
import { timeText } from './say.ts';

/** A key with its secret: the only time it is seen. */
export function showSecret({ key, warning }: z.output<typeof answers.keyWithSecret>, out: Output): void {
  out.result(key, () =>
    [
      `${out.paint.bold('secret')}   ${plain(key.secret)}`,
      `id       ${plain(key.id)}`,
      `name     ${plain(key.name)}`,
      `scopes   ${scopeText(key.scopes)}`,
      `expires  ${key.expires_at ? `${timeText(key.expires_at)} UTC` : 'never'}`,
    ].join('\n'),
  );
  out.note(plain(warning));
}
