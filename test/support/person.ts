/** A person at a browser without a window: it follows what a client wants opened, sends the cookie of their session, and answers the form that it finds. */

export interface Person {
  /** What their browser sends. */
  readonly cookie: string;
}

/** Redeems a one-time link, as the browser does that it is opened in. */
export async function openLink(link: string): Promise<Person> {
  const answer = await fetch(link, { redirect: 'manual' });
  await answer.arrayBuffer();
  const cookie = (answer.headers.get('set-cookie') ?? '').split(';', 1)[0] ?? '';
  if (answer.status !== 303 || cookie === '') throw new Error(`the link is answered with ${answer.status}`);
  return { cookie };
}

/** What a person sees who is asked, and where their answer leads. */
export interface Answered {
  readonly page: string;
  readonly location: URL;
}

/** Opens the address that a client wants opened, and answers what is asked there. */
export async function answerConsent({ cookie }: Person, url: URL, decision: 'allow' | 'deny'): Promise<Answered> {
  const asked = await fetch(url, { headers: { cookie }, redirect: 'manual' });
  const page = await asked.text();
  const action = /<form method="post" action="([^"]+)"/.exec(page)?.[1];
  const request = /name="request" value="([^"]+)"/.exec(page)?.[1];
  if (action === undefined || request === undefined)
    throw new Error(`there is no form: ${asked.status} ${asked.headers.get('location') ?? ''} ${page.slice(0, 2_000)}`);
  const answer = await fetch(new URL(action, url), {
    method: 'POST',
    redirect: 'manual',
    headers: { cookie, origin: url.origin, 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ request, decision }).toString(),
  });
  const location = answer.headers.get('location');
  if (location === null) throw new Error(`the form is answered with ${answer.status}: ${await answer.text()}`);
  return { page, location: new URL(location) };
}
