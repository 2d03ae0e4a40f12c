import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent, type ReactElement } from 'react';
import { gateway, gatewayUrl } from '../../app/gateway.ts';
import { CheckList } from '../../ui/check-list.tsx';
import { FaultLine } from '../../ui/fault-line.tsx';
import { Choice, Field } from '../../ui/field.tsx';
import { Sheet } from '../../ui/sheet.tsx';
import { SheetActions } from '../../ui/sheet-actions.tsx';
import { ShownOnce, useKeptGuard } from '../../ui/shown-once.tsx';
import { Command } from '../../ui/states.tsx';
import { useNames } from './entry-words.tsx';

const day = 86_400_000;
const lives = [
  ['7', '7 days'],
  ['1', 'one day'],
  ['3', '3 days'],
  ['30', '30 days'],
] as const;
/** What the gateway gives where nothing is said. */
const firstRole = 'developer';

/** Whom, with which roles and teams; then the token, once. */
export function InviteUser({ onClose }: { readonly onClose: () => void }): ReactElement {
  const queries = useQueryClient();
  const [email, setEmail] = useState('');
  const [name, setName] = useState('');
  const [days, setDays] = useState('7');
  const [roleIds, setRoleIds] = useState<ReadonlySet<string>>(new Set([firstRole]));
  const [teamIds, setTeamIds] = useState<ReadonlySet<string>>(new Set());
  const roles = useNames('roles');
  const teams = useNames('teams');
  const invite = useMutation({
    mutationFn: () =>
      gateway.invitations.create({
        email: email.trim(),
        ...(name.trim() === '' ? {} : { name: name.trim() }),
        role_ids: [...roleIds],
        team_ids: [...teamIds],
        expires_at: new Date(Date.now() + Number(days) * day).toISOString(),
      }),
    onSuccess: () => void queries.invalidateQueries({ queryKey: ['invitations'] }),
  });
  const guard = useKeptGuard(onClose);
  if (invite.data !== undefined)
    return (
      <Sheet title={`${invite.data.invitation.email} is invited`} onClose={guard.close}>
        <ShownOnce
          secret={invite.data.token}
          copyLabel="Copy the token"
          about="The gateway sends no e-mail: hand this token over yourself. It is shown only once, works once, and makes whoever has it that user."
          lost="then invite the same address again, which revokes this token."
          guard={guard}
        >
          <p className="mt-2 text-ink-2">They accept it in a browser, without a key, and sign in:</p>
          <Command text={`${gatewayUrl}/invitation`} />
        </ShownOnce>
      </Sheet>
    );
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    invite.mutate();
  };
  return (
    <Sheet title="Invite a user" onClose={onClose}>
      <form onSubmit={submit} className="flex flex-col gap-3 p-4">
        <Field label="E-mail" type="email" value={email} maxLength={254} required onChange={(event) => setEmail(event.target.value)} />
        <Field
          label="Name"
          hint="Optional; without a name, the address is shown."
          value={name}
          maxLength={200}
          onChange={(event) => setName(event.target.value)}
        />
        <CheckList
          legend="Roles"
          items={[...roles.values()]}
          chosen={roleIds}
          onChange={setRoleIds}
          nothing="You cannot see the roles: they become a developer."
        />
        <CheckList legend="Teams" items={[...teams.values()]} chosen={teamIds} onChange={setTeamIds} nothing="There is no team yet." />
        <Choice label="Valid for" value={days} choices={lives} onChange={(event) => setDays(event.target.value)} />
        <p className="text-meta text-ink-3">An earlier invitation to the same address is withdrawn.</p>
        <FaultLine error={invite.error} />
        <SheetActions verb="Invite" disabled={invite.isPending || email.trim() === ''} onClose={onClose} />
      </form>
    </Sheet>
  );
}
