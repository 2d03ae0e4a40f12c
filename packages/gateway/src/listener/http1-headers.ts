/**
 * The header lines of a request as HTTP/1.1 has them, without those of `left` (lower case): HTTP/2 says the host in a
 * pseudo-header and may send each cookie in a line of its own (RFC 9113 sections 8.2.3 and 8.3.1).
 */
export function http1Headers(rawHeaders: readonly string[], left: ReadonlySet<string>): string[] {
  const headers: string[] = [];
  const cookies: string[] = [];
  const isHttp2 = rawHeaders[0]?.startsWith(':') === true;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    const value = rawHeaders[index + 1] ?? '';
    if (name === ':authority') headers.push('Host', value);
    else if (isHttp2 && name === 'cookie') cookies.push(value);
    // One that is said in both ways is the same: the header gate has seen to it.
    else if (isHttp2 && name === 'host' && rawHeaders.includes(':authority')) continue;
    else if (!name.startsWith(':') && !left.has(name.toLowerCase())) headers.push(name, value);
  }
  if (cookies.length > 0) headers.push('Cookie', cookies.join('; '));
  return headers;
}
