/**
 * Notices a process that hangs. After `limit` calls in a row that were given up without an answer it is asked for a
 * sign of life: a slow tool whose calls are cancelled must not cost a healthy process its state.
 */
export interface SilenceWatch {
  answered(): void;
  /** A call was cancelled, or its caller went away, before any answer came. */
  unanswered(): void;
}

export function silenceWatch(limit: number, signOfLife: () => Promise<boolean>, recycle: () => void): SilenceWatch {
  let count = 0;
  let asking = false;
  return {
    answered() {
      count = 0;
    },
    unanswered() {
      count++;
      if (count < limit || asking) return;
      asking = true;
      void signOfLife().then((alive) => {
        asking = false;
        count = 0;
        if (!alive) recycle();
      });
    },
  };
}
