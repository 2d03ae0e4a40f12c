import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type ReactElement } from 'react';
import { Button } from '../../ui/button.tsx';
import { FaultLine } from '../../ui/fault-line.tsx';
import { FindField } from '../../ui/find-field.tsx';
import { Sheet } from '../../ui/sheet.tsx';
import { listEntries, updateEntry, type Entry } from './nouns.ts';
import { Loaded } from '../../ui/loaded.tsx';

const shownMax = 20;

/** Users into a team, one after the other. */
export function AddMember({ team, onClose }: { readonly team: Pick<Entry, 'id' | 'name'>; readonly onClose: () => void }): ReactElement {
  const queries = useQueryClient();
  const [find, setFind] = useState<string | undefined>();
  const found = useQuery({
    queryKey: ['people', 'users', 'to-add', find],
    queryFn: ({ signal }) => listEntries('users', find === undefined ? {} : { q: find }, shownMax, undefined, signal),
  });
  const add = useMutation({
    mutationFn: (user: Entry) => updateEntry('users', user, { team_ids: [...(user.team_ids ?? []), team.id] }),
    onSettled: () => queries.invalidateQueries({ queryKey: ['people'] }),
  });
  return (
    <Sheet title={`Add to ${team.name}`} onClose={onClose}>
      <div className="flex flex-col gap-3 p-4">
        <FindField placeholder="Part of the name, e-mail address or id" value={find} onFind={setFind} />
        <FaultLine error={add.error} />
        <Loaded query={found} what="The users" rows={4}>
          {(data) =>
            data.entries.length === 0 ? (
              <p className="text-ink-2">No users match.</p>
            ) : (
              <ul className="flex flex-col">
                {data.entries.map((user) => (
                  <li key={user.id} className="flex min-h-9 items-center justify-between gap-3">
                    <span className="min-w-0 truncate">
                      {user.name} <span className="text-ink-3">{user.email ?? ''}</span>
                    </span>
                    {user.team_ids?.includes(team.id) === true ? (
                      <span className="text-ink-3">a member</span>
                    ) : (
                      <Button disabled={add.isPending} aria-label={`Add ${user.name}`} onClick={() => add.mutate(user)}>
                        Add
                      </Button>
                    )}
                  </li>
                ))}
              </ul>
            )
          }
        </Loaded>
        <p className="text-meta text-ink-3">Rules about the team apply to its members on every node within a second.</p>
      </div>
    </Sheet>
  );
}
