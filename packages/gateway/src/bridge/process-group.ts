/**
 * The process group that a child leads: the child and whatever it started, unless that left the group with setsid(2).
 * A group keeps its number as long as one member lives, so signalling a live group cannot hit a stranger.
 */
export function signalGroup(pid: number, signal: NodeJS.Signals): boolean {
  return kill(pid, signal);
}

export function groupLives(pid: number): boolean {
  return kill(pid, 0);
}

function kill(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-pid, signal);
    return true;
  } catch (error) {
    // EPERM: a member changed its user; it lives, but is out of reach.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

const afterKillMs = 500;

/** Ends what the leader left behind: SIGTERM, then SIGKILL after `killMs`. Resolves when the group is empty or out of reach. */
export async function sweepGroup(pid: number, killMs: number): Promise<void> {
  if (!signalGroup(pid, 'SIGTERM')) return;
  const deadline = performance.now() + killMs;
  let killed = false;
  // Bounded: what SIGKILL does not end waits inside the kernel, or has ended and waits to be collected by process 1.
  while (groupLives(pid) && performance.now() < deadline + afterKillMs) {
    if (!killed && performance.now() >= deadline) killed = signalGroup(pid, 'SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
