import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Files that take half a minute and more though their text is short, by which vitest goes where it has no times of an earlier run: begun among the last, one of them
 * keeps a worker busy for as long as the other has nothing left to do. Not `rolling-restart`, though it is long: beside `kill-journal` three nodes have not the processor
 * that a restart without loss needs.
 */
export const longFiles: readonly string[] = [
  'test/journeys/dashboard-pages.test.ts',
  'test/faults/kill-journal.test.ts',
  'test/conformance/client-scenarios.test.ts',
  'test/faults/kill-first-start.test.ts',
  'test/journeys/interrupted-start.test.ts',
  'test/journeys/eras-workers.test.ts',
  'test/journeys/hot-reload.test.ts',
  'test/peers/peers.test.ts',
  'test/journeys/dashboard-rules.test.ts',
  'test/journeys/dashboard-long.test.ts',
  'test/journeys/backup.test.ts',
];

export class LongFilesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted((one, other) => rankOf(one.moduleId) - rankOf(other.moduleId));
  }
}

/** `file` is an absolute path. */
export function rankOf(file: string): number {
  const place = longFiles.findIndex((long) => file.endsWith(`/${long}`));
  return place < 0 ? longFiles.length : place;
}
