import { z } from '@hono/zod-openapi';
import type { ControlContext } from '../control/context.ts';
import { nameActors } from '../control/directory/name-actors.ts';

export const actorNameSchema = z
  .string()
  .nullable()
  .openapi({ description: 'What whoever did it is called now; null: they have no name, are gone or have been erased, or it is not known now.' });

const actorMembers = ['created_by', 'changed_by'] as const;

/** A body and, of each id in it that says who made or changed it, the name. */
export type WithNames<Body> = Body & {
  readonly [Member in Extract<keyof Body, (typeof actorMembers)[number]> as `${Member}_name`]: string | null;
};

type Bodies = Readonly<Record<string, unknown>>;

/** One question for all of them. */
export async function withActorNames<Body extends Bodies>(
  context: Pick<ControlContext, 'registry' | 'organizationId'>,
  bodies: readonly Body[],
): Promise<WithNames<Body>[]> {
  const names = await nameActors(context, bodies.flatMap(actorsIn));
  return bodies.map((body) => named(body, names));
}

/** The same of one. */
export async function withActorName<Body extends Bodies>(context: Pick<ControlContext, 'registry' | 'organizationId'>, body: Body): Promise<WithNames<Body>> {
  return named(body, await nameActors(context, actorsIn(body)));
}

/** `names`: by id, of `nameActors`. */
export function named<Body extends Bodies>(body: Body, names: ReadonlyMap<string, string>): WithNames<Body> {
  const said = actorMembers.flatMap((member) => (member in body ? [[`${member}_name`, names.get(String(body[member])) ?? null]] : []));
  // Which members there are the compiler cannot follow.
  return { ...body, ...Object.fromEntries(said) } as WithNames<Body>;
}

function actorsIn(body: Bodies): readonly string[] {
  return actorMembers.flatMap((member) => (typeof body[member] === 'string' ? [body[member]] : []));
}
