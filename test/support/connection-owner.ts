/** Which process holds the other end of a loopback connection: how a test knows by which worker it was served. Linux only. */
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';

export const canFindOwners: boolean = existsSync('/proc/net/tcp');

/**
 * The one of `pids` that accepted the connection from `clientPort` to `serverPort`, or null: not accepted yet, or held by
 * another. proc_pid_net(5): addresses are hexadecimal, `local_address` is the holder's own.
 */
export function connectionOwner(pids: readonly number[], clientPort: number, serverPort: number): number | null {
  const inode = inodeOf(clientPort, serverPort);
  return inode === null ? null : (pids.find((pid) => holds(pid, `socket:[${inode}]`)) ?? null);
}

function inodeOf(clientPort: number, serverPort: number): string | null {
  const hex = (port: number): string => port.toString(16).toUpperCase().padStart(4, '0');
  for (const line of readFileSync('/proc/net/tcp', 'utf8').split('\n').slice(1)) {
    const [, local, remote, , , , , , , inode] = line.trim().split(/\s+/);
    if (local?.endsWith(`:${hex(serverPort)}`) && remote?.endsWith(`:${hex(clientPort)}`) && inode !== undefined && inode !== '0') return inode;
  }
  return null;
}

function holds(pid: number, link: string): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${fd}`) === link;
      } catch {
        // Closed since the folder was read.
        return false;
      }
    });
  } catch {
    return false;
  }
}
