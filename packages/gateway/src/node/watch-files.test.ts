import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'vitest';
import { until } from '../../../../test/support/poll.ts';
import { watchFiles, type FileWatch } from './watch-files.ts';

let folder: string;
let watch: FileWatch | null = null;
let changes = 0;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gwo-'));
  changes = 0;
});
afterEach(() => {
  watch?.close();
  rmSync(folder, { recursive: true, force: true });
});

async function start(files: () => readonly string[], onChange: () => Promise<boolean> = async () => true): Promise<void> {
  watch = watchFiles({
    files,
    onChange: () => {
      changes++;
      return onChange();
    },
    everyMs: 10,
    retryMs: 30,
  });
  await changed(1);
}

async function changed(count: number): Promise<void> {
  await until(() => changes === count, { what: `change ${count}`, everyMs: 5 });
}

test('the first look counts as a change: what happened between the reading of a file and its watch is not missed', async () => {
  const file = join(folder, 'gateway.yaml');
  writeFileSync(file, 'one');
  await start(() => [file]);
});

test('a file that is written, replaced by another of its name, removed and made again is seen each time, once', async () => {
  const file = join(folder, 'gateway.yaml');
  writeFileSync(file, 'one');
  await start(() => [file]);
  writeFileSync(file, 'two');
  await changed(2);
  writeFileSync(`${file}.swp`, 'two');
  renameSync(`${file}.swp`, file);
  await changed(3);
  rmSync(file);
  await changed(4);
  writeFileSync(file, 'three');
  await changed(5);
});

test('a mounted ConfigMap of Kubernetes, whose link ..data is swapped, is seen', async () => {
  for (const version of ['..1', '..2']) {
    mkdirSync(join(folder, version));
    writeFileSync(join(folder, version, 'gateway.yaml'), version);
  }
  symlinkSync('..1', join(folder, '..data'));
  symlinkSync('..data/gateway.yaml', join(folder, 'gateway.yaml'));
  await start(() => [join(folder, 'gateway.yaml')]);
  symlinkSync('..2', join(folder, '..data_tmp'));
  renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
  await changed(2);
});

test('what could not be handled is handled again, without a change', async () => {
  const file = join(folder, 'gateway.yaml');
  writeFileSync(file, 'one');
  await start(
    () => [file],
    async () => changes >= 3,
  );
  await changed(3);
});

test('a file that is named only later is watched from then on', async () => {
  const [file, secret] = [join(folder, 'gateway.yaml'), join(folder, 'secret')];
  writeFileSync(file, 'one');
  writeFileSync(secret, 'one');
  const files = [file];
  await start(() => files);
  files.push(secret);
  writeFileSync(file, 'two');
  await changed(2);
  writeFileSync(secret, 'two');
  await changed(3);
});
