/**
 * Work in steps, done in slices of time: between two of them whoever shares the event loop has its turn. A step that takes longer than a slice
 * makes it so much longer, so steps are to be short. `between`: is called after each of these turns; when it says that it has done something they have another one.
 */
export async function inSlices<Result>(steps: Generator<void, Result>, sliceMs: number, between?: () => boolean): Promise<Result> {
  for (;;) {
    const endsAtMs = performance.now() + sliceMs;
    do {
      const step = steps.next();
      if (step.done === true) return step.value;
    } while (performance.now() < endsAtMs);
    await new Promise((resolve) => setImmediate(resolve));
    if (between?.() === true) await new Promise((resolve) => setImmediate(resolve));
  }
}

/** The same for who has nobody to let pass. */
export function atOnce<Result>(steps: Generator<void, Result>): Result {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}
