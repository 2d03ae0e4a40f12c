import { useQuery } from '@tanstack/react-query';
import type { Schemas } from '@gatewayops/sdk';
import type { ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
import { Command, ErrorCard, Skeleton } from '../../ui/states.tsx';
import { SmallTable } from '../../ui/small-table.tsx';

type PriceList = Schemas['Prices']['prices'];
type Price = PriceList['default'];

/** The price list that holds, and where it is changed. */
export function Prices(): ReactElement {
  const list = useQuery({ queryKey: ['prices'], queryFn: async ({ signal }) => (await gateway.costs.prices({}, { signal }).page()).prices });
  if (list.error !== null) return <ErrorCard error={list.error} what="The price list" onRetry={() => void list.refetch()} />;
  if (list.data === undefined) return <Skeleton rows={3} label="Loading the price list" />;
  const { currency, overrides, managed_by: managedBy, file, version } = list.data;
  const rows = [
    { name: 'every other call', price: list.data.default },
    ...overrides.map(({ server, tool, ...price }) => ({ name: tool === null ? `${server}, every tool` : `${server} · ${tool}`, price })),
  ];
  return (
    <>
      <SmallTable titles={['For', 'A call', 'A token in', 'A token out', 'A second']} left={1}>
        {rows.toReversed().map(({ name, price }) => (
          <tr key={name} className="h-(--row) border-t border-hairline">
            <th scope="row" className="px-3 text-left font-medium">
              {name}
            </th>
            {(['per_call', 'per_token_input', 'per_token_output', 'per_second'] as const).map((unit) => (
              <td key={unit} className="px-3 text-right font-mono text-meta">
                {amountText(price, unit, currency)}
              </td>
            ))}
          </tr>
        ))}
      </SmallTable>
      <p className="mt-2 text-ink-2">
        {managedBy === 'file' ? (
          <>
            Said under pricing in <code className="font-mono text-meta">{file ?? 'gateway.yaml'}</code>; it is changed there.
          </>
        ) : (
          <>Version {version}, set by the API; the price of one tool is set by:</>
        )}
      </p>
      {managedBy === 'api' && <Command text="npx --no gateway prices create search/query --per-call 0.002" />}
    </>
  );
}

/** Prices of tokens have many decimals: none is cut. */
function amountText(price: Price, unit: keyof Price, currency: string): string {
  const amount = price[unit];
  if (amount === undefined) return '–';
  return `${amount.toFixed(9).replace(/\.?0+$/, '')} ${currency}`;
}
