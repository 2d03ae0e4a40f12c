/** Where a URI would lead whoever resolves it: dots that are written as such, or hidden in escapes or behind backslashes. Null: nobody can say. */
export function canonicalUri(uri: string): string | null {
  const plain = uri.replace(/%2e/gi, '.').replace(/%2f|%5c|\\/gi, '/');
  if (!/\/\.{1,2}(?:[/?#]|$)/.test(plain)) return uri;
  return URL.canParse(plain) ? new URL(plain).href : null;
}
