const base = 'http://gateway.invalid';

/** What stands before every path of the gateway, behind a proxy that says so in `listen.public_url`: `/gateway`, or nothing. */
export function pathPrefix(publicUrl: string): string {
  return new URL(publicUrl).pathname.replace(/\/$/, '');
}

/** Where people go who asked for no page: the dashboard. */
export function homePath(publicUrl: string): string {
  return `${pathPrefix(publicUrl)}/ui/`;
}

/** Where somebody is sent after signing in: a path of this host as a browser knows it, whatever was asked; the dashboard where it was none. */
export function returnPath(asked: string | undefined, publicUrl: string): string {
  // What browsers take for another host: //, /\, and characters that they leave out before they look.
  if (asked === undefined || asked.length > 2_000 || !/^\/(?![/\\])[\x21-\x5b\x5d-\x7e]*$/.test(asked)) return homePath(publicUrl);
  const url = URL.parse(asked, base);
  return url === null || url.origin !== base || url.pathname.startsWith('//') ? homePath(publicUrl) : `${url.pathname}${url.search}${url.hash}`;
}
