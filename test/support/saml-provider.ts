/** A real SAML provider (npm `samlp` on `express`) on a port of this machine, and what a browser does of it. */
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import type { Server } from 'node:http';
import { makeSigningCertificate } from './saml-answers.ts';
import type { Certificate } from './certificates.ts';

/** What these two have of use here; `samlp` comes without types. */
interface Application {
  get(path: string, answer: unknown): void;
  listen(port: number, host: string, ready: () => void): Server;
}
const require = createRequire(import.meta.url);
const express = require('express') as () => Application;
const samlp = require('samlp') as { auth(options: object): unknown; metadata(options: object): unknown };

export interface SamlPerson {
  readonly nameId: string;
  readonly attributes: Readonly<Record<string, string | readonly string[]>>;
  /** How long what is said of them holds; less than nothing, as of a provider whose clock is behind. Default: five minutes. */
  readonly lifetimeSeconds?: number;
}

export interface TestSamlProvider {
  readonly entityId: string;
  readonly metadataUrl: string;
  readonly signing: Certificate;
  /** Who signs in as that. */
  readonly people: Map<string, SamlPerson>;
  readonly stop: () => Promise<void>;
}

/** `acsUrl`: of the gateway. `encryptFor`: what its answers are encrypted by. */
export async function startSamlProvider(acsUrl: string, encryptFor: () => Certificate | null): Promise<TestSamlProvider> {
  const signing = await makeSigningCertificate();
  const people = new Map<string, SamlPerson>();
  const entityId = 'urn:idp.example:saml';
  const application = express();
  const any = { issuer: entityId, cert: signing.cert, key: signing.key };
  application.get('/metadata', samlp.metadata({ ...any, redirectEndpointPath: '/sso', postEndpointPath: '/sso' }));
  application.get('/sso', (request: { query: Readonly<Record<string, string>> }, ...more: unknown[]) => {
    const [response] = more as [{ type(name: string): { send(text: string): void } }];
    const person = people.get(request.query['login'] ?? '');
    if (person === undefined) return response.type('html').send(loginPage(request.query));
    const certificate = encryptFor();
    const answer = samlp.auth({
      ...any,
      recipient: acsUrl,
      destination: acsUrl,
      lifetimeInSeconds: person.lifetimeSeconds ?? 300,
      signResponse: certificate !== null,
      ...(certificate === null
        ? {}
        : { encryptionCert: certificate.cert, encryptionPublicKey: certificate.cert, encryptionAlgorithm: 'http://www.w3.org/2009/xmlenc11#aes256-gcm' }),
      getPostURL: (_audience: string, _request: unknown, _asked: unknown, done: (error: null, url: string) => void) => done(null, acsUrl),
      getUserFromRequest: () => person,
      profileMapper: () => ({
        getClaims: () => person.attributes,
        getNameIdentifier: () => ({ nameIdentifier: person.nameId, nameIdentifierFormat: 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent' }),
      }),
    }) as (...all: unknown[]) => void;
    return answer(request, ...more);
  });
  const server = await new Promise<Server>((resolve) => {
    const listening: Server = application.listen(0, '127.0.0.1', () => resolve(listening));
  });
  return {
    entityId,
    metadataUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/metadata`,
    signing,
    people,
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/** Asks who somebody is, and goes on with what it was asked. */
function loginPage(query: Readonly<Record<string, string>>): string {
  const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
  const kept = Object.entries(query).map(([name, value]) => `<input type="hidden" name="${escaped(name)}" value="${escaped(value)}">`);
  return `<!doctype html><form>${kept.join('')}<label>Login <input name="login" autofocus></label><button>Sign-in</button></form>`;
}

/** The form that the provider lets the browser post whom it has signed in as `login`. */
export async function samlFormOf(begun: string, login: string): Promise<URLSearchParams> {
  const answer = await fetch(`${begun}&login=${login}`);
  const text = await answer.text();
  const fields = [...text.matchAll(/<input type="hidden"\s+name="([^"]+)"\s+value="([^"]*)"/g)].map(([, name = '', value = '']): [string, string] => [
    name,
    value,
  ]);
  if (fields.length === 0) throw new Error(`the provider answered ${answer.status}: ${text.slice(0, 500)}`);
  return new URLSearchParams(fields);
}
