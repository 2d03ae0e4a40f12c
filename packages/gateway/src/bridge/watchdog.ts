import { spawn, type ChildProcess } from 'node:child_process';
import type { Log } from '../kernel/log.ts';

/**
 * Ends the processes of a bridge that was killed and can no longer do it: a `/bin/sh` of about 1 MB in a session of its
 * own reads which process groups live; when its input ends (the kernel closes the pipe with the bridge, however that
 * died) it sends them SIGTERM after 1 s and SIGKILL after 3 s.
 */
export interface Watchdog {
  add(group: number): void;
  remove(group: number): void;
  /** The bridge ends in order: nothing is signalled any more. */
  stop(): void;
}

// A fixed text; only numbers reach it. `kill` is the shell's own, so PATH does not matter.
const script = `trap '' HUP INT TERM
groups=
while read -r change group; do
  rest=
  for g in $groups; do [ "$g" = "$group" ] || rest="$rest $g"; done
  groups=$rest
  [ "$change" = + ] && groups="$groups $group"
  [ "$change" = end ] && exit 0
done
[ -z "$groups" ] && exit 0
sleep 1
for g in $groups; do kill -s TERM -- "-$g" 2>/dev/null; done
sleep 2
for g in $groups; do kill -s KILL -- "-$g" 2>/dev/null; done
`;

const restartsMax = 10;

export function startWatchdog(log: Log): Watchdog {
  const groups = new Set<number>();
  let stopped = false;
  let restarts = 0;
  let shell = launch();

  function launch(): ChildProcess {
    const started = spawn('/bin/sh', ['-c', script], { detached: true, cwd: '/', env: { PATH: '/usr/bin:/bin' }, stdio: ['pipe', 'ignore', 'ignore'] });
    started.stdin?.on('error', () => undefined);
    started.on('error', (error) =>
      log.warn('bridge.watchdog_missing', { reason: error.message, effect: 'processes survive a killed bridge if they ignore the end of their input' }),
    );
    started.on('exit', () => {
      if (stopped) return;
      restarts++;
      if (restarts > restartsMax) return log.error('bridge.watchdog_lost', { restarts });
      log.warn('bridge.watchdog_restarted', { restarts });
      shell = launch();
      for (const group of groups) tell(`+ ${group}`);
    });
    // Neither the shell nor its pipe keeps the bridge alive.
    started.unref();
    return started;
  }

  function tell(line: string): void {
    shell.stdin?.write(`${line}\n`);
  }

  return {
    add(group) {
      groups.add(group);
      tell(`+ ${group}`);
    },
    remove(group) {
      groups.delete(group);
      tell(`- ${group}`);
    },
    stop() {
      stopped = true;
      shell.stdin?.end('end 0\n');
    },
  };
}
