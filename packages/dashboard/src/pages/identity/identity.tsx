/** By whom people sign in, whether it works, and what providers send of users and groups. */
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
import { useCapability } from '../../app/session.ts';
import { Allowed, Command, Empty } from '../../ui/states.tsx';
import { Provider } from './provider.tsx';
import { Scim } from './scim.tsx';
import { Loaded } from '../../ui/loaded.tsx';

export function Identity(): ReactElement {
  return (
    <Allowed permission="identity.read">
      <IdentityPage />
    </Allowed>
  );
}

const example = `identity:
  providers:
    - name: okta
      preset: okta
      issuer: https://acme.okta.com
      client_id: 0oa1b2c3d4
      client_secret:
        env: OKTA_CLIENT_SECRET
      domains: [acme.example]`;

function IdentityPage(): ReactElement {
  const search = useSearch({ from: '/identity' });
  const navigate = useNavigate({ from: '/identity' });
  const mayAudit = useCapability('audit.read').allowed;
  const found = useQuery({ queryKey: ['identity', 'providers'], queryFn: ({ signal }) => gateway.identity.providers({ signal }), refetchInterval: 30_000 });
  const change = (next: Partial<typeof search>): void => void navigate({ search: (old) => ({ ...old, ...next }), replace: true });
  return (
    <div className="[--state-inset:0px] flex flex-col gap-8 px-3 pt-3 pb-8 sm:px-4">
      <div className="flex flex-wrap items-center justify-between gap-3">
        <h1 className="text-title font-semibold">Sign-in</h1>
        {mayAudit && (
          <p className="flex gap-4">
            <Link to="/audit" search={{ action: 'session.*' }} className="text-accent hover:underline">
              Sign-ins in the audit
            </Link>
            <Link to="/audit" search={{ action: 'sign_in.*' }} className="text-accent hover:underline">
              Refused sign-ins
            </Link>
          </p>
        )}
      </div>
      <section aria-label="Identity providers" className="flex flex-col gap-6">
        <Loaded query={found} what="The list of identity providers" rows={4}>
          {(data) =>
            data.providers.length === 0 ? (
              <Empty title="No identity providers yet">
                People sign in by invitation or one-time link. Add a provider to <code className="font-mono text-meta">gateway.yaml</code>; no restart is
                needed. It then appears here, where you can test it before you enforce it. See{' '}
                <code className="font-mono text-meta">docs/guides/sign-in.md</code> for Okta, Entra ID, Google, OneLogin, Auth0 and Keycloak.
                <Command text={example} />
              </Empty>
            ) : (
              data.providers.map((provider) => (
                <Provider
                  key={provider.name}
                  provider={provider}
                  tryId={search.provider === provider.name ? search.try : undefined}
                  onTry={(id) => change({ provider: id === undefined ? undefined : provider.name, try: id })}
                />
              ))
            )
          }
        </Loaded>
      </section>
      <Scim names={(found.data?.providers ?? []).map(({ name }) => name)} shownErrors={search.errors} onErrors={(errors) => change({ errors })} />
    </div>
  );
}
