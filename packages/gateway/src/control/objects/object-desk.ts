import type { ConfigFault } from '../../config/config-fault.ts';
import type { Config } from '../../config/config.ts';
import type { ObjectPlace } from '../../config/object-places.ts';
import type { Desired } from '../../config/read-desired.ts';
import type { FixedObject } from '../../config/config-loader.ts';
import type { ConfigObject } from '../../kernel/config-object.ts';

/** What this node's configuration consists of: its file, and what was made beside it. */
export interface ObjectDesk {
  /** Of the file that serves, and servers of the environment. */
  fixed(): readonly FixedObject[];
  /** Lines of the prices that the file says, by name. */
  priceLines(): ReadonlyMap<string, number>;
  /** Lines of the policies that the file says, by name. */
  policyLines(): ReadonlyMap<string, number>;
  /** Where each that serves beside the file would stand in it. */
  places(): readonly ObjectPlace[];
  /** Why something of the registry does not serve on this node, by `objectKey`; what serves is not in it. */
  resting(): ReadonlyMap<string, string>;
  /** The configuration of the file that serves and these, or what is wrong with it. Faults: `restart_needed`. */
  check(
    objects: readonly ConfigObject[],
  ): { readonly config: Config; readonly faults: readonly [] } | { readonly config: null; readonly faults: readonly ConfigFault[] };
  /** What a document says that there is to be. Faults: `config_invalid`. */
  desired(document: string): Desired;
  /** What was made is in the registry: resolves when every worker of this node goes by it. Other nodes follow within a second. */
  refresh(): Promise<void>;
}
