import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { openPromise, type Entry, type ZipFile } from 'yauzl';
import { isSignedBy, keyIdOf, readPublicKey } from '../chain/signing-key.ts';
import { bounds } from '../kernel/bounds.ts';
import { backupFormat, manifestName, manifestSchema, signatureName, signatureSchema, type BackupManifest, type BackupPart } from './manifest.ts';

/** A file that is not a backup, or not the one that was written. `part`: where, or null where it is the file as a whole. */
export class BackupDamaged extends Error {
  override readonly name = 'BackupDamaged';
  readonly part: string | null;

  constructor(part: string | null, reason: string, cause?: unknown) {
    super(part === null ? reason : `${part}: ${reason}`, { cause });
    this.part = part;
  }
}

export interface BackupFile {
  readonly manifest: BackupManifest;
  /** Whose signature the manifest has. */
  readonly signer: { readonly keyId: string; readonly publicKey: string };
  /** In the order in which they were written. */
  parts(prefix: string): readonly BackupPart[];
  /** The bytes of a part, as they were written. Rejects with `BackupDamaged`. */
  read(part: BackupPart): Promise<Buffer>;
  /** The rows of all parts of a table, page by page, each a JSON text. Rejects with `BackupDamaged`. */
  lines(prefix: string): AsyncGenerator<readonly string[]>;
  /** Reads every part once. Rejects with `BackupDamaged` at the first that is not as it was written. */
  check(onPart: (done: number, of: number) => void): Promise<void>;
  close(): void;
}

/** Reads the end of the file and its manifest. Rejects with `BackupDamaged`, or with the error of the file. */
export async function openBackup(path: string): Promise<BackupFile> {
  const zip = await open(path);
  try {
    const entries = await listEntries(zip);
    const text = (await readEntry(zip, entries.get(manifestName), manifestName, bounds.backupManifestBytesMax)).toString('utf8');
    const manifest = readManifest(text);
    const signer = readSigner((await readEntry(zip, entries.get(signatureName), signatureName, bounds.backupManifestBytesMax)).toString('utf8'), text);
    const known = new Set([manifestName, signatureName, ...manifest.parts.map(({ name }) => name)]);
    for (const name of entries.keys()) if (!known.has(name)) throw new BackupDamaged(name, 'it was put in: the manifest does not name it');

    const read = async (part: BackupPart): Promise<Buffer> => {
      const bytes = await readEntry(zip, entries.get(part.name), part.name, bounds.backupPartBytesMax);
      if (bytes.length !== part.bytes || createHash('sha256').update(bytes).digest('hex') !== part.sha256)
        throw new BackupDamaged(part.name, 'it is not as it was written: its SHA-256 is another one');
      return bytes;
    };
    const parts = (prefix: string): readonly BackupPart[] => manifest.parts.filter(({ name }) => name.startsWith(prefix));
    return {
      manifest,
      signer,
      parts,
      read,
      async *lines(prefix) {
        for (const part of parts(prefix)) {
          const lines = (await read(part)).toString('utf8').split('\n');
          // Each line has an end.
          lines.pop();
          if (lines.length !== part.rows) throw new BackupDamaged(part.name, `it has ${lines.length} rows, and should have ${part.rows}`);
          yield lines;
        }
      },
      async check(onPart) {
        for (const [index, part] of manifest.parts.entries()) {
          await read(part);
          onPart(index + 1, manifest.parts.length);
        }
      },
      close: () => zip.close(),
    };
  } catch (error) {
    zip.close();
    throw error;
  }
}

async function open(path: string): Promise<ZipFile> {
  try {
    return await openPromise(path, { lazyEntries: true, autoClose: false, validateEntrySizes: true });
  } catch (error) {
    if (error instanceof Error && 'code' in error) throw error;
    throw new BackupDamaged(null, 'it does not end as a backup does: it was cut, or is none', error);
  }
}

async function listEntries(zip: ZipFile): Promise<ReadonlyMap<string, Entry>> {
  const entries = new Map<string, Entry>();
  try {
    for await (const entry of zip.eachEntry()) {
      if (entries.has(entry.fileName)) throw new BackupDamaged(entry.fileName, 'it is there twice');
      if (entries.size >= bounds.backupPartsMax) throw new BackupDamaged(null, `it has more than ${bounds.backupPartsMax} parts`);
      entries.set(entry.fileName, entry);
    }
  } catch (error) {
    throw error instanceof BackupDamaged ? error : new BackupDamaged(null, 'the list of its parts cannot be read', error);
  }
  return entries;
}

async function readEntry(zip: ZipFile, entry: Entry | undefined, name: string, bytesMax: number): Promise<Buffer> {
  if (entry === undefined) throw new BackupDamaged(name, 'it is missing');
  if (entry.uncompressedSize > bytesMax) throw new BackupDamaged(name, `it is larger than ${bytesMax} bytes`);
  const chunks: Buffer[] = [];
  try {
    // What is longer than the entry says ends the stream with an error.
    const stream: Readable = await zip.openReadStreamPromise(entry);
    for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  } catch (error) {
    throw new BackupDamaged(name, 'it cannot be unpacked', error);
  }
  return Buffer.concat(chunks);
}

function readManifest(text: string): BackupManifest {
  const value = parsed(manifestName, text);
  const format = typeof value === 'object' && value !== null && 'format' in value ? value.format : null;
  if (typeof format === 'number' && format > backupFormat) throw new BackupDamaged(manifestName, `its format is ${format}, of a later version of the gateway`);
  const manifest = manifestSchema.safeParse(value);
  if (!manifest.success) throw new BackupDamaged(manifestName, 'it is none that a gateway writes', manifest.error);
  return manifest.data;
}

function readSigner(text: string, manifest: string): BackupFile['signer'] {
  const parsedSignature = signatureSchema.safeParse(parsed(signatureName, text));
  if (!parsedSignature.success) throw new BackupDamaged(signatureName, 'it is none that a gateway writes', parsedSignature.error);
  const { public_key: publicKey, signature } = parsedSignature.data;
  const key = readPublicKey(publicKey);
  if (key === null || !isSignedBy(key, 'backup', manifest, signature)) throw new BackupDamaged(manifestName, 'it is not what was signed: it was changed');
  return { keyId: keyIdOf(publicKey), publicKey };
}

function parsed(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new BackupDamaged(name, 'it is not JSON', error);
  }
}
