import type { Config } from '../../config/config.ts';
import type { ConfigFault } from '../../config/config-fault.ts';
import { objectKey, objectText, type ConfigObject, type ObjectName } from '../../kernel/config-object.ts';
import { Fault } from '../../kernel/fault.ts';
import type { ControlContext } from '../context.ts';
import type { ObjectDesk } from './object-desk.ts';

const faultsShownMax = 20;

/**
 * The configuration of these, and no others, beside the file. `changed`: what the caller makes; others that cannot serve on this node as it is do
 * not stand in its way. Faults: `config_conflict`, `restart_needed`.
 */
export function requireServes(context: Pick<ControlContext, 'objects'>, all: readonly ConfigObject[], changed: readonly ObjectName[]): Config {
  const { config, faults } = checkWith(context, all, changed);
  if (config !== null) return config;
  const [first] = faults;
  throw new Fault(
    'config_conflict',
    { reason: first === undefined ? 'no reason is given' : `${first.path}: ${first.message}. ${first.cause}`.replace(/\.$/, ''), fix: first?.fix ?? '' },
    { extra: { faults: faults.slice(0, faultsShownMax).map(({ unsafe: _, object: __, ...fault }) => fault) } },
  );
}

/** The same, as a value. Faults: `restart_needed`. */
export function checkWith(
  { objects }: Pick<ControlContext, 'objects'>,
  all: readonly ConfigObject[],
  changed: readonly ObjectName[],
): ReturnType<ObjectDesk['check']> {
  const own = new Set(changed.map(objectKey));
  const resting = objects.resting();
  return objects.check(all.filter((one) => own.has(objectKey(one)) || !resting.has(objectKey(one))));
}

/** The others that faults are about, in words. */
export function blamed(faults: readonly ConfigFault[], except: ObjectName): readonly string[] {
  const texts = faults.flatMap(({ object, line, path }) =>
    object === undefined ? [line === null ? path : `line ${line} of the file`] : objectKey(object) === objectKey(except) ? [] : [objectText(object)],
  );
  return [...new Set(texts)];
}
