import { plain } from './output.ts';

/** What a key may do, in words. */
export function scopeText({
  mcp_servers: servers,
  actions,
}: {
  readonly mcp_servers: readonly string[] | null;
  readonly actions: readonly string[] | null;
}): string {
  const what = actions === null ? 'every MCP operation' : actions.includes('*') ? 'everything' : actions.length === 0 ? 'nothing' : actions.join(', ');
  const where = servers === null ? 'every server' : servers.length === 0 ? 'no server' : servers.join(', ');
  return plain(`${what} on ${where}`);
}
