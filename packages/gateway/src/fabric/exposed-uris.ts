import { fitsGlob, type Glob } from '../kernel/glob.ts';

/** A resource as its server calls it. */
export interface OwnedUri {
  readonly server: string;
  readonly uri: string;
}

/** What the servers that a caller sees list, in the order of the configuration. */
export interface ListedUris {
  readonly server: string;
  readonly uris: readonly string[];
  readonly templates: readonly string[];
}

export interface ExposedUris {
  /** The resource behind a URI that a caller names, or null where no server is known to have it. */
  ownerOf(uri: string): OwnedUri | null;
  /** What callers call a server's resource: its own URI where that leads to this server, else the wrapped one. */
  expose(server: string, uri: string): string;
  exposeTemplate(server: string, template: string): string;
}

/**
 * Whose is a URI, where many servers are one. A URI that one server has keeps its form; one that several have, that another has, or that nobody
 * is known to have carries its server (`wrapUri`), so that no read is ever served by another server than the one that was meant.
 */
export function exposeUris(listed: readonly ListedUris[]): ExposedUris {
  const servers = new Set(listed.map(({ server }) => server));
  const only = listed.length === 1 ? listed[0]?.server : undefined;
  const owners = ownersOf(listed, ({ uris }) => uris);
  const templateOwners = ownersOf(listed, ({ templates }) => templates);
  const templates = Array.from(templateOwners, ([template, server]) => ({ server, glob: templateGlob(template) }))
    .filter((one): one is { server: string; glob: Glob } => one.server !== null)
    .sort((one, other) => literalChars(other.glob) - literalChars(one.glob));

  function ownerOf(uri: string): OwnedUri | null {
    const wrapped = unwrapUri(uri);
    if (wrapped !== null) return servers.has(wrapped.server) ? wrapped : null;
    const owner = owners.get(uri);
    if (owner !== undefined) return owner === null ? null : { server: owner, uri };
    const template = uri.length > templateUriCharsMax ? undefined : templates.find(({ glob }) => fitsGlob(glob, uri));
    const server = template?.server ?? only;
    return server === undefined ? null : { server, uri };
  }

  return {
    ownerOf,
    expose: (server, uri) => (ownerOf(uri)?.server === server && unwrapUri(uri) === null ? uri : wrapUri(server, uri)),
    exposeTemplate: (server, template) => (templateOwners.get(template) === server && unwrapUri(template) === null ? template : wrapUri(server, template)),
  };
}

/** Longer ones are held against no template: both come from others. */
const templateUriCharsMax = 8192;

/** The one server that has each, or null where several have it. */
function ownersOf(listed: readonly ListedUris[], of: (one: ListedUris) => readonly string[]): Map<string, string | null> {
  const owners = new Map<string, string | null>();
  for (const one of listed) {
    for (const uri of of(one)) {
      const owner = owners.get(uri);
      owners.set(uri, owner === undefined || owner === one.server ? one.server : null);
    }
  }
  return owners;
}

const scheme = /^[A-Za-z][A-Za-z0-9+.-]*:/;
/** For text that begins with no scheme, such as a template that begins with an expression. */
const rawScheme = 'gatewayops-raw:';
const wrapped = /^([A-Za-z][A-Za-z0-9+.-]*:)\/\/~([a-z0-9][a-z0-9_-]{0,62})\/([^]*)$/;

/** `file:///a` of the server `files` → `file://~files////a`: the scheme stays (`ui://` and `skill://` mean something to clients), all behind it too. */
export function wrapUri(server: string, uri: string): string {
  const own = scheme.exec(uri)?.[0];
  if (own === undefined || own === rawScheme) return `${rawScheme}//~${server}/${uri}`;
  return `${own}//~${server}/${uri.slice(own.length)}`;
}

/** What `wrapUri` was given, or null for a URI that it did not make. */
export function unwrapUri(uri: string): OwnedUri | null {
  const [, own, server, rest] = wrapped.exec(uri) ?? [];
  if (own === undefined || server === undefined || rest === undefined) return null;
  return { server, uri: own === rawScheme ? rest : own + rest };
}

/** Every expression of a URI template (RFC 6570) stands for any text. */
function templateGlob(template: string): Glob {
  return template.split(/\{[^{}]*\}/);
}

function literalChars(glob: Glob): number {
  return glob.reduce((sum, literal) => sum + literal.length, 0);
}
