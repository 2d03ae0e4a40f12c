import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { gateway, gatewayUrl } from '../app/gateway.ts';
import { useCapability } from '../app/session.ts';
import { Command, Empty } from './states.tsx';

/** How a client is connected to this gateway, with its own address and a server that it has. */
export function ConnectFirst({ title }: { readonly title: string }): ReactElement {
  const { allowed } = useCapability('servers.read');
  const servers = useQuery({
    queryKey: ['servers', 'first'],
    queryFn: ({ signal }) => gateway.servers.list({ limit: 1 }, { signal }).page(),
    enabled: allowed,
  });
  const server = servers.data?.servers[0];
  if (servers.isFetched && server === undefined)
    return (
      <Empty title="No server yet">
        <p>Add one under servers in gateway.yaml, or by the command line, and its tools can be called:</p>
        <Command text="npx --no gateway servers create docs --set url=https://docs.example/mcp" />
      </Empty>
    );
  const address = `${gatewayUrl}${server?.path ?? '/mcp'}`;
  const header = server?.auth === 'none' ? '' : ' --header "Authorization: Bearer $GATEWAYOPS_API_KEY"';
  return (
    <Empty title={title}>
      <p>Connect a client to this gateway, and its first call appears here:</p>
      <Command text={`claude mcp add --transport http ${server?.name ?? 'gateway'} ${address}${header}`} />
      {header !== '' && (
        <>
          <p>A key for it:</p>
          <Command text="npx --no gateway keys create --name my-agent" />
        </>
      )}
    </Empty>
  );
}
