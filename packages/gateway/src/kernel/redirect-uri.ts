/**
 * Where a browser is sent back to. What is registered is compared character by character (RFC 9700 section 2.1), with the one exception that the port of
 * a loopback address may be any (RFC 8252 section 7.3): native clients listen on whichever is free.
 */
const charsMax = 2048;
/** Schemes that run or show something in the browser itself. */
const inBrowser = new Set(['javascript:', 'data:', 'vbscript:', 'blob:', 'about:', 'file:', 'filesystem:', 'view-source:', 'ws:', 'wss:', 'ftp:']);
const loopbackHosts = new Set(['127.0.0.1', '[::1]', 'localhost']);

/** Why a client cannot have a redirect URI, in words, or null where it can: https, http on loopback, or a scheme of the client's own. */
export function refusedRedirectUri(text: string): string | null {
  const url = URL.parse(text);
  if (url === null || text.length > charsMax || !/^[\x21-\x7e]+$/.test(text)) return 'it is no URL';
  if (text.includes('#')) return 'it has a fragment';
  if (url.username !== '' || url.password !== '') return 'it holds a user or a password';
  if (url.protocol === 'https:') return null;
  if (url.protocol === 'http:') return isLoopback(url) ? null : 'http is for 127.0.0.1, [::1] and localhost only';
  return inBrowser.has(url.protocol) ? `${url.protocol} is not sent to` : null;
}

/** Whether a client that has registered these may be answered at `asked`. */
export function fitsRedirectUri(registered: readonly string[], asked: string): boolean {
  if (refusedRedirectUri(asked) !== null) return false;
  return registered.some((one) => one === asked || fitsButForPort(one, asked));
}

/** What a page says of where it leads: the host, or the scheme of a program on this machine. */
export function redirectPlace(text: string): { readonly name: string; readonly isLocal: boolean } {
  const url = URL.parse(text);
  if (url === null) return { name: text, isLocal: false };
  if (url.protocol === 'https:') return { name: url.host, isLocal: false };
  return url.protocol === 'http:' ? { name: url.host, isLocal: true } : { name: `${url.protocol}//`, isLocal: true };
}

function fitsButForPort(registered: string, asked: string): boolean {
  const [one, other] = [URL.parse(registered), URL.parse(asked)];
  if (one === null || other === null || one.protocol !== 'http:' || !isLoopback(one)) return false;
  // The texts without the port, so that nothing but the port is read in two ways.
  return withoutPort(registered) === withoutPort(asked) && one.hostname === other.hostname;
}

const loopbackAuthority = /^(http:\/\/(?:127\.0\.0\.1|\[::1\]|localhost))(?::\d{1,5})?(?=[/?]|$)/;

function withoutPort(text: string): string | null {
  const match = loopbackAuthority.exec(text);
  return match === null ? null : `${match[1]}${text.slice(match[0].length)}`;
}

function isLoopback({ hostname }: URL): boolean {
  return loopbackHosts.has(hostname);
}
