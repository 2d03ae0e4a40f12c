import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { Fault } from '../kernel/fault.ts';
import type { CredentialConfig, SecretReference } from './config.ts';
import type { Environment } from './environment.ts';

const secretBytesMax = 64 * 1024;
const kubernetesFolder = '/var/run/secrets/gatewayops';

/**
 * The value of a secret, read now. One newline at the end of a file is not part of it. `setting` names the place that asks
 * (`servers.search.credential`).
 *
 * Faults: `secret_unavailable` where it is missing or empty; `unsafe_start` where others may read its file. No fault holds
 * the value.
 */
export function resolveSecret(reference: SecretReference, env: Environment, setting: string): string {
  if ('env' in reference) {
    const value = env[reference.env];
    if (value === undefined || value === '')
      throw missing(setting, `the environment variable ${reference.env} is not set`, `Set ${reference.env} for the gateway.`);
    return value;
  }
  // Kubernetes writes mounted secrets readable for the pod's group; who may enter the pod is Kubernetes' to say.
  return readSecretFile(fileOf(reference), setting, 'file' in reference);
}

/** The header by which the gateway names itself to a server. Faults: as `resolveSecret`; a secret must fit into a header line. */
export function resolveCredential(credential: CredentialConfig, env: Environment, setting: string): { readonly header: string; readonly value: string } {
  const secret = oneLine(resolveSecret(credential.secret, env, setting), setting);
  return credential.type === 'bearer' ? { header: 'authorization', value: `Bearer ${secret}` } : { header: credential.name.toLowerCase(), value: secret };
}

/** A secret that is to be sent in a header. Faults: `secret_unavailable`. */
export function oneLine(secret: string, setting: string): string {
  if (/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(secret)) return secret;
  throw missing(setting, 'it holds line breaks, spaces around it or characters that no header may carry', 'Keep only the secret, in one line of ASCII.');
}

export function fileOf(reference: Exclude<SecretReference, { readonly env: string }>): string {
  return 'file' in reference ? reference.file : `${kubernetesFolder}/${reference.kubernetes.name}/${reference.kubernetes.key}`;
}

export interface SecretReader {
  readonly setting: string;
  readonly reference: SecretReference;
  readonly read: () => string;
}

function readSecretFile(path: string, setting: string, ownerOnly: boolean): string {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) throw missing(setting, `${path} is not a file`, 'Name a file that holds only the secret.');
    if (ownerOnly && (stat.mode & 0o077) !== 0) {
      const reason = `the file ${path} of ${setting} may be read or changed by others (mode ${(stat.mode & 0o777).toString(8).padStart(4, '0')})`;
      throw new Fault('unsafe_start', { reason, fix: `Run: chmod 600 ${path}` });
    }
    if (stat.size > secretBytesMax) throw missing(setting, `${path} is larger than 64 KiB`, 'Name a file that holds only the secret.');
    const value = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(descriptor)).replace(/\r?\n$/, '');
    if (value === '') throw missing(setting, `${path} is empty`, 'Write the secret into it.');
    if (value.includes('\0')) throw missing(setting, `${path} holds binary data`, 'Name a file that holds only the secret, as text.');
    return value;
  } catch (error) {
    if (error instanceof Fault) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw missing(setting, `there is no file ${path}`, 'Create it, readable by its owner alone, or correct the reference.', error);
    if (code === 'EACCES' || code === 'EPERM') throw missing(setting, `this user may not read ${path}`, "Make the gateway's user its owner.", error);
    throw missing(setting, `${path} cannot be read as text`, 'Name a file that holds only the secret.', error);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

export function missing(setting: string, reason: string, fix: string, cause?: unknown): Fault {
  return new Fault('secret_unavailable', { setting, reason, fix }, cause === undefined ? {} : { cause });
}
