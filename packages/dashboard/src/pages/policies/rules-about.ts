/** Which rules are about a server or a tool of it, by the names that they say: for whom and on what condition is another question. */
import { byWeight, type Policy } from './policy-text.ts';

/** Those that hold or rest, the weightiest first. `tool` null: any that is about something of the server. */
export function rulesAbout(rules: readonly Policy[], server: string, tool: string | null): readonly Policy[] {
  return rules.filter((rule) => rule.servers.some((pattern) => fits(pattern, server)) && (tool === null || isAboutTool(rule, tool))).toSorted(byWeight);
}

function isAboutTool({ effect, tools, resources, prompts, actions }: Policy, tool: string): boolean {
  if (actions !== null && !actions.some((action) => fits(action, 'tools.call'))) return false;
  if (tools === null) return resources === null && prompts === null;
  // What refuses is not slipped past by another spelling of the name.
  return tools.some((pattern) => (effect === 'allow' ? fits(pattern, tool) : fits(folded(pattern), folded(tool))));
}

/** As rules have names: `*` stands for any text. */
export function fits(pattern: string, name: string): boolean {
  const parts = pattern.split('*').map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join('.*')}$`, 's').test(name);
}

export function folded(name: string): string {
  return name.normalize('NFKC').toLowerCase().normalize('NFKC');
}
