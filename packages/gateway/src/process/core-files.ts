import { writeFileSync } from 'node:fs';

/**
 * What this process holds in memory is not written to a core file, should it ever crash: it holds what callers and servers say, unmasked, and
 * credentials (core(5), `/proc/PID/coredump_filter`). Elsewhere than on Linux core files are off unless somebody turns them on.
 */
export function keepOutOfCoreFiles(): void {
  try {
    writeFileSync('/proc/self/coredump_filter', '0');
  } catch {
    // No such file, or it may not be written: then the machine's own limit on core files holds.
  }
}
