/** The protocol versions that the gateway relays. Source: https://modelcontextprotocol.io/specification/versioning */
export const modernVersions: readonly string[] = ['2026-07-28'];
export const legacyVersions: readonly string[] = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'];
export const allVersions: readonly string[] = [...modernVersions, ...legacyVersions];

const firstModernVersion = '2026-07-28';
const modern = new Set(modernVersions);
const legacy = new Set(legacyVersions);

/** A dated version at or after the first that is stateless: dates of this form order as text. */
export function isModernVersion(version: string): boolean {
  return version.length === 10 && version >= firstModernVersion;
}

export function isServedModern(version: string): boolean {
  return modern.has(version);
}

export function isServedLegacy(version: string): boolean {
  return legacy.has(version);
}

/** The only revision with JSON-RPC batches; also what an absent MCP-Protocol-Version means (2025-11-25, transports). */
export const batchVersion = '2025-03-26';
