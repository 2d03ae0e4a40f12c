import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState, type ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
import { useCapability } from '../../app/session.ts';
import { useNow } from '../../time/use-now.ts';
import { Button } from '../../ui/button.tsx';
import { FaultLine } from '../../ui/fault-line.tsx';
import { Choice } from '../../ui/field.tsx';
import { Loaded } from '../../ui/loaded.tsx';
import { Sheet } from '../../ui/sheet.tsx';
import { RuleName } from '../access/rule-name.tsx';
import type { Stopped } from './allow-this.tsx';
import { DryRunResult } from './dry-run.tsx';
import { aboutText, type Policy } from './policy-text.ts';
import { propose, type Proposal } from './propose.ts';

const days = 7;
const rulesMax = 5000;

interface AllowSheetProps {
  readonly stopped: Stopped;
  readonly onClose: () => void;
}

export function AllowSheet({ stopped, onClose }: AllowSheetProps): ReactElement {
  const { as, server, kind, name } = stopped;
  const may = { people: useCapability('people.read').allowed, keys: useCapability('keys.read').allowed };
  const found = useQuery({
    queryKey: ['allow', as, server, kind, name],
    queryFn: async ({ signal }) => {
      const [{ explanation }, policies, subjects] = await Promise.all([
        gateway.access.explain({ as, server, kind, name }, { signal }),
        gateway.policies.list({ limit: 200 }, { signal }).take(rulesMax),
        subjectsOf(as, may, signal),
      ]);
      return { explanation, policies, subjects };
    },
    staleTime: 0,
    gcTime: 0,
  });
  return (
    <Sheet title={`Allow ${name}`} onClose={onClose} wide>
      <div className="flex flex-col gap-3 p-4">
        <Loaded query={found} what="What stops it" rows={4}>
          {({ explanation, policies, subjects }) => {
            const { decision, rule, changes, reason, engine } = explanation;
            // Neither a switch nor a key's own scope gives way to a rule.
            const isOfRules =
              decision !== 'allow' &&
              engine === null &&
              rule?.startsWith('switched-off:') !== true &&
              (rule !== null || changes.some((one) => /policy/.test(one)));
            if (isOfRules) return <Proposed stopped={stopped} rules={explanation.rules} policies={policies} subjects={subjects} onClose={onClose} />;
            return (
              <>
                <p className="text-body">
                  {decision === 'allow' ? 'The current rules allow it' : `No rule would allow it: ${reason.replace(/\.$/, '')}`}
                  {rule !== null && (
                    <>
                      {' '}
                      (<RuleName name={rule} isPolicy={engine === null || engine.name !== rule} />)
                    </>
                  )}
                  .
                </p>
                {changes.length > 0 && <p className="text-ink-2">It would be allowed by {changes.join(', or ')}.</p>}
              </>
            );
          }}
        </Loaded>
      </div>
    </Sheet>
  );
}

interface ProposedProps {
  readonly stopped: Stopped;
  readonly rules: Parameters<typeof propose>[0];
  readonly policies: readonly Policy[];
  readonly subjects: readonly (readonly [subject: string, title: string])[];
  readonly onClose: () => void;
}

function Proposed({ stopped, rules, policies, subjects, onClose }: ProposedProps): ReactElement {
  const queries = useQueryClient();
  const now = useNow(60_000);
  const [subject, setSubject] = useState(subjects[0]?.[0] ?? 'members');
  const [isOfThing, setOfThing] = useState(true);
  const proposed = propose(rules, policies, stopped, { subject, isOfThing }, stopped.rule);
  const put = ({ name, change, was }: Proposal, dryRun: boolean) => gateway.policies.set(name, change, { ifMatch: `"${was?.version ?? 0}"`, dryRun });
  // What could not be made is not offered.
  const trial = useQuery({
    queryKey: ['allow', 'trial', proposed.map(({ name, change, was }) => [name, change, was?.version])],
    queryFn: async () => {
      for (const one of proposed) await put(one, true);
      return (await gateway.access.dryRun({ put: proposed.map(({ name, change }) => ({ name, ...change })), days })).dry_run;
    },
    staleTime: 0,
    gcTime: 0,
  });
  // That which allows comes first: until those that refuse have their exception, nothing is let through.
  const made = useMutation({
    mutationFn: async () => {
      for (const one of proposed) await put(one, false);
    },
  });
  if (made.isSuccess)
    return (
      <>
        <p role="status" className="text-body">
          It is allowed, on every node within a second, by {links(proposed)}.
        </p>
        <div className="flex justify-end">
          <Button
            look="primary"
            onClick={() => {
              onClose();
              // Not before: a page that says why it was stopped would have nothing more to allow, and take this away.
              for (const key of ['policies', 'explain']) void queries.invalidateQueries({ queryKey: [key] });
            }}
          >
            Done
          </Button>
        </div>
      </>
    );
  return (
    <>
      <div className="grid gap-3 sm:grid-cols-2">
        <Choice label="For whom" value={subject} choices={subjects} onChange={(event) => setSubject(event.target.value)} />
        <Choice
          label="What"
          value={isOfThing ? 'thing' : 'server'}
          choices={[
            ['thing', `only the ${stopped.kind} ${stopped.name}`],
            ['server', `all of the server ${stopped.server}`],
          ]}
          onChange={(event) => setOfThing(event.target.value === 'thing')}
        />
      </div>
      <section aria-label="The rule to be written" className="flex flex-col gap-2 border-t border-hairline pt-3">
        {proposed.map(({ name, change, was }) => (
          <div key={name}>
            <p className="text-ink-2">
              {was === null ? 'A new rule' : `An exception to the ${was.effect} rule`} <span className="font-medium text-ink">{name}</span>
              {was === null && `: allow ${(change.to ?? []).join(', ')}, ${aboutText({ ...nothingSaid, ...change })}`}
            </p>
            {was !== null && <code className="block font-mono text-meta break-words whitespace-pre-wrap">when {change.when}</code>}
          </div>
        ))}
      </section>
      <FaultLine error={made.error ?? trial.error} />
      {trial.data === undefined ? (
        trial.error === null && <p className="text-ink-2">Trying it on the calls of the last {days} days…</p>
      ) : (
        <DryRunResult found={trial.data} days={days} now={now} />
      )}
      <div className="flex justify-end gap-2">
        <Button look="quiet" onClick={onClose}>
          Cancel
        </Button>
        <Button look="primary" disabled={trial.data === undefined || made.isPending} onClick={() => made.mutate()}>
          Allow it
        </Button>
      </div>
    </>
  );
}

const nothingSaid = { servers: [], tools: null, resources: null, prompts: null, actions: null };

function links(proposed: readonly Proposal[]): ReactElement[] {
  return proposed.map(({ name }, index) => (
    <span key={name}>
      {index > 0 && ' and '}
      <Link to="/policies" search={{ rule: name }} className="text-accent underline">
        {name}
      </Link>
    </span>
  ));
}

type Subjects = ProposedProps['subjects'];

/** For whom a rule could be, the narrowest first: the caller, of whom or which they are, the teams, everyone with a key. */
async function subjectsOf(as: string, may: { readonly people: boolean; readonly keys: boolean }, signal: AbortSignal): Promise<Subjects> {
  const all: Subjects = [['members', 'everyone with a key']];
  if (as.startsWith('key_')) {
    const own: Subjects = [[`key:${as}`, `the key ${as}`]];
    if (!may.keys) return [...own, ...all];
    const { metadata } = (await gateway.keys.get(as, { signal })).key;
    const of = (member: string, kind: string, title: string): Subjects => {
      const id = metadata[member];
      return id === undefined || id === '' ? [] : [[`${kind}:${id}`, `${title} ${id}`]];
    };
    return [
      ...of('user_id', 'user', 'the user'),
      ...of('service_account_id', 'service_account', 'the service account'),
      ...of('agent', 'agent', 'the agent'),
      ...own,
      ...of('team_id', 'team', 'the team'),
      ...all,
    ];
  }
  const reference = as.includes(':') ? as : may.people ? await userOf(as, signal) : null;
  if (reference === null) return all;
  const [kind = '', ...rest] = reference.split(':');
  const id = rest.join(':');
  const teams = may.people ? await teamsOf(kind, id, signal) : [];
  return [[reference, `the ${kind.replace('_', ' ')} ${id}`], ...teams.map((team): Subjects[number] => [`team:${team}`, `the team ${team}`]), ...all];
}

/** Of an e-mail address, as the question takes it too. */
async function userOf(email: string, signal: AbortSignal): Promise<string | null> {
  const found = await gateway.users.list({ q: email.slice(0, 100), limit: 5 }, { signal }).take(5);
  const user = found.find((one) => one.email?.toLowerCase() === email.toLowerCase());
  return user === undefined ? null : `user:${user.id}`;
}

async function teamsOf(kind: string, id: string, signal: AbortSignal): Promise<readonly string[]> {
  if (kind === 'user') return (await gateway.users.get(id, { signal })).user.team_ids;
  const team =
    kind === 'service_account'
      ? (await gateway.serviceAccounts.get(id, { signal })).service_account.team_id
      : kind === 'agent'
        ? (await gateway.agents.get(id, { signal })).agent.team_id
        : null;
  return team === null ? [] : [team];
}
