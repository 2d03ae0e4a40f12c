import { getHeapSpaceStatistics } from 'node:v8';

/**
 * Makes what lives short collected as soon as more than `usedBytesMax` of it has come together, and says whether it has. Such a collection stands still for as long as it
 * takes to copy what is needed on; left to itself it comes when the young heap is full, of what is compiled nearly all is needed on, and so one takes many times as long.
 * `collect`: V8's `gc`, which is there in a process that was started with `--expose-gc`; without it nothing is done.
 */
export function createYoungCollector(collect: typeof globalThis.gc, usedBytesMax: number): () => boolean {
  if (collect === undefined) return () => false;
  return () => {
    if (youngBytes() <= usedBytesMax) return false;
    collect({ type: 'minor' });
    return true;
  };
}

/** Of this process. */
export function youngBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_used_size ?? 0;
}
