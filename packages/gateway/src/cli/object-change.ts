import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse } from 'yaml';
import { objectRows, type ObjectKind } from '../kernel/config-object.ts';
import { Fault } from '../kernel/fault.ts';
import type { Command, CommandContext } from './command.ts';
import { outcomeOf } from './directory-answers.ts';
import { openGatewayClient, type GatewayClient } from './gateway-client.ts';
import { objectOf } from './object-answers.ts';
import { plain } from './output.ts';

type Spec = Readonly<Record<string, unknown>>;

export function objectCreate(kind: ObjectKind): Command {
  return async (context) => {
    const { name, client, query } = askedOf(context);
    const answer = await client.request('POST', `/v1/${objectRows[kind].plural}`, { query, body: { name, spec: specAfter(context, {}) } });
    say(context, kind, name, outcomeOf(answer, client.where), answer);
    return undefined;
  };
}

export function objectUpdate(kind: ObjectKind): Command {
  return async (context) => {
    const { name, client, query } = askedOf(context);
    if (context.options.text('file') === undefined && context.options.list('set').length === 0)
      throw new Fault('usage', { reason: 'Say what it is to be: --file FILE, --set MEMBER=VALUE, or both.' });
    const before = await managedOf(client, kind, name);
    const answer = await client.request('PUT', pathOf(kind, name), {
      query,
      headers: { 'if-match': `"${before.version ?? 0}"` },
      body: { spec: specAfter(context, before.spec ?? {}) },
    });
    say(context, kind, name, outcomeOf(answer, client.where), answer);
    return undefined;
  };
}

export function objectDelete(kind: ObjectKind): Command {
  return async (context) => {
    const { name, client, query } = askedOf(context);
    const { version } = await managedOf(client, kind, name);
    const answer = await client.request('DELETE', pathOf(kind, name), { query, headers: { 'if-match': `"${version ?? 0}"` } });
    say(context, kind, name, outcomeOf(answer, client.where), answer);
    return undefined;
  };
}

function askedOf(context: CommandContext): { readonly name: string; readonly client: GatewayClient; readonly query: { readonly dry_run: string } } {
  const [name = ''] = context.arguments;
  return { name, client: openGatewayClient(context), query: { dry_run: String(context.options.on('dry-run')) } };
}

function pathOf(kind: ObjectKind, name: string): string {
  return `/v1/${objectRows[kind].plural}/${encodeURIComponent(name)}`;
}

/** As it stands. What a file says has no version: the gateway refuses the change and names the line. */
async function managedOf(client: GatewayClient, kind: ObjectKind, name: string): Promise<Pick<ReturnType<typeof objectOf>, 'version' | 'spec'>> {
  const answer = await client.request('GET', pathOf(kind, name));
  if (kind !== 'server') return objectOf(kind, answer, client.where);
  const { server } = answer as { readonly server?: { readonly managed?: unknown } };
  return objectOf(kind, { server: server?.managed }, client.where);
}

function specAfter(context: CommandContext, before: Spec): Spec {
  const written = readSpec(context);
  let spec = written ?? before;
  for (const setting of context.options.list('set')) {
    const at = setting.indexOf('=');
    if (at < 1) throw new Fault('usage', { reason: `--set ${setting.slice(0, 60)} must be MEMBER=VALUE.` });
    spec = withMember(spec, setting.slice(0, at).split('.'), valueOf(setting.slice(at + 1), `--set ${setting.slice(0, at)}`));
  }
  return spec;
}

function readSpec({ options, cwd }: CommandContext): Spec | null {
  const file = options.text('file');
  if (file === undefined) return null;
  let text: string;
  try {
    text = readFileSync(file === '-' ? 0 : resolve(cwd, file), 'utf8');
  } catch (error) {
    throw new Fault('usage', { reason: `${file} cannot be read.` }, { cause: error });
  }
  const value = valueOf(text, file) ?? {};
  if (typeof value !== 'object' || Array.isArray(value)) throw new Fault('usage', { reason: `${file} must hold a map of settings.` });
  return value as Spec;
}

function valueOf(text: string, where: string): unknown {
  try {
    return parse(text, { schema: 'core', merge: false, stringKeys: true, maxAliasCount: 100, logLevel: 'error' });
  } catch (error) {
    throw new Fault('usage', { reason: `${where} is not valid YAML.` }, { cause: error });
  }
}

/** A copy with another member; null takes it away. */
function withMember(map: Spec, [member = '', ...inner]: readonly string[], value: unknown): Spec {
  const { [member]: before, ...others } = map;
  if (inner.length === 0) return value === null ? others : { ...map, [member]: value };
  const section = typeof before === 'object' && before !== null && !Array.isArray(before) ? (before as Spec) : {};
  return { ...map, [member]: withMember(section, inner, value) };
}

function say({ out }: CommandContext, kind: ObjectKind, name: string, outcome: string, answer: unknown): void {
  const one = `The ${objectRows[kind].title} ${plain(name)}`;
  const said: Readonly<Record<string, string>> = {
    created: `✓ ${one} is there, on every node within a second.`,
    changed: `✓ ${one} is changed, on every node within a second.`,
    unchanged: `${one} is so already.`,
    deleted: `✓ ${one} is gone, on every node within a second.`,
    planned: `${one}: it could be done.`,
  };
  out.result(answer, () => said[outcome] ?? outcome);
}
