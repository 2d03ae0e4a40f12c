/**
 * A process of its own: the only one that may write what callers and servers say, and only masked. Ends when its parent does.
 */
import { createGuardedMasker, type GuardedMasker } from './guarded-masker.ts';
import type { FromMasking, ToMasking } from './masking-messages.ts';

function run(): void {
  // What it holds is what must never be written: no core file, and nobody else may read what it makes.
  process.umask(0o077);
  let masker: GuardedMasker | null = null;
  process.on('message', (message: ToMasking) => {
    switch (message.kind) {
      case 'rules':
        masker = createGuardedMasker(message.rules);
        warmUp(masker);
        say({ kind: 'done', id: message.id });
        return;
      case 'test': {
        const [masked] = (message.rules === null ? masker : createGuardedMasker(message.rules))?.mask([[message.body]]) ?? [];
        if (masked !== undefined) say({ kind: 'tested', id: message.id, masked });
      }
    }
  });
  process.on('disconnect', () => process.exit(0));
  // These reach the whole process group or service; the parent decides.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
}

/** The first bodies would else be dropped for the time that a program takes to get fast. */
function warmUp(masker: GuardedMasker): void {
  const text = JSON.stringify({
    result: { content: Array.from({ length: 20 }, (_, n) => ({ type: 'text', text: `token ${n}: ghp_${'a1'.repeat(18)} %41 &amp; ü` })) },
  });
  for (let times = 0; times < 5; times++) masker.mask([[{ name: 'request', text, form: 'json', isCut: false }]]);
}

function say(message: FromMasking): void {
  // A parent that is gone meanwhile ends this process by `disconnect`; the callback keeps EPIPE from being thrown.
  if (process.connected) process.send?.(message, () => undefined);
}

run();
