/** `tools.*` and its like, one for each kind of thing that MCP operations are about: what a client asks for that wants all there is. */
export function scopeGroups(mcpActions: readonly string[]): readonly string[] {
  return [...new Set(mcpActions.map((action) => `${action.slice(0, action.indexOf('.'))}.*`))].sort();
}
