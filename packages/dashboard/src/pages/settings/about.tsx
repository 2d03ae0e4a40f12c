import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { gateway, gatewayUrl } from '../../app/gateway.ts';
import { Fact, factList } from '../../ui/fact.tsx';
import { StateWord } from '../../ui/state-word.tsx';
import { Part } from './part.tsx';
import { Loaded } from '../../ui/loaded.tsx';

/** Of the gateway whose package holds this build (vite.config.ts). */
declare const __VERSION__: string;

const states: Readonly<Record<string, string>> = { ok: 'ready', ready: 'ready', degraded: 'degraded', unready: 'failed' };

/** Which version this is, how its parts are, and what it is made of. */
export function About(): ReactElement {
  const health = useQuery({ queryKey: ['health'], queryFn: ({ signal }) => gateway.config.health({ signal }), refetchInterval: 15_000 });
  const link = 'text-accent hover:underline';
  return (
    <>
      <Part title="GatewayOps">
        <dl className={factList}>
          <Fact name="Version">{__VERSION__}</Fact>
          <Fact name="Licence">
            Apache-2.0;{' '}
            <a className={link} href={`${gatewayUrl}/ui/third-party.md`}>
              third-party software
            </a>
          </Fact>
          <Fact name="Address">
            <code className="font-mono text-meta">{gatewayUrl}</code>
          </Fact>
          <Fact name="API">
            <a className={link} href={`${gatewayUrl}/v1/openapi.json`}>
              openapi.json
            </a>
          </Fact>
        </dl>
      </Part>
      <Loaded query={health} what="The health of the gateway" rows={4}>
        {(data) => (
          <Part title="Health" about={data.dependencies === undefined ? 'Seeing the parts requires health.read.' : undefined}>
            <dl className={factList}>
              <Fact name="Overall">
                {health.isError ? <span className="text-warn">▲ not responding</span> : <StateWord state={states[data.status] ?? data.status} reason={null} />}
              </Fact>
              {Object.entries(health.isError ? {} : (data.dependencies ?? {})).map(([name, { state, reason, note }]) => (
                <Fact key={name} name={`${name.charAt(0).toUpperCase()}${name.slice(1).replaceAll('_', ' ')}`}>
                  <StateWord state={states[state] ?? state} reason={reason} />
                  {(reason ?? note) !== undefined && (reason ?? note) !== null && <span className="text-ink-2"> · {reason ?? note}</span>}
                </Fact>
              ))}
            </dl>
          </Part>
        )}
      </Loaded>
    </>
  );
}
