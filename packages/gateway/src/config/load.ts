import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ConfigObject } from '../kernel/config-object.ts';
import { Fault } from '../kernel/fault.ts';
import { buildConfig } from './build-config.ts';
import { checkConfig, type Complain } from './check-config.ts';
import { checkObjects } from './check-objects.ts';
import { configInvalid, pathText, type ConfigFault, type Path } from './config-fault.ts';
import type { Config, ServerConfig } from './config.ts';
import { readEnvironmentSettings } from './environment-settings.ts';
import type { Environment } from './environment.ts';
import { findProgram } from './find-program.ts';
import { parseListenAddress, type ListenAddress } from './listen-address.ts';
import { readWellShaped } from './well-shaped.ts';
import { withObjects } from './with-objects.ts';
import { parseYamlSource } from './yaml-source.ts';

export interface LoadOptions {
  /** Path of gateway.yaml; null: defaults and environment alone. */
  readonly file: string | null;
  readonly env: Environment;
  readonly overrides?: { readonly listen?: string | undefined };
  /** Read before, by `readConfigText`; absent: it is read now. */
  readonly text?: string;
  /** What was made beside the file; where both have something, the file's holds. */
  readonly objects?: readonly ConfigObject[];
}

const fileBytesMax = 1024 * 1024;

/**
 * The configuration: file, then environment, then options; each overrides what is before it. Frozen; programs of stdio
 * servers are resolved to absolute paths. Faults: `config_unreadable`, `config_invalid` with every fault found.
 */
export function loadConfig({ file, env, overrides = {}, text, objects = [] }: LoadOptions): Config {
  const path = file === null ? null : resolve(file);
  const written = parseYamlSource(text ?? readConfigText(path));
  const { settings, faults: environmentFaults } = readEnvironmentSettings(env);
  const faults: ConfigFault[] = [...written.faults, ...environmentFaults];
  if (written.value === undefined) throw configInvalid(path, faults);

  const source = withObjects(written, objects);
  const shaped = readWellShaped(source);
  faults.push(...shaped.faults);
  const complain: Complain = (at, message, cause, fix, { part, ...more } = {}) =>
    void faults.push({ ...source.place(shaped.origin(at), part), path: pathText(shaped.origin(at)), message, cause, fix, ...more });
  const complainVariable = (name: string, message: string, cause: string, fix: string): void =>
    void faults.push({ line: null, column: null, path: name, message: `${name} ${message}`, cause, fix });
  const config = buildConfig({
    file: shaped.file,
    path,
    settings,
    listen: listenAddress(shaped.file.listen.http, overrides.listen, faults),
    textAt: (at: Path) => source.textAt(shaped.origin(at)),
    complain,
    complainVariable,
  });
  checkConfig({ file: shaped.file, config, env, leftOutServers: shaped.leftOutServers }, complain);
  checkObjects(source.objects, shaped.file.managed_by_api, complain);
  if (faults.length > 0) throw configInvalid(path, faults.map(source.attributed));
  return deepFreeze({ ...config, servers: config.servers.map((server) => pinProgram(server, env)) });
}

/** The text of the file; of none, one that says nothing. Faults: `config_unreadable`. */
export function readConfigText(path: string | null): string {
  if (path === null) return 'version: 1';
  const unreadable = (reason: string, cause?: unknown): Fault => new Fault('config_unreadable', { file: path, reason }, { cause });
  let bytes: Buffer;
  let descriptor: number | undefined;
  try {
    // Without O_NONBLOCK, opening a named pipe would wait for its writer.
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stat = fstatSync(descriptor);
    if (stat.isDirectory()) throw unreadable('it is a folder');
    if (!stat.isFile()) throw unreadable('it is not a regular file');
    if (stat.size > fileBytesMax) throw unreadable('it is larger than 1 MiB');
    bytes = readFileSync(descriptor);
  } catch (error) {
    if (error instanceof Fault) throw error;
    const { code } = error as NodeJS.ErrnoException;
    const reasons: Record<string, string> = {
      ENOENT: 'there is no such file',
      ENOTDIR: 'a part of its path is no folder',
      EACCES: 'this user may not read it',
      EPERM: 'this user may not read it',
      ELOOP: 'it is a link to itself',
      ENAMETOOLONG: 'its name is too long',
    };
    throw unreadable(reasons[code ?? ''] ?? `the system says ${code ?? 'that it failed'}`, error);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    if (text.includes('\0')) throw unreadable('it is a binary file');
    return text;
  } catch (error) {
    throw error instanceof Fault ? error : unreadable('it is not UTF-8 text', error);
  }
}

function listenAddress(written: string, override: string | undefined, faults: ConfigFault[]): ListenAddress {
  const fallback = { host: '127.0.0.1', port: 8080 };
  if (override === undefined) return parseListenAddress(written) ?? fallback;
  const address = parseListenAddress(override);
  if (address !== null) return address;
  const message = '--listen must be HOST:PORT';
  faults.push({
    line: null,
    column: null,
    path: '--listen',
    message,
    cause: `It is "${override.slice(0, 60)}".`,
    fix: 'Write it like 127.0.0.1:8080, [::1]:8080 or :8080 (all interfaces); port 0 picks a free one.',
  });
  return fallback;
}

/** A program is found once: what stands in PATH later changes nothing. */
function pinProgram(server: ServerConfig, env: Environment): ServerConfig {
  if (server.transport !== 'stdio') return server;
  const [program, ...rest] = server.command;
  return { ...server, command: [findProgram(program, server.cwd, env['PATH'] ?? '').found ?? program, ...rest] };
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}
