/** A price is written, reckoned on the calls of the last days, and then made. */
import { useMutation, useQuery } from '@tanstack/react-query';
import type { Schemas } from '@gatewayops/sdk';
import { useId, useState, type FormEvent, type ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
import { useCapability } from '../../app/session.ts';
import { countText, moneyText } from '../../text/format.ts';
import { ChangedMeanwhile, useVersioned } from '../../ui/changed-meanwhile.tsx';
import { FaultLine } from '../../ui/fault-line.tsx';
import { Choice, Field } from '../../ui/field.tsx';
import { Sheet } from '../../ui/sheet.tsx';
import { SheetActions } from '../../ui/sheet-actions.tsx';
import { serversQuery } from '../servers/use-servers.ts';
import { forText, nameOf, placeOf, units, unitTitles, type Amounts, type Price } from './price-text.ts';
import { readPrice } from './read-price.ts';

/** Six digits and nine decimals are what a JSON number is sure to hold. */
const amountPattern = String.raw`\d{1,6}(\.\d{1,9})?`;

interface EditPriceProps {
  /** What is to be changed; null: a new one. */
  readonly price: Price | null;
  /** What a new one is for, where that is known: `search/query`. */
  readonly name?: string;
  /** Tools that were called, as `search/query`: names to choose from. */
  readonly tools: readonly string[];
  readonly currency: string;
  readonly onClose: () => void;
  readonly onSaved: () => void;
}

export function EditPrice({ price, name = '', tools, currency, onClose, onSaved }: EditPriceProps): ReactElement {
  const [[server, tool], setPlace] = useState(placeOf(price?.name ?? name));
  const [opened] = useState((): Amounts => price?.spec ?? {});
  const [written, setWritten] = useState(() => textsOf(opened));
  const versioned = useVersioned<Amounts>({ version: price?.version ?? 0, fields: opened }, () => readPrice(price?.name ?? ''));
  const mayServers = useCapability('servers.read').allowed;
  const servers = useQuery({ ...serversQuery, enabled: mayServers && price === null });
  const list = useId();
  const wanted = price?.name ?? nameOf(server, tool.trim());
  const spec = Object.fromEntries(Object.entries(written).flatMap(([unit, text]) => (text.trim() === '' ? [] : [[unit, Number(text)]]))) as Amounts;
  const text = JSON.stringify([wanted, spec]);
  const put = (dryRun: boolean) =>
    price === null
      ? gateway.prices.create({ name: wanted, spec }, { dryRun })
      : versioned.send((version) => gateway.prices.replace(wanted, spec, { ifMatch: `"${version}"`, dryRun }));
  const trial = useMutation({ mutationFn: async (asked: string) => ({ asked, found: await put(true) }) });
  const saved = useMutation({ mutationFn: () => put(false), onSuccess: onSaved });
  const isTried = trial.data?.asked === text && versioned.meeting === null;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (isTried) saved.mutate();
    else trial.mutate(text);
  };
  const named = tools.filter((one) => placeOf(one)[0] === server).map((one) => placeOf(one)[1]);
  return (
    <Sheet title={price === null ? 'Add a price' : `Change the price of ${forText(price.name)}`} onClose={onClose}>
      <form onSubmit={submit} className="flex flex-col gap-3 p-4">
        {price === null && (
          <div className="grid gap-3 sm:grid-cols-2">
            {mayServers ? (
              <Choice
                label="Server"
                value={server}
                choices={[['', 'all other calls'], ...withOwn(servers.data?.map((one) => one.name) ?? [], server).map((one) => [one, one] as const)]}
                onChange={(event) => setPlace([event.target.value, ''])}
              />
            ) : (
              <Field
                label="Server"
                hint="Empty: all calls without a price of their own."
                value={server}
                maxLength={63}
                onChange={(event) => setPlace([event.target.value, tool])}
              />
            )}
            <Field
              label="Tool"
              hint="Empty: every tool of the server."
              value={tool}
              maxLength={256}
              list={list}
              disabled={server === ''}
              onChange={(event) => setPlace([server, event.target.value])}
            />
            <datalist id={list}>
              {named.map((one) => (
                <option key={one} value={one}>
                  {one}
                </option>
              ))}
            </datalist>
          </div>
        )}
        <div className="grid gap-3 sm:grid-cols-2">
          {units.map(([unit, title]) => (
            <Field
              key={unit}
              label={`${title}, ${currency}`}
              inputMode="decimal"
              pattern={amountPattern}
              title="An amount below a million, with at most nine decimals"
              value={written[unit] ?? ''}
              maxLength={16}
              onChange={(event) => setWritten({ ...written, [unit]: event.target.value })}
            />
          ))}
        </div>
        <p className="text-meta text-ink-3">
          Empty fields fall back to the next broader price: that of the tool, its server, or all other calls. The price applies from now on; earlier calls keep
          theirs.
        </p>
        <ChangedMeanwhile
          versioned={versioned}
          mine={spec}
          titles={unitTitles}
          onTake={(amounts) => {
            setWritten(textsOf(amounts));
            trial.reset();
            saved.reset();
          }}
        />
        {versioned.meeting === null && <FaultLine error={saved.error ?? trial.error} />}
        {isTried && trial.data !== undefined && <Effect effect={trial.data.found.effect} currency={currency} />}
        <SheetActions
          verb={isTried ? (price === null ? 'Add the price' : 'Change the price') : trial.isPending ? 'Calculating…' : 'Calculate the effect'}
          disabled={trial.isPending || saved.isPending || versioned.meeting !== null || Object.keys(spec).length === 0}
          onClose={onClose}
        />
      </form>
    </Sheet>
  );
}

/** What the calls of the last days would have cost by a list that is not made yet. */
export function Effect({ effect, currency }: { readonly effect: Schemas['PricesChanged']['effect']; readonly currency: string }): ReactElement {
  if (effect === null) return <p role="status">The effect is unknown: the ledger does not answer.</p>;
  const { days, calls, cost_before: before, cost_after: after, truncated } = effect;
  if (calls === 0) return <p role="status">In the last {days} days there was no call that it would have priced.</p>;
  return (
    <p role="status">
      At this price, the {countText(calls)} calls of the last {days} days would have cost <b className="font-semibold">{moneyText(after, currency)}</b> instead
      of {moneyText(before, currency)} at current prices
      {before > 0 && after !== before ? ` (${after > before ? '+' : '−'}${Math.abs(((after - before) / before) * 100).toFixed(1)} %)` : ''}
      {truncated ? '; the most-called tools only' : ''}.
    </p>
  );
}

/** Amounts as they are typed. */
function textsOf(amounts: Amounts): Readonly<Record<string, string>> {
  return Object.fromEntries(units.flatMap(([unit]) => (amounts[unit] === undefined ? [] : [[unit, plainText(amounts[unit])]])));
}

function plainText(amount: number): string {
  return amount.toFixed(9).replace(/\.?0+$/, '');
}

function withOwn(names: readonly string[], own: string): readonly string[] {
  return own === '' || names.includes(own) ? names : [own, ...names];
}
