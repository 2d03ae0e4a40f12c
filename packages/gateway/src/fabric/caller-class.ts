import { createHash } from 'node:crypto';
import type { CallerClass } from './catalogue.ts';
import type { ClientFace } from './dialogue.ts';

const classesMax = 1_000;

/**
 * The callers that a server's lists cannot tell apart from this one. Servers are spoken to with the gateway's own credential, which is the same
 * for all; older servers list some tools only to clients that can be asked things, so what can be asked makes the difference.
 */
export function createCallerClasses(): (face: ClientFace) => CallerClass {
  const classes = new Map<string, CallerClass>();
  return (face) => {
    const known = classes.get(face.capabilities);
    if (known !== undefined) return known;
    const made = classOf(face);
    // The texts come from callers.
    if (classes.size >= classesMax) classes.clear();
    classes.set(face.capabilities, made);
    return made;
  };
}

/** Those of a class whose headers `forwarded` go to the server with every message. They have a session of their own there. */
export function withForwarded(callers: CallerClass, forwarded: readonly string[]): CallerClass {
  if (forwarded.length === 0) return callers;
  const scope = createHash('sha256').update(JSON.stringify(forwarded)).digest('base64url');
  return { key: `${callers.key} ${scope}`, scope, forwarded, face: { ...callers.face, principalId: `${callers.face.principalId} ${scope}` } };
}

function classOf(face: ClientFace): CallerClass {
  const { sampling, elicitation, roots } = JSON.parse(face.capabilities) as Readonly<Record<string, unknown>>;
  const can = {
    ...(isObject(elicitation) && {
      elicitation: { ...(('form' in elicitation || !('url' in elicitation)) && { form: {} }), ...('url' in elicitation && { url: {} }) },
    }),
    ...(isObject(roots) && { roots: {} }),
    ...(isObject(sampling) && { sampling: {} }),
  };
  const capabilities = JSON.stringify(can);
  return { key: capabilities, scope: '', forwarded: [], face: { principalId: 'gateway', capabilities, info: null, logLevel: null } };
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
