/**
 * What objects that were made by the API may refer to on this machine: only what `managed_by_api` names. Else whoever may make a server could
 * have the gateway's secrets sent to an address of their choice, or run any program as its user.
 */
import { fitsGlob, parseGlob } from '../kernel/glob.ts';
import { objectRows } from '../kernel/config-object.ts';
import type { Complain } from './check-config.ts';
import type { Path } from './config-fault.ts';
import type { PlacedObject } from './object-places.ts';
import type { ManagedByApiEntry } from './schema-managed.ts';

export function checkObjects(objects: readonly PlacedObject[], allowed: ManagedByApiEntry, complain: Complain): void {
  for (const { kind, spec, path } of objects) {
    const twice = objectRows[kind].named.find((member) => Object.hasOwn(spec, member));
    if (twice !== undefined) complain(path, `${twice} stands in the spec`, 'It is part of the name, which stands beside the spec.', `Remove ${twice}.`);
    if (kind !== 'server' && kind !== 'export_target') continue;
    checkReferences(spec, path, allowed, complain);
    if (kind === 'server') checkServer(spec, path, allowed, complain);
  }
}

function checkReferences(value: unknown, path: Path, allowed: ManagedByApiEntry, complain: Complain): void {
  if (Array.isArray(value)) for (const [index, item] of value.entries()) checkReferences(item, [...path, index], allowed, complain);
  if (!isMap(value)) return;
  const { env, file, kubernetes } = value;
  if (typeof env === 'string') requireAllowed('env', 'environment variable', env, allowed.env, path, complain);
  if (typeof file === 'string') requireAllowed('files', 'file', file, allowed.files, path, complain);
  if (isMap(kubernetes) && typeof kubernetes['name'] === 'string')
    requireAllowed('kubernetes', 'Kubernetes Secret', kubernetes['name'], allowed.kubernetes, path, complain);
  for (const [member, inner] of Object.entries(value)) {
    // Certificates are named by their path alone.
    if (member === 'tls' && isMap(inner))
      for (const certificate of ['ca', 'cert'] as const) {
        const named = inner[certificate];
        if (typeof named === 'string') requireAllowed('files', 'file', named, allowed.files, [...path, member, certificate], complain);
      }
    checkReferences(inner, [...path, member], allowed, complain);
  }
}

function requireAllowed(
  setting: 'env' | 'files' | 'kubernetes',
  what: string,
  named: string,
  allowed: readonly string[],
  path: Path,
  complain: Complain,
): void {
  const isPlain = setting !== 'files' || !/(?:^|\/)\.\.?(?:\/|$)/.test(named);
  if (isPlain && allowed.some((pattern) => fitsGlob(parseGlob(pattern), named))) return;
  complain(
    path,
    `the ${what} ${named.slice(0, 100)} may not be referred to from here`,
    `managed_by_api.${setting} of gateway.yaml does not name it, and its content could be sent anywhere.`,
    `Write this into gateway.yaml, or name it in managed_by_api.${setting} there.`,
  );
}

function checkServer(spec: PlacedObject['spec'], path: Path, allowed: ManagedByApiEntry, complain: Complain): void {
  if (spec['allow_addresses'] !== undefined)
    complain(
      [...path, 'allow_addresses'],
      'allow_addresses may not be set from here',
      'It opens addresses that nothing else is sent to, such as those of the metadata of clouds.',
      'Write this server into gateway.yaml.',
    );
  if (spec['transport'] !== 'stdio') return;
  const { command } = spec;
  const isAllowed =
    Array.isArray(command) && allowed.commands.some((start) => start.length <= command.length && start.every((word, index) => word === command[index]));
  if (!isAllowed)
    complain(
      [...path, 'command'],
      'this program may not be run from here',
      'managed_by_api.commands of gateway.yaml names no command that begins so, and it would run as the user of the gateway.',
      'Write this server into gateway.yaml, or name the command in managed_by_api.commands there.',
    );
  for (const member of ['env', 'cwd'])
    if (spec[member] !== undefined)
      complain(
        [...path, member],
        `${member} may not be set from here`,
        'It can make an allowed program run code that is not its own.',
        `Remove ${member}, or write this server into gateway.yaml.`,
      );
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
