const candidatesMax = 200;

/** The candidate that was most likely meant by `word` with a typing error in it, or null where none is near. */
export function closestWord(word: string, candidates: readonly string[]): string | null {
  const wanted = word.toLowerCase().slice(0, 64);
  // About one error in three letters: a longer word may hold more of them.
  let best = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  let found: string | null = null;
  for (const candidate of candidates.slice(0, candidatesMax)) {
    const distance = editDistance(wanted, candidate.toLowerCase());
    if (distance < best && distance < wanted.length) {
      best = distance;
      found = candidate;
    }
  }
  return found;
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let value = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) value = Math.min(value, (beforeLast[j - 2] ?? 0) + 1);
      row.push(value);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
