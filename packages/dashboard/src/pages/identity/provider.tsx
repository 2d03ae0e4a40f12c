import { useMutation } from '@tanstack/react-query';
import type { Schemas } from '@gatewayops/sdk';
import { FlaskConical, LogIn, Stethoscope } from 'lucide-react';
import { useState, type ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
import { useCapability } from '../../app/session.ts';
import { Button } from '../../ui/button.tsx';
import { CopyButton } from '../../ui/copy.tsx';
import { Fact, factList } from '../../ui/fact.tsx';
import { FaultLine } from '../../ui/fault-line.tsx';
import { PreviewMapping } from './preview-mapping.tsx';
import { TrySignIn } from './try-sign-in.tsx';

interface ProviderProps {
  readonly provider: Schemas['IdentityProvider'];
  /** Of a sign-in that is tried. */
  readonly tryId: string | undefined;
  readonly onTry: (id: string | undefined) => void;
}

/** One provider as the configuration has it, and the ways to find out whether it works before anybody depends on it. */
export function Provider({ provider, tryId, onTry }: ProviderProps): ReactElement {
  const { name, title, type, preset, issuer, client_id: clientId, redirect_uri: redirectUri, saml, domains, provision, enforce } = provider;
  const mayTest = useCapability('identity.test');
  const [previewing, setPreviewing] = useState(false);
  const test = useMutation({ mutationFn: () => gateway.identity.test(name) });
  const begin = useMutation({ mutationFn: () => gateway.identity.begin(name), onSuccess: ({ id }) => onTry(id) });
  const why = mayTest.allowed ? undefined : mayTest.reason;
  return (
    <article aria-label={title} className="border-y border-hairline bg-surface px-4 py-4">
      <header className="mb-3 flex flex-wrap items-start justify-between gap-3">
        <div>
          <h2 className="text-section font-semibold">{title}</h2>
          <p className="text-ink-2">
            {type === 'saml' ? 'SAML 2.0' : 'OpenID Connect'} · {preset} · {enforce ? 'enforced' : 'not enforced'}
          </p>
        </div>
        <div className="flex flex-wrap gap-2">
          <Button disabled={!mayTest.allowed || test.isPending} title={why} onClick={() => test.mutate()}>
            <Stethoscope size={14} aria-hidden="true" /> {test.isPending ? 'Testing…' : 'Test'}
          </Button>
          <Button disabled={!mayTest.allowed || begin.isPending} title={why} onClick={() => begin.mutate()}>
            <LogIn size={14} aria-hidden="true" /> Try a sign-in
          </Button>
          <Button onClick={() => setPreviewing(true)}>
            <FlaskConical size={14} aria-hidden="true" /> Preview claims
          </Button>
        </div>
      </header>
      <FaultLine error={test.error ?? begin.error} />
      {test.data !== undefined && <Steps steps={test.data.steps} ok={test.data.ok} />}
      {tryId !== undefined && <TrySignIn id={tryId} {...(begin.data?.id === tryId ? { link: begin.data.url } : {})} onClose={() => onTry(undefined)} />}
      <dl className={factList}>
        <Fact name="Name">
          <code className="font-mono text-meta">{name}</code> <span className="text-ink-3">under identity.providers in gateway.yaml; change it there</span>
        </Fact>
        <Fact name="Issuer">
          <code className="font-mono text-meta break-all">{issuer}</code>
        </Fact>
        {clientId !== null && (
          <Fact name="Client ID">
            <code className="font-mono text-meta break-all">{clientId}</code>
          </Fact>
        )}
        <Fact name="Domains">{domains.length === 0 ? <span className="text-ink-3">none: no e-mail address leads to it</span> : domains.join(', ')}</Fact>
        <Fact name="New people">{provision === 'required' ? 'are refused: create or provision them first' : 'become users when they first sign in'}</Fact>
        <Fact name="Enforced">
          {enforce
            ? 'yes: people with addresses in its domains cannot sign in any other way'
            : 'no: people with addresses in its domains can sign in other ways too'}
          <span className="block text-ink-3">
            {enforce
              ? 'If it does not answer, '
              : "Before you enforce it, try signing in with an account of each kind, and make sure that somebody can log in to the gateway's machine: "}
            <code className="font-mono text-meta">npx --no gateway admin link</code> on that machine lets an administrator in without a provider.
          </span>
        </Fact>
        {redirectUri !== null && (
          <Fact name="Redirect URI">
            <Copied text={redirectUri} what="the redirect URI" />
          </Fact>
        )}
        {saml !== null && (
          <>
            <Fact name="Entity ID">
              <Copied text={saml.entity_id} what="the entity id" />
            </Fact>
            <Fact name="ACS">
              <Copied text={saml.acs_url} what="the address for answers" />
            </Fact>
            <Fact name="Our metadata">
              <Copied text={saml.metadata_url} what="the address of our metadata" />
            </Fact>
          </>
        )}
      </dl>
      {previewing && <PreviewMapping provider={name} type={type} onClose={() => setPreviewing(false)} />}
    </article>
  );
}

/** What is to be written at the provider, letter for letter. */
function Copied({ text, what }: { readonly text: string; readonly what: string }): ReactElement {
  return (
    <span className="inline-flex max-w-full items-center gap-1">
      <code className="min-w-0 font-mono text-meta break-all">{text}</code>
      <CopyButton text={text} label={`Copy ${what}`} />
    </span>
  );
}

interface Step {
  readonly step: string;
  readonly ok: boolean;
  readonly detail: string;
  readonly fix: string | null;
}

function Steps({ steps, ok }: { readonly steps: readonly Step[]; readonly ok: boolean }): ReactElement {
  return (
    <div role="status" className={`mb-4 border-l-2 pl-3 ${ok ? 'border-ok-solid' : 'border-error-solid'}`}>
      <p className="text-body font-medium">{ok ? 'Every step that needs no person works' : 'It does not work'}</p>
      <ol>
        {steps.map(({ step, ok: passed, detail, fix }) => (
          <li key={step} className="mt-1 grid gap-x-3 sm:grid-cols-[112px_1fr]">
            <span className={passed ? 'text-ink-2' : 'text-error'}>
              {passed ? '✓' : '⬣'} {step}
            </span>
            <span>
              {detail}
              {fix !== null && <span className="block text-ink-2">{fix}</span>}
            </span>
          </li>
        ))}
      </ol>
    </div>
  );
}
