/** How this command is called. Inside a checkout it is not in the PATH, and npm knows another package of this name. */
export function commandName(): string {
  return import.meta.filename.endsWith('.ts') ? 'npx --no gateway' : 'gateway';
}
