import { hash } from 'node:crypto';
import { Readable } from 'node:stream';
import { ZipFile } from 'yazl';
import type { SigningKey } from '../chain/signing-key.ts';
import { manifestName, signatureName, type BackupManifest, type BackupPart } from './manifest.ts';

export interface BackupWriter {
  /** Resolves when the part is on its way to who reads the backup: who writes faster waits here. */
  add(name: string, rows: number, bytes: Buffer): Promise<void>;
}

/** What a manifest says beside its parts, which the writer knows. */
export type ManifestHead = Omit<BackupManifest, 'parts'>;

/** Rows are text that repeats itself: more effort takes long and gains little. */
const compressionLevel = 4;
const ownerOnly = 0o100600;

/**
 * The bytes of a backup as they are made. `fill` adds the parts and says at last what they are. It rejects with what `fill`
 * rejects with; whoever stops reading stops `fill` at its next part.
 */
export async function* backupBytes(key: SigningKey, madeAt: Date, fill: (writer: BackupWriter) => Promise<ManifestHead>): AsyncGenerator<Buffer> {
  const zip = new ZipFile();
  const output = zip.outputStream as Readable;
  const parts: BackupPart[] = [];
  const stopped = Promise.withResolvers<never>();
  stopped.promise.catch(() => undefined);
  output.once('close', () => stopped.reject(new Error('nobody reads the backup any more')));

  function put(name: string, bytes: Buffer): Promise<void> {
    const content = Readable.from([bytes], { objectMode: false });
    const taken = new Promise<void>((resolve, reject) => {
      content.once('end', resolve);
      content.once('error', reject);
    });
    zip.addReadStream(content, name, { mtime: madeAt, mode: ownerOnly, compressionLevel, size: bytes.length });
    return Promise.race([taken, stopped.promise]);
  }

  async function write(): Promise<void> {
    const head = await fill({
      async add(name, rows, bytes) {
        parts.push({ name, rows, bytes: bytes.length, sha256: hash('sha256', bytes, 'hex') });
        await put(name, bytes);
      },
    });
    const manifest = JSON.stringify({ ...head, parts } satisfies BackupManifest);
    await put(manifestName, Buffer.from(manifest));
    await put(signatureName, Buffer.from(JSON.stringify({ key_id: key.id, public_key: key.publicKey, signature: key.sign('backup', manifest) })));
    zip.end();
  }

  const written = write();
  written.catch((error: unknown) => output.destroy(error instanceof Error ? error : new Error(String(error))));
  try {
    for await (const chunk of output as AsyncIterable<Buffer>) yield chunk;
    await written;
  } finally {
    output.destroy();
    await written.catch(() => undefined);
  }
}
