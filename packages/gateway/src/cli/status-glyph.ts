import type { Paint } from './output.ts';

/** Shape, word and colour together: none of them says it alone. Success is quiet. */
export function statusText(status: string, paint: Paint): string {
  switch (status) {
    case 'success':
    case 'ok':
    case 'ready':
    case 'active':
    case 'done':
      return `✓ ${status}`;
    case 'blocked':
    case 'denied':
    case 'revoked':
      return paint.magenta(`⊘ ${status}`);
    case 'timeout':
    case 'error':
    case 'failed':
    case 'down':
    case 'unready':
      return paint.red(`⬣ ${status}`);
    case 'waiting':
    case 'starting':
    case 'running':
      return paint.blue(`◔ ${status}`);
    case 'cancelled':
      return paint.dim(`○ ${status}`);
    default:
      return paint.yellow(`▲ ${status}`);
  }
}
