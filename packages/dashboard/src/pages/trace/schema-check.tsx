import { useMutation, useQueryClient } from '@tanstack/react-query';
import { ListChecks } from 'lucide-react';
import type { ReactElement } from 'react';
import { useCapability } from '../../app/session.ts';
import { Button } from '../../ui/button.tsx';
import { FaultLine } from '../../ui/fault-line.tsx';
import { testQuery } from '../servers/use-servers.ts';
import { maskedIn, problemsOf } from '../tools/schema-fields.ts';
import type { askedOf } from './call-as-command.ts';

interface SchemaCheckProps {
  readonly server: string;
  readonly asked: NonNullable<ReturnType<typeof askedOf>>;
}

/** Whether what was asked fits what the tool takes now. Its server is asked when somebody wants to know. */
export function SchemaCheck({ server, asked }: SchemaCheckProps): ReactElement | null {
  const client = useQueryClient();
  const { allowed } = useCapability('servers.test');
  const check = useMutation({
    mutationFn: async () => {
      const said = await client.fetchQuery(testQuery(server));
      const tool = said.tools?.find(({ name }) => name === asked.tool);
      if (tool === undefined) return `${server} no longer lists a tool ${asked.tool}.`;
      if (tool.input_schema === null) return 'Its schema is too long to check here.';
      const masked = new Set(maskedIn(asked.arguments));
      const problems = [...problemsOf(asked.arguments, tool.input_schema)].filter(([at]) => !masked.has(at));
      return problems.length === 0
        ? `Valid against the current schema of ${asked.tool}${masked.size === 0 ? '' : ', masked values aside'}.`
        : `Not valid against the current schema of ${asked.tool}: ${problems.map(([at, problem]) => (at === '' ? problem : `${at.slice(1)}: ${problem}`)).join(' ')}`;
    },
  });
  if (!allowed) return null;
  return (
    <div className="flex flex-wrap items-center gap-3">
      <Button disabled={check.isPending} onClick={() => check.mutate()}>
        <ListChecks size={14} aria-hidden="true" /> Check against the schema
      </Button>
      <p role="status" className="min-w-0 text-ink-2">
        {check.data}
      </p>
      <FaultLine error={check.error} />
    </div>
  );
}
