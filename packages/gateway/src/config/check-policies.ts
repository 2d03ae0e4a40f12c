/** What the shape of `policies` cannot say: that names tell rules apart, that conditions can be read, that patterns fit a server there is. */
import { conditionFault } from '../kernel/condition.ts';
import { fitsGlob, parseGlob } from '../kernel/glob.ts';
import type { Checked, Complain } from './check-config.ts';
import type { Path } from './config-fault.ts';

const conditionGuide = 'docs/guides/access.md says what it can ask after; `gateway access explain` tries it on a call.';

export function checkPolicies({ file, config, leftOutServers }: Checked, complain: Complain): void {
  const entries = file.policies ?? [];
  const names = [...config.servers.map(({ name }) => name), ...leftOutServers];
  for (const [index, { name, servers, when, resources, prompts }] of entries.entries()) {
    const at: Path = ['policies', index];
    const first = entries.findIndex((other) => other.name === name);
    if (first < index)
      complain(
        [...at, 'name'],
        `two policies are named ${name}`,
        `policies[${first}] has the name already; a refusal could not say which of them it was.`,
        'Give one of them another name.',
      );
    for (const [place, pattern] of servers.entries()) {
      if (pattern.includes('*') || names.includes(pattern)) continue;
      complain(
        [...at, 'servers', place],
        `there is no server "${pattern}"`,
        'The rule would hold for nothing.',
        `Name one of ${names.join(', ') || 'servers'}, or a pattern with *.`,
      );
    }
    for (const [place, pattern] of servers.entries()) {
      if (pattern.includes('*') && names.length > 0 && !names.some((one) => fitsGlob(parseGlob(pattern), one)))
        complain([...at, 'servers', place], `no server fits "${pattern}"`, 'The rule would hold for nothing.', 'Correct the pattern, or remove it.');
    }
    const fault = when === undefined ? null : conditionFault(when, { resources, prompts });
    if (fault !== null) complain([...at, 'when'], 'the condition cannot serve', `${fault.text}.`, conditionGuide);
  }
}
