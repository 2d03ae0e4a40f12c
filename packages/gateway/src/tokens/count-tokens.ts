/**
 * tokens: how many tokens a text has, as models count them. Imports `kernel/` only. The tables are large: this file is loaded when it is
 * needed, and never in a worker. Promises: linear time on any text, and the event loop is let go now and then.
 */
import { countTokens as countPiece } from 'gpt-tokenizer/encoding/o200k_base';

/** The merging of one unbroken word takes time by its square; words of this length are no words. */
const pieceCharsMax = 1024;
const piecesATurn = 32;
/** Text that looks like a special token is text. */
const options = { disallowedSpecial: new Set<string>() };

/** Exact but for unbroken runs of more than `pieceCharsMax` characters, which are counted in parts: at most one token more for each. */
export async function countTokens(text: string): Promise<number> {
  let tokens = 0;
  let pieces = 0;
  for (let at = 0; at < text.length;) {
    const end = pieceEnd(text, at);
    tokens += countPiece(text.slice(at, end), options);
    at = end;
    if (++pieces % piecesATurn === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  return tokens;
}

/** Before the last space that stands between two words, where the vocabulary parts texts as well; else not within a character. */
function pieceEnd(text: string, from: number): number {
  const end = from + pieceCharsMax;
  if (end >= text.length) return text.length;
  for (let at = end; at > from; at--) if (text[at] === ' ' && /\w/.test(text[at - 1] ?? '') && /\w/.test(text[at + 1] ?? '')) return at;
  const last = text.charCodeAt(end - 1);
  return last >= 0xd800 && last <= 0xdbff ? end - 1 : end;
}
