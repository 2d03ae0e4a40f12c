import { closeSync, fsyncSync, openSync } from 'node:fs';
import { PGlite } from '@electric-sql/pglite';
import type { Extension } from '@electric-sql/pglite';

/** Server parameters that make PostgreSQL ask for every commit to reach the disk; PGlite's own begin with `-F`, which says not to. */
export const durableStartParams: string[] = [
  ...PGlite.defaultStartParams.filter((parameter) => parameter !== '-F'),
  '-c',
  'fsync=on',
  // Emscripten's fdatasync does nothing; its fsync calls the file system.
  '-c',
  'wal_sync_method=fsync',
];

interface NodeFileSystem {
  readonly realPath: (node: unknown) => string;
  readonly stream_ops: { fsync?: (stream: { readonly nfd?: number; readonly node: unknown }) => number };
}

/**
 * Makes fsync real: Emscripten's file system over Node's has none, so that an acknowledged commit would survive the death
 * of the process but not of the machine.
 */
export const durableWrites: Extension = {
  name: 'durable writes',
  setup: async (_database, emscripten: { readonly preRun?: readonly unknown[] }) => ({
    emscriptenOpts: { ...emscripten, preRun: [...(emscripten.preRun ?? []), hook] },
  }),
};

function hook({ FS }: { readonly FS: { readonly filesystems: { readonly NODEFS: NodeFileSystem } } }): void {
  const files = FS.filesystems.NODEFS;
  files.stream_ops.fsync = (stream) => {
    if (stream.nfd !== undefined) {
      fsyncSync(stream.nfd);
      return 0;
    }
    const folder = openSync(files.realPath(stream.node), 'r');
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
    return 0;
  };
}
