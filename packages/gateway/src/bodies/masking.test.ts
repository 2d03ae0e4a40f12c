import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { until } from '../../../../test/support/poll.ts';
import { bounds } from '../kernel/bounds.ts';
import { silentLog } from '../kernel/log.ts';
import type { BodyPart } from '../masking/leaves.ts';
import { createMasker, type Masker } from '../masking/masker.ts';
import type { MaskingRules } from '../masking/masking-rules.ts';
import { createGuardedMasker } from './guarded-masker.ts';
import { startMasking } from './start-masking.ts';

const rules: MaskingRules = { email: false, phone: false, fields: [], paths: [], patterns: [], fieldCharsMax: 262_144, overLimit: 'drop' };
const bodyOf = (text: string): BodyPart => ({ name: 'text', text, form: 'text', isCut: false });
const card = 'card 4111 1111 1111 1111';
const masked = {
  texts: [{ text: 'card [masked:card ****1111]', isCut: false }],
  masked: [{ rule: 'card', kind: 'card', part: 'text', path: '', offset: 5, count: 1 }],
};

describe('a guarded masker', () => {
  const faulty = (): Masker => {
    const whole = createMasker(rules);
    return {
      mask(bodies, limits) {
        const [{ text } = bodyOf('')] = bodies;
        while (text === 'hang') text.at(0);
        // As where others have the processor: the clock goes on, and nothing is done.
        if (text === 'wait') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1.2 * bounds.maskingHangMs);
        if (text === 'throw') throw new Error('broken detector');
        return whole.mask(bodies, limits);
      },
    };
  };

  test('K4: a detector that hangs or throws costs its own body only, and the reason is said', () => {
    const guarded = createGuardedMasker(rules, faulty);
    const startedMs = performance.now();
    const results = guarded.mask([[bodyOf(card)], [bodyOf('hang')], [bodyOf('throw')], [bodyOf(card)]]);
    expect(results).toEqual([masked, { texts: [{ notKept: 'timeout' }], masked: [] }, { texts: [{ notKept: 'failed' }], masked: [] }, masked]);
    expect(performance.now() - startedMs).toBeLessThan(10_000);
  });

  test('a body that waits for the processor is no body that hangs: it is kept', () => {
    const guarded = createGuardedMasker(rules, faulty);
    const kept = { texts: [{ text: 'wait', isCut: false }], masked: [] };
    expect(guarded.mask([[bodyOf(card)], [bodyOf('wait')], [bodyOf('hang')], [bodyOf(card)]])).toEqual([
      masked,
      kept,
      { texts: [{ notKept: 'timeout' }], masked: [] },
      masked,
    ]);
  });
});

describe('the masking process', () => {
  const root = mkdtempSync(join(tmpdir(), 'gwo-mask-'));
  const masking = startMasking({ rules, folder: join(root, 'bodies'), boot: 'boot', socketPath: join(root, 'masking.sock'), log: silentLog });
  afterAll(async () => {
    await masking.stop();
    rmSync(root, { recursive: true, force: true });
  });

  test('tries a text by the rules that serve, and by others', async () => {
    expect(await until(() => masking.test(bodyOf(card), null).catch(() => undefined))).toEqual(masked);
    const { texts } = await masking.test(bodyOf('ann@example.com'), { ...rules, email: true });
    expect(texts).toEqual([{ text: '[masked:email]', isCut: false }]);
    await masking.setRules({ ...rules, patterns: [{ name: 'nine', pattern: 'n{1}ine' }] });
    expect((await masking.test(bodyOf('nine lives'), null)).texts).toEqual([{ text: '[masked:nine] lives', isCut: false }]);
  });

  test('K4: killed, it comes back with the rules that hold; meanwhile nothing is tried', async () => {
    await masking.setRules({ ...rules, email: true });
    const before = masking.pid();
    process.kill(before ?? 0, 'SIGKILL');
    await until(() => masking.pid() !== null && masking.pid() !== before);
    const { texts } = await until(() => masking.test(bodyOf('ann@example.com'), null).catch(() => undefined));
    expect(texts).toEqual([{ text: '[masked:email]', isCut: false }]);
  });
});
