const base = 'http://gateway.invalid';

/** Where somebody is sent after signing in: a path of this gateway, whatever was asked; `/` where it was none. */
export function returnPath(asked: string | undefined): string {
  // What browsers take for another host: //, /\, and characters that they leave out before they look.
  if (asked === undefined || asked.length > 2_000 || !/^\/(?![/\\])[\x21-\x5b\x5d-\x7e]*$/.test(asked)) return '/';
  const url = URL.parse(asked, base);
  return url === null || url.origin !== base || url.pathname.startsWith('//') ? '/' : `${url.pathname}${url.search}${url.hash}`;
}
