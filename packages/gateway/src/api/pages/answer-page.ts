import type { Context } from 'hono';
import type { ApiEnvironment } from '../route.ts';
import type { Html } from './render-page.ts';

/** Nothing runs, nothing is framed, nothing is loaded but style, font and icon of the gateway itself; the one form leads to the page itself. */
const pagePolicy = "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

export async function answerPage(c: Context<ApiEnvironment>, text: Html | string, status: 200 | 400 | 401 | 429 | 502 | 503): Promise<Response> {
  c.header('Content-Security-Policy', pagePolicy);
  c.header('Cache-Control', 'no-store');
  // With `no-referrer` browsers say `Origin: null` of a form too (Fetch, append a request Origin header), and it could not be known as ours.
  c.header('Referrer-Policy', 'same-origin');
  return c.html(String(await text), status);
}
