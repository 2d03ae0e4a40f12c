import { useMutation, useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
import { useCapability } from '../../app/session.ts';
import { Ago } from '../../time/time.tsx';
import { useNow } from '../../time/use-now.ts';
import { Button } from '../../ui/button.tsx';
import { Fact, factList } from '../../ui/fact.tsx';
import { FaultLine } from '../../ui/fault-line.tsx';
import { Command, ErrorCard, Skeleton } from '../../ui/states.tsx';
import { Part } from './part.tsx';

/** Which configuration serves, since when, and what was wrong with the one that does not. */
export function Configuration(): ReactElement {
  const now = useNow(15_000);
  const reload = useCapability('config.reload');
  const found = useQuery({ queryKey: ['config'], queryFn: async ({ signal }) => (await gateway.config.state({ signal })).config, refetchInterval: 15_000 });
  const again = useMutation({ mutationFn: () => gateway.config.reload(), onSettled: () => found.refetch() });
  if (found.error !== null && found.data === undefined) return <ErrorCard error={found.error} what="The configuration" onRetry={() => void found.refetch()} />;
  if (found.data === undefined) return <Skeleton rows={4} label="Loading the configuration" />;
  const { file, version, applied_at: applied, checked_at: checked, refusal } = found.data;
  return (
    <>
      <Part title="In force" about="The file is reloaded when it changes; a faulty change is refused, and the previous configuration stays in force.">
        <dl className={factList}>
          <Fact name="File">{file === null ? 'none: configured by the environment alone' : <code className="font-mono text-meta break-all">{file}</code>}</Fact>
          <Fact name="In force since">
            <Ago time={applied} now={now} /> <span className="text-ink-3">· version {version} since startup</span>
          </Fact>
          <Fact name="Last read">
            <Ago time={checked} now={now} />
          </Fact>
        </dl>
        <div className="flex gap-2">
          <Button
            disabled={!reload.allowed || again.isPending || file === null}
            title={reload.allowed ? undefined : reload.reason}
            onClick={() => again.mutate()}
          >
            Reload
          </Button>
        </div>
        <FaultLine error={again.error} />
      </Part>
      {refusal !== null && (
        <Part title="The newest version was refused" about={refusal.message}>
          <ul className="flex flex-col gap-2 border-y border-hairline py-2">
            {refusal.faults.map((fault) => (
              <li key={`${fault.path} ${fault.message}`}>
                <p>
                  <code className="font-mono text-meta">
                    {fault.path}
                    {fault.line === null ? '' : `, line ${fault.line}`}
                  </code>{' '}
                  {fault.message}
                </p>
                <p className="text-ink-2">{fault.fix}</p>
              </li>
            ))}
          </ul>
          {refusal.faults_left_out > 0 && <p className="text-meta text-ink-3">And {refusal.faults_left_out} more.</p>}
        </Part>
      )}
      <Part title="Export as a file" about="Everything in force, including what was created while the gateway was running; secrets remain references.">
        <Command text="npx --no gateway export" />
      </Part>
    </>
  );
}
