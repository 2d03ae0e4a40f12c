/** Every price list there was or is to be, by what it says otherwise than the one before. */
import { useQuery } from '@tanstack/react-query';
import { useState, type ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
import { Clock } from '../../time/time.tsx';
import { useNow } from '../../time/use-now.ts';
import { Button } from '../../ui/button.tsx';
import { Loaded } from '../../ui/loaded.tsx';
import { SmallTable } from '../../ui/small-table.tsx';
import { whoText } from '../../ui/who.tsx';
import { changesText } from './price-text.ts';

const shownMax = 20;
/** Of one version; the others are counted. */
const changesMax = 4;

export function PriceHistory(): ReactElement {
  const [isOpen, setOpen] = useState(false);
  return (
    <div className="mt-2">
      <Button look="quiet" className="-ml-3" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        {isOpen ? 'Hide earlier versions' : 'Show earlier versions'}
      </Button>
      {isOpen && <Versions />}
    </div>
  );
}

function Versions(): ReactElement {
  const now = useNow(60_000);
  // One more than is shown: what the last of them changed is told by the one before it.
  const list = useQuery({ queryKey: ['prices', 'versions'], queryFn: ({ signal }) => gateway.costs.prices({ limit: shownMax + 1 }, { signal }).page() });
  return (
    <Loaded query={list} what="The versions of the price list">
      {({ prices, versions, has_more: more }) =>
        versions.length === 0 ? (
          <p className="mt-2 text-ink-2">Nobody has set a price yet.</p>
        ) : (
          <div className="mt-2">
            <SmallTable titles={['Version', 'In force from', 'Set by', 'Changes']} left={4}>
              {versions.slice(0, shownMax).map((version, index) => {
                const before = versions[index + 1] ?? null;
                const changes = before === null && more ? [] : changesText(version, before);
                const currency = before !== null && before.currency !== version.currency ? [`currency ${before.currency} → ${version.currency}`] : [];
                const all = [...currency, ...changes];
                return (
                  <tr key={version.version} className="border-t border-hairline align-top">
                    <th scope="row" className="px-3 py-1.5 text-left font-medium whitespace-nowrap">
                      {version.version}
                      {version.version === prices.version && <span className="font-normal text-ink-3"> · holds</span>}
                      {Date.parse(version.effective_from) > now && <span className="font-normal text-waiting"> · ◔ upcoming</span>}
                    </th>
                    <td className="px-3 py-1.5 whitespace-nowrap">
                      <Clock time={version.effective_from} />
                    </td>
                    <td className="px-3 py-1.5 whitespace-nowrap text-ink-2" title={version.created_by}>
                      {version.source === 'file' ? 'the file' : whoText(version.created_by, version.created_by_name)}
                    </td>
                    <td className="px-3 py-1.5">
                      {all.slice(0, changesMax).map((change) => (
                        <div key={change}>{change}</div>
                      ))}
                      {all.length > changesMax && <div className="text-ink-3">and {all.length - changesMax} more</div>}
                      {all.length === 0 && <span className="text-ink-3">no price changed</span>}
                    </td>
                  </tr>
                );
              })}
            </SmallTable>
          </div>
        )
      }
    </Loaded>
  );
}
