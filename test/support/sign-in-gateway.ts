/** A gateway that serves TLS, for people at real identity providers: it is there before them, since they have to know its address, and learns of them by a reload. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Agent, fetch } from 'undici';
import { makeAuthority, makeServerCertificate } from './certificates.ts';
import { type RunningGateway, startGateway, temporaryFolder } from './start-gateway.ts';

export interface SignInGateway {
  readonly url: string;
  readonly gateway: RunningGateway;
  /** What believes its certificate. */
  readonly dispatcher: Agent;
  /** Replaces these sections of gateway.yaml while it runs. Rejects where the gateway does not take them. */
  configure(sections: Readonly<Record<string, unknown>>): Promise<void>;
  /** The control API, by the key that holds everything; null for an answer without a body. */
  asAdministrator<Answer>(method: string, path: string, body?: unknown): Promise<Answer>;
  stop(): Promise<void>;
}

export interface IncidentDetail {
  readonly step: string;
  readonly reason: string;
  readonly fix: string;
}

export async function startSignInGateway(options: {
  /** Of gateway.yaml, without `listen.tls`. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
}): Promise<SignInGateway> {
  const folder = temporaryFolder();
  const authority = await makeAuthority();
  const { cert, key } = await makeServerCertificate(authority);
  writeFileSync(join(folder, 'tls.crt'), cert);
  writeFileSync(join(folder, 'tls.key'), key, { mode: 0o600 });
  const config = {
    workers: 1,
    log: { level: 'warn' },
    listen: { tls: { cert: join(folder, 'tls.crt'), key: { file: join(folder, 'tls.key') } } },
    ...options.config,
  };
  const gateway = await startGateway({ config, env: options.env ?? {}, readyTimeoutMs: 150_000 });
  const dispatcher = new Agent({ connect: { ca: authority.cert } });
  return {
    url: gateway.url,
    gateway,
    dispatcher,
    async configure(sections) {
      writeFileSync(gateway.configFile, JSON.stringify({ version: 1, ...config, ...sections }));
      const { code, stdout, stderr } = await gateway.cli('reload');
      if (code !== 0) throw new Error(`the gateway does not take it: ${stdout}${stderr}`);
    },
    async asAdministrator<Answer>(method: string, path: string, body?: unknown) {
      const answer = await fetch(`${gateway.url}${path}`, {
        method,
        dispatcher,
        headers: { authorization: `Bearer ${gateway.apiKey ?? ''}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return (answer.status === 204 ? null : await answer.json()) as Answer;
    },
    async stop() {
      await gateway.stop();
      await dispatcher.close();
    },
  };
}

/** What an administrator finds by the number that a page shows: which step failed, why, and what mends it. The page shows nothing else of it. */
export async function incidentOf({ asAdministrator }: Pick<SignInGateway, 'asAdministrator'>, page: string): Promise<IncidentDetail> {
  const incident = /inc_[0-9A-Za-z]{20}/.exec(page)?.[0];
  const { events } = await asAdministrator<{ events: { object: { id: string }; detail: IncidentDetail }[] }>('GET', '/v1/logs/audit?action=sign_in.refused');
  const detail = events.find(({ object }) => object.id === incident)?.detail;
  if (detail === undefined) throw new Error(`no incident in ${page}`);
  if (page.includes(detail.reason)) throw new Error(`the page tells the reason: ${page}`);
  return detail;
}
