import { bounds } from '../kernel/bounds.ts';

/**
 * Variables that a worker needs: those by which Node.js, OpenSSL and the C library know how to run. It makes the TLS connections
 * to servers, so a private certificate authority is among them.
 */
const kept =
  /^(?:NODE_(?:OPTIONS|EXTRA_CA_CERTS|USE_SYSTEM_CA|TLS_REJECT_UNAUTHORIZED|ICU_DATA|DEBUG|V8_COVERAGE)|SSL_CERT_(?:FILE|DIR)|OPENSSL_CONF|UV_\w+|MALLOC_\w+|LD_\w+|DYLD_\w+|LANG|LC_\w+|TZ|TMPDIR|TERM|NO_COLOR|FORCE_COLOR)$/;

/**
 * For `cluster.fork`, which gives a worker all of this process's environment and passes over what is undefined here: secrets of the
 * configuration are the supervisor's, and a worker gets those that it needs with its snapshot. `own` is this process's environment.
 */
export function workerEnvironment(own: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> {
  const passed = Object.fromEntries(Object.entries(own).map(([name, value]) => [name, kept.test(name) ? value : undefined]));
  return {
    ...passed,
    // Of an option that is given twice Node.js takes the last: what the operator says holds.
    NODE_OPTIONS: `--expose-gc --max-semi-space-size=${bounds.workerYoungMib} ${own['NODE_OPTIONS'] ?? ''}`.trim(),
    UV_THREADPOOL_SIZE: own['UV_THREADPOOL_SIZE'] ?? String(bounds.workerThreads),
  };
}
