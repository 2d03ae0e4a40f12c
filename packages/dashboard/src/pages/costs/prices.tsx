/** The price list that holds: what each entry says, where it is written, what has no price, and every list there was. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Plus } from 'lucide-react';
import { useState, type ReactElement, type ReactNode } from 'react';
import { gateway } from '../../app/gateway.ts';
import { useCapability, type Capability } from '../../app/session.ts';
import { countText, pluralText } from '../../text/format.ts';
import { Button } from '../../ui/button.tsx';
import { ChangedMeanwhile, useVersioned } from '../../ui/changed-meanwhile.tsx';
import { Confirm } from '../../ui/confirm.tsx';
import { FaultLine } from '../../ui/fault-line.tsx';
import { Field } from '../../ui/field.tsx';
import { Loaded } from '../../ui/loaded.tsx';
import { SmallTable } from '../../ui/small-table.tsx';
import { quoted } from '../traces/query-text.ts';
import { Effect, EditPrice } from './edit-price.tsx';
import { monthWindow, type Month } from './month.ts';
import { PriceHistory } from './price-history.tsx';
import { amountText, defaultName, forText, isPriced, placeOf, units, unitTitles, widerAmount, type Amounts, type Price } from './price-text.ts';
import { readPrice } from './read-price.ts';

/** Asked for; a list may have more, and then not all is known here. */
const pricesMax = 1000;
/** Rows of the page: the others are found by name. */
const shownMax = 100;
/** From so many on there is something to find. */
const findFrom = 12;
/** Tools without a price that are named; how many calls there are is said above. */
const unpricedMax = 20;

type Open = { readonly what: 'edit' | 'delete'; readonly price: Price } | { readonly what: 'add'; readonly name: string };

export function Prices({ month }: { readonly month: Month }): ReactElement {
  const [open, setOpen] = useState<Open | null>(null);
  const [find, setFind] = useState('');
  const write = useCapability('prices.write');
  const mayTraces = useCapability('traces.read').allowed;
  const client = useQueryClient();
  const list = useQuery({ queryKey: ['prices'], queryFn: ({ signal }) => gateway.prices.list({ limit: 200 }, { signal }).take(pricesMax) });
  const dates = { start_date: month.start_date, end_date: month.end_date };
  const tools = useQuery({
    queryKey: ['costs', 'summary', 'tools without a price', month.name],
    queryFn: ({ signal }) => gateway.costs.summary({ ...dates, group_by: 'tool', priced_by: 'none' }, { signal }),
  });
  const close = (): void => setOpen(null);
  const changed = async (): Promise<void> => {
    close();
    await Promise.all([client.invalidateQueries({ queryKey: ['prices'] }), client.invalidateQueries({ queryKey: ['costs'] })]);
  };
  return (
    <Loaded query={list} what="The price list">
      {(prices) => {
        const base = prices.find(({ name }) => name === defaultName);
        const currency = base?.currency ?? 'USD';
        const isOfFile = base?.source === 'file';
        const may: Pick<Capability, 'allowed' | 'reason'> = isOfFile
          ? { allowed: false, reason: 'Prices are set in gateway.yaml, under pricing; change them there.' }
          : write;
        const unpriced =
          prices.length === pricesMax
            ? []
            : (tools.data?.breakdown ?? []).filter(({ group }) => group !== null && !isPriced(prices, group)).slice(0, unpricedMax);
        const fitting = prices.toReversed().filter(({ name }) => name.includes(find.trim()));
        return (
          <section>
            <div className="mb-2 flex flex-wrap items-center justify-between gap-2">
              <h2 className="text-section font-semibold">Prices</h2>
              <Button disabled={!may.allowed} title={may.allowed ? undefined : may.reason} onClick={() => setOpen({ what: 'add', name: '' })}>
                <Plus size={14} aria-hidden="true" /> Add a price
              </Button>
            </div>
            {prices.length >= findFrom && (
              <div className="mb-2 max-w-80">
                <Field label="Find" placeholder="A server or a tool" value={find} maxLength={100} onChange={(event) => setFind(event.target.value)} />
              </div>
            )}
            <SmallTable titles={['For', ...units.map(([, title]) => title), 'Defined in', ' ']} left={1}>
              {unpriced.map(({ group, calls }) => (
                <tr key={`unpriced ${group}`} className="h-(--row) border-t border-hairline bg-warn-soft">
                  <th scope="row" className="px-3 text-left font-medium">
                    {mayTraces ? (
                      <Link to="/traces" search={{ ...monthWindow(month), q: unpricedCalls(group ?? '') }} className="hover:text-accent hover:underline">
                        {forText(group ?? '')}
                      </Link>
                    ) : (
                      forText(group ?? '')
                    )}
                  </th>
                  <td colSpan={units.length + 1} className="px-3 text-warn">
                    ▲ no price: {pluralText(calls, 'call')} this month, not in any total
                  </td>
                  <RowActions>
                    <RowButton may={may} onAct={() => setOpen({ what: 'add', name: group ?? '' })}>
                      Add a price<span className="sr-only"> for {forText(group ?? '')}</span>
                    </RowButton>
                  </RowActions>
                </tr>
              ))}
              {fitting.slice(0, shownMax).map((price) => (
                <tr key={price.name} className="h-(--row) border-t border-hairline">
                  <th scope="row" className="px-3 text-left font-medium whitespace-nowrap">
                    {forText(price.name)}
                  </th>
                  {units.map(([unit]) => (
                    <td key={unit} className="px-3 text-right font-mono text-meta whitespace-nowrap">
                      <AmountText prices={prices} price={price} unit={unit} />
                    </td>
                  ))}
                  <td className="px-3 text-right text-meta whitespace-nowrap text-ink-2" title={price.file ?? undefined}>
                    {placeText(price)}
                  </td>
                  <RowActions>
                    <RowButton may={may} onAct={() => setOpen({ what: 'edit', price })}>
                      Change<span className="sr-only"> {forText(price.name)}</span>
                    </RowButton>
                    {Object.keys(price.spec).length > 0 && (
                      <RowButton may={may} onAct={() => setOpen({ what: 'delete', price })}>
                        Delete<span className="sr-only"> {forText(price.name)}</span>
                      </RowButton>
                    )}
                  </RowActions>
                </tr>
              ))}
            </SmallTable>
            <p className="mt-2 max-w-[100ch] text-meta text-ink-3">
              {fitting.length > shownMax &&
                `${shownMax} of ${countText(fitting.length)}${prices.length === pricesMax ? ' and more' : ''} are shown: find the others by name. `}
              {isOfFile
                ? 'Prices are set in gateway.yaml; each reload of it makes a new version of the list.'
                : 'The narrowest price applies: that of the tool, its server, or all other calls. Grey amounts are inherited from a wider one.'}
            </p>
            <PriceHistory />
            {open?.what === 'delete' && <DeletePrice price={open.price} onClose={close} onDone={changed} />}
            {open !== null && open.what !== 'delete' && (
              <EditPrice
                price={open.what === 'edit' ? open.price : null}
                {...(open.what === 'add' ? { name: open.name } : {})}
                tools={(tools.data?.breakdown ?? []).flatMap(({ group }) => group ?? [])}
                currency={currency}
                onClose={close}
                onSaved={() => void changed()}
              />
            )}
          </section>
        );
      }}
    </Loaded>
  );
}

/** What cost nothing of a tool that has no price. */
function unpricedCalls(name: string): string {
  const [server, tool] = placeOf(name);
  return `server:${quoted(server)} tool:${quoted(tool)} -has:cost`;
}

function AmountText({
  prices,
  price,
  unit,
}: {
  readonly prices: readonly Price[];
  readonly price: Price;
  readonly unit: (typeof units)[number][0];
}): ReactElement {
  const own = price.spec[unit];
  if (own !== undefined) return <>{amountText(own, price.currency)}</>;
  const wider = widerAmount(prices, price.name, unit);
  if (wider === null) return <span className="text-ink-3">–</span>;
  return (
    <span className="text-ink-3" title={`As of ${forText(wider.from)}`}>
      {amountText(wider.amount, price.currency)}
    </span>
  );
}

function placeText({ source, file, line, version, spec }: Price): string {
  if (source === 'file')
    return line === null && Object.keys(spec).length === 0 ? '–' : `${(file ?? '').split('/').at(-1) ?? ''}${line === null ? '' : `:${line}`}`;
  return Object.keys(spec).length === 0 ? '–' : `version ${version}`;
}

function RowActions({ children }: { readonly children: ReactNode }): ReactElement {
  return <td className="px-3 py-0.5 text-right whitespace-nowrap">{children}</td>;
}

interface RowButtonProps {
  readonly may: Pick<Capability, 'allowed' | 'reason'>;
  readonly onAct: () => void;
  readonly children: ReactNode;
}

function RowButton({ may, onAct, children }: RowButtonProps): ReactElement {
  return (
    <Button look="quiet" className="!h-7" disabled={!may.allowed} title={may.allowed ? undefined : may.reason} onClick={onAct}>
      {children}
    </Button>
  );
}

interface DeletePriceProps {
  readonly price: Price;
  readonly onClose: () => void;
  readonly onDone: () => Promise<void>;
}

/** Deletes, after the gateway has said what the calls of the last days would have cost without it. */
function DeletePrice({ price: { name, version, currency, spec }, onClose, onDone }: DeletePriceProps): ReactElement {
  // Of the version that was looked at.
  const [opened] = useState({ version, fields: spec });
  const versioned = useVersioned<Amounts>(opened, () => readPrice(name));
  const drop = (dryRun: boolean) => versioned.send((seen) => gateway.prices.delete(name, { ifMatch: `"${seen}"`, dryRun }));
  // Not among the prices: those are asked for anew once it is gone, and then there is nothing to plan.
  const planned = useQuery({ queryKey: ['price to delete', name, opened.version], queryFn: () => drop(true), staleTime: 0, gcTime: 0 });
  return (
    <Confirm
      title={`Delete the price of ${forText(name)}?`}
      verb="Delete the price"
      onClose={onClose}
      met={versioned.meeting !== null && <ChangedMeanwhile versioned={versioned} mine={opened.fields} titles={unitTitles} deleting />}
      onConfirm={async () => {
        await drop(false);
        await onDone();
      }}
    >
      <FaultLine error={planned.error} />
      {planned.data === undefined ? planned.error === null && 'Calculating what that changes…' : <Effect effect={planned.data.effect} currency={currency} />}
    </Confirm>
  );
}
