import { bounds } from '../kernel/bounds.ts';
import { askOutside, OutsideTrouble, type Outside } from './ask-outside.ts';
import { SignInTrouble } from './sign-in-trouble.ts';

interface Asked {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
}

/** `fetch` for what a provider names, as `askOutside` asks. Throws `SignInTrouble`. */
export function createGuardedFetch(outside: Outside): (text: string, asked: Asked) => Promise<Response> {
  return async (text, { method = 'GET', headers = {}, body }) => {
    try {
      const { status, header, bytes } = await askOutside(text, outside, {
        method: method === 'POST' ? 'POST' : 'GET',
        headers,
        ...(body === undefined || body === null ? {} : { body: formText(body) }),
        timeoutMs: bounds.providerAnswerMs,
        bytesMax: bounds.providerAnswerBytesMax,
      });
      const kept = new Headers();
      for (const name of ['content-type', 'www-authenticate']) for (const value of header(name)) kept.append(name, value);
      return new Response(status === 204 ? null : Uint8Array.from(bytes), { status, headers: kept });
    } catch (error) {
      if (!(error instanceof OutsideTrouble)) throw error;
      throw new SignInTrouble(
        'address',
        error.message,
        'Correct issuer; where the provider is in a private network, name its address in allow_addresses, and its certificate authority in ca.',
        { cause: error },
      );
    }
  };
}

/** The library sends forms and nothing else. */
function formText(body: unknown): string {
  if (typeof body === 'string' || body instanceof URLSearchParams) return body.toString();
  throw new TypeError('a body that is no form');
}
