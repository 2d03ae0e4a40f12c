/**
 * Refresh tokens: `gwr_`, the part of a grant's id that is its own, what all of the grant's tokens have in common, and what is this one's alone. So an
 * earlier token that is shown again is told from one that somebody made up, without keeping any.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { randomBase62 } from '../../kernel/id.ts';
import type { RefreshHashes } from '../../store/registry/oauth-store.ts';

export interface RefreshToken {
  readonly grantId: string;
  readonly family: string;
  readonly secret: string;
}

const form = /^gwr_([0-9A-Za-z]{20})([0-9A-Za-z]{22})([0-9A-Za-z]{43})$/;

/** The token after another of the same family, or the first. */
export function newRefreshToken(grantId: string, family: string | null): { readonly text: string; readonly hashes: RefreshHashes } {
  const own = family ?? randomBase62(22);
  const secret = randomBase62(43);
  return { text: `gwr_${grantId.slice('gra_'.length)}${own}${secret}`, hashes: { family: digest(own), secret: digest(secret) } };
}

export function parseRefreshToken(text: string): RefreshToken | null {
  const [, id, family, secret] = form.exec(text) ?? [];
  return id === undefined || family === undefined || secret === undefined ? null : { grantId: `gra_${id}`, family, secret };
}

/** `current`: the one that is good now; `earlier`: one that was; `foreign`: none of this grant. */
export function judgeRefreshToken({ family, secret }: RefreshToken, kept: RefreshHashes): 'current' | 'earlier' | 'foreign' {
  if (!same(digest(family), kept.family)) return 'foreign';
  return same(digest(secret), kept.secret) ? 'current' : 'earlier';
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

function same(one: string, other: string): boolean {
  return one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));
}
