import { GatewayOps } from '@gatewayops/sdk';
import { noteSessionEnded } from './session-end.ts';

/** The path of the dashboard as the gateway's page says it, with a slash at both ends: `/ui/`, or `/prefix/ui/` behind a proxy. */
export const basePath = new URL(document.baseURI).pathname;

/** The path of the gateway itself, with a slash at its end. */
export const gatewayPath = basePath.replace(/ui\/$/, '');

/** The address of the gateway as clients would be told it. */
export const gatewayUrl = `${location.origin}${gatewayPath.replace(/\/$/, '')}`;

/** The gateway that serves this page, asked as whoever has signed in. */
export const gateway = new GatewayOps({
  gatewayUrl,
  session: true,
  retries: 1,
  fetch: async (...request) => {
    const answer = await fetch(...request);
    // Whatever asked, also a stream.
    if (answer.status === 401) noteSessionEnded();
    return answer;
  },
});

/** The page where people sign in, which leads back here. */
export function signInPath(after: 'signed_out' | 'ended'): string {
  const back = `${location.pathname}${location.search}${location.hash}`;
  return `${gatewayPath}sign-in?${new URLSearchParams({ return_to: back, after }).toString()}`;
}
