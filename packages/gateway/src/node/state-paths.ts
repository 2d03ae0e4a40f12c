/**
 * Where everything lies in the state folder. Unix sockets may have at most 107 bytes of path (sun_path, unix(7)), so
 * where the state folder is deeper than that leaves room for, they lie in an owner-only folder of the temporary folder,
 * named by the state folder's hash: the CLI finds them by the same rule.
 */
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export interface StatePaths {
  readonly root: string;
  readonly lock: string;
  readonly secrets: string;
  readonly journal: string;
  /** Where the chain of calls is. */
  readonly callChain: string;
  readonly registry: string;
  readonly ledger: string;
  /** Files that were asked for; of the running process only. */
  readonly exports: string;
  /** Values of the embedded shared state. */
  readonly state: string;
  /** The price list that served last. */
  readonly prices: string;
  /** Folder of all sockets; created with mode 0700. */
  readonly sockets: string;
  /** Owner-only control API for the CLI: whoever can open it is the operator. */
  readonly adminSocket: string;
  /** Control API for requests that workers pass on: each is authenticated. */
  readonly controlSocket: string;
  readonly registrySocket: string;
  readonly ledgerSocket: string;
  /** Masked bodies on their way to the ledger. */
  readonly bodies: string;
  /** Owner-only: what is not masked yet goes through it. */
  readonly maskingSocket: string;
  /** `generation` above 0: for a bridge that takes the place of one that still runs. */
  bridgeSocket(server: string, generation?: number): string;
}

const socketPathBytesMax = 107;
const longestSocketName = 'bridge-0123456789abcdef.sock'.length;

export function statePaths(stateFolder: string): StatePaths {
  const root = resolve(stateFolder);
  const inside = join(root, 'run');
  const sockets = Buffer.byteLength(inside) + 1 + longestSocketName <= socketPathBytesMax ? inside : join(tmpdir(), `gatewayops-${hash(root)}`);
  return {
    root,
    lock: join(root, 'lock'),
    secrets: join(root, 'secrets'),
    journal: join(root, 'journal'),
    callChain: join(root, 'call-chain.json'),
    registry: join(root, 'registry'),
    ledger: join(root, 'ledger'),
    exports: join(root, 'exports'),
    state: join(root, 'state'),
    prices: join(root, 'prices.json'),
    sockets,
    adminSocket: join(sockets, 'admin.sock'),
    controlSocket: join(sockets, 'control.sock'),
    // PostgreSQL clients derive the name `.s.PGSQL.{port}` from a folder.
    registrySocket: join(sockets, '.s.PGSQL.5432'),
    ledgerSocket: join(sockets, 'ledger.sock'),
    bodies: join(root, 'bodies'),
    maskingSocket: join(sockets, 'masking.sock'),
    bridgeSocket: (server, generation = 0) => join(sockets, `bridge-${hash(generation === 0 ? server : `${server} ${generation}`)}.sock`),
  };
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
