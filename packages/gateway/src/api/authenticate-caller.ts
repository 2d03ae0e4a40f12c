import type { Context } from 'hono';
import { getCookie } from 'hono/cookie';
import { Fault } from '../kernel/fault.ts';
import { keyActor, operator, tokenActor } from '../control/actor.ts';
import type { Actor, ControlDependencies } from '../control/context.ts';
import { switchedOff } from '../control/access/switched-off.ts';
import { recogniseKey, verifyKey } from '../control/keys/verify-key.ts';
import { slowGuesses, wrongKeyFault } from '../control/keys/wrong-keys.ts';
import { controlApiPath } from '../control/oauth/resources.ts';
import { looksLikeOwnToken, verifyAccessToken } from '../control/oauth/verify-access-token.ts';
import { findSession } from '../control/sessions/find-session.ts';
import { actorOfIssuerToken, mayBeIssuerToken } from '../control/sign-in/token-actor.ts';
import type { ApiEnvironment } from './route.ts';

/** `__Host-` cookies exist only over TLS (RFC 6265bis section 4.1.3.2); on plain loopback the name says so. */
export function sessionCookie(publicUrl: string): { readonly name: string; readonly secure: boolean } {
  return publicUrl.startsWith('https:') ? { name: '__Host-gatewayops_session', secure: true } : { name: 'gatewayops_session', secure: false };
}

/**
 * Who calls: the operator on the owner-only socket; elsewhere the key, session or token of `Authorization: Bearer`, else the
 * session of the cookie; null where there is none of these. A credential that is sent and not good is never nobody:
 * faults `unauthorized`; `too_many_wrong_keys`; `unavailable` where it cannot be checked; `forbidden` for a write by cookie from another site.
 */
export async function authenticateCaller(c: Context<ApiEnvironment>, dependencies: ControlDependencies): Promise<Actor | null> {
  if (c.env.front === 'admin') return operator;
  const authorization = c.req.header('authorization');
  if (authorization !== undefined) return bearerActor(authorization, dependencies, peerOf(c), isRead(c));
  const actor = await cookieActor(c, dependencies);
  if (actor !== null && !isRead(c)) requireSameSite(c);
  return actor;
}

/** The session of the cookie. A browser sends a stale cookie by itself: that is nobody, not a bad credential. */
export async function cookieActor(c: Context<ApiEnvironment>, dependencies: ControlDependencies): Promise<Actor | null> {
  const token = getCookie(c, sessionCookie(dependencies.publicUrl()).name);
  return token === undefined ? null : findSession(dependencies, token);
}

/** The session token that a request carries. */
export function sessionTokenOf(c: Context<ApiEnvironment>, publicUrl: string): string | null {
  return bearer(c.req.header('authorization')) ?? getCookie(c, sessionCookie(publicUrl).name) ?? null;
}

/** Where a request came from, as the worker that passed it on says; empty on the owner-only socket. */
export function peerOf(c: Context<ApiEnvironment>): string {
  return c.req.header('x-gatewayops-peer') ?? '';
}

/**
 * Who is behind an Authorization header; `peer` is for the audit. `mayRemember`: the key need not be looked up where it is known, as it must be before
 * anything is changed. Faults: as above.
 */
export async function bearerActor(authorization: string, dependencies: ControlDependencies, peer: string, mayRemember = false): Promise<Actor> {
  const token = bearer(authorization);
  if (token === null) throw new Fault('unauthorized');
  if (token.startsWith('session_')) {
    const actor = await findSession(dependencies, token);
    if (actor === null) {
      dependencies.audit.noteSignIn({ outcome: 'failed', reason: 'unknown', kind: 'session', subject: '', organizationId: null, peer });
      throw new Fault('unauthorized');
    }
    return actor;
  }
  if (looksLikeOwnToken(dependencies, token)) return ownTokenActor(dependencies, token, peer);
  if (mayBeIssuerToken(dependencies, token)) return actorOfIssuerToken(dependencies, token, peer);
  const shown = await (mayRemember ? recogniseKey : verifyKey)(dependencies, token, peer);
  const verdict = await slowGuesses(dependencies, shown, token, peer);
  if (verdict.ok === 'busy') throw new Fault('unavailable', { reason: 'too many keys are being verified' });
  if (verdict.ok === 'away') throw new Fault('unavailable', { reason: 'the issuer of the token does not answer' });
  if (!verdict.ok) throw wrongKeyFault(verdict);
  const actor = keyActor(verdict.principal);
  if (switchedOff(dependencies.access.switches(actor.organizationId), verdict.principal, dependencies.clock.nowMs()) !== null) throw new Fault('unauthorized');
  return actor;
}

/** A token of the gateway's own is good here where it was given for the control API, and for nothing else. */
async function ownTokenActor(dependencies: ControlDependencies, token: string, peer: string): Promise<Actor> {
  const verdict = await verifyAccessToken(dependencies, token, peer);
  const isGood = verdict.ok === true && dependencies.config.identity.authorizationServer?.controlApi === true;
  if (!isGood || verdict.principal.token?.path !== controlApiPath || verdict.principal.userId === '') throw new Fault('unauthorized');
  return tokenActor(verdict.principal);
}

function isRead(c: Context<ApiEnvironment>): boolean {
  return c.req.method === 'GET' || c.req.method === 'HEAD';
}

/** The token of an Authorization header; null: none, or none of this form. */
export function bearer(authorization: string | undefined): string | null {
  return authorization === undefined ? null : (/^Bearer +([\x21-\x7e]{1,16384})$/i.exec(authorization)?.[1] ?? null);
}

/**
 * Another site can make a browser send the cookie, but not this header without our leave, and not our Origin. (The
 * listener has checked Host.)
 */
function requireSameSite(c: Context<ApiEnvironment>): void {
  const origin = c.req.header('origin');
  const host = c.req.header('host');
  const sameOrigin = origin !== undefined && host !== undefined && URL.canParse(origin) && new URL(origin).host === host.toLowerCase();
  if (!sameOrigin) throw new Fault('origin_not_allowed');
  if (c.req.header('x-gatewayops-csrf') === undefined) throw new Fault('forbidden', { reason: 'a write by cookie needs the header X-GatewayOps-CSRF' });
}
