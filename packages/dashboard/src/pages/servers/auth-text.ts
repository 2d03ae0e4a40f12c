const words: Readonly<Record<string, string>> = { apiKey: 'API key', jwt: 'JWT', oauth: 'OAuth' };

/** What callers sign in with, as people say it: `apiKey, jwt` is `API key or JWT`. */
export function authText(auth: string): string {
  return auth
    .split(', ')
    .map((one) => words[one] ?? one)
    .join(' or ');
}
