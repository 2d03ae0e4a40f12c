import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { bounds } from '../../kernel/bounds.ts';

/** What the front needs of an engine. Rejections carry ClickHouse's own text: `Code: N. DB::Exception: … (NAME)`. */
export interface LedgerEngine {
  /** Runs one statement and gives the bytes of its result. */
  run(sql: string, parameters: Readonly<Record<string, string>>): Promise<Uint8Array>;
}

/** What @clickhouse/client asks of an HTTP server and has no meaning here: results are always whole and never compressed. */
const transportParameters = new Set([
  'query',
  'query_id',
  'wait_end_of_query',
  'http_response_buffer_size',
  'send_progress_in_http_headers',
  'enable_http_compression',
]);

/**
 * Serves the part of ClickHouse's HTTP interface (https://clickhouse.com/docs/interfaces/http) that our adapter uses through
 * @clickhouse/client: `/ping`; a statement as body; `INSERT … FORMAT X` in `query` with its rows as body; parameters as
 * `param_x`. Settings stand in the statement; in the address they are refused. Errors are answered as ClickHouse does.
 */
export function createEngineFront(engine: LedgerEngine, incomingFolder: string): Server {
  let files = 0;

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      if (!response.headersSent) fail(response, error);
      else response.destroy();
    });
  });
  server.maxConnections = 64;
  // A row of the ledger can take its time; the adapter's own time limits end a request.
  server.requestTimeout = 0;
  server.keepAliveTimeout = bounds.keepAliveMs;
  return server;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const address = new URL(request.url ?? '/', 'http://engine');
    if (address.pathname === '/ping') return succeed(response, Buffer.from('Ok.\n'));
    if (address.pathname !== '/' || request.method !== 'POST') throw new EngineRefusal(404, 73, 'There is no such page', 'UNKNOWN_FORMAT');
    const query = address.searchParams.get('query');
    const statement = query ?? (await readText(request));
    const parameters = readParameters(address.searchParams, statement);
    if (query === null) return succeed(response, await engine.run(statement, parameters));
    const insert = insertForm.exec(query);
    if (insert === null) throw new EngineRefusal(400, 62, 'A statement with data must be INSERT INTO table (columns) [SETTINGS …] FORMAT name', 'SYNTAX_ERROR');
    const [, into = '', settings = '', format = ''] = insert;
    const file = join(incomingFolder, `${++files}.rows`);
    try {
      const bytes = await receive(request, file);
      // The engine's own HTTP server takes an insert of nothing; the statement below would be refused.
      if (bytes > 0) await engine.run(`${into} FROM INFILE '${file.replace(/[\\']/g, '\\$&')}' ${settings} FORMAT ${format}`, parameters);
    } finally {
      await rm(file, { force: true });
    }
    succeed(response, Buffer.alloc(0));
  }
}

/** The insert up to its columns, its settings, its format. */
const insertForm = /^([\s\S]*?\bINSERT\s+INTO\s+[\w.`]+\s*(?:\([^()]*\))?)\s*(SETTINGS\s[\s\S]*?)?\s*FORMAT\s+(\w+)\s*$/i;

class EngineRefusal extends Error {
  readonly status: number;

  constructor(status: number, code: number, text: string, name: string) {
    super(`Code: ${code}. DB::Exception: ${text}. (${name})`);
    this.status = status;
  }
}

function readParameters(search: URLSearchParams, statement: string): Record<string, string> {
  const parameters: Record<string, string> = {};
  for (const [name, value] of search) {
    if (name.startsWith('param_')) {
      const parameter = name.slice('param_'.length);
      parameters[parameter] = unescape(value, statement.includes(`{${parameter}:Array(`));
    } else if (!transportParameters.has(name))
      throw new EngineRefusal(400, 115, `The embedded ledger takes settings in the statement, not in the address: ${name}`, 'UNKNOWN_SETTING');
  }
  return parameters;
}

const escapes: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', b: '\b', f: '\f', '0': '\0' };

/**
 * Parameters travel in ClickHouse's escaped form, and chDB escapes what it is given once more. Arrays keep the quoting of
 * their texts inside that form, which this would lose: theirs may not need any.
 */
function unescape(value: string, isArray: boolean): string {
  if (isArray && value.includes('\\'))
    throw new EngineRefusal(400, 36, 'The embedded ledger takes arrays only of texts without quotes, backslashes and control characters', 'BAD_ARGUMENTS');
  return value.replace(/\\(.)/gs, (_, code: string) => escapes[code] ?? code);
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bounds.ledgerRequestBytesMax) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function receive(request: IncomingMessage, file: string): Promise<number> {
  let bytes = 0;
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes > bounds.ledgerRequestBytesMax) done(tooLarge());
      else done(null, chunk);
    },
  });
  await pipeline(request, counted, createWriteStream(file, { flags: 'w', mode: 0o600 }));
  return bytes;
}

function tooLarge(): EngineRefusal {
  return new EngineRefusal(413, 307, `More than ${bounds.ledgerRequestBytesMax} bytes`, 'TOO_MANY_BYTES');
}

function succeed(response: ServerResponse, body: Uint8Array): void {
  response.writeHead(200, { 'content-type': 'text/plain; charset=UTF-8', 'content-length': body.length });
  response.end(body);
}

function fail(response: ServerResponse, error: unknown): void {
  const text = error instanceof Error ? error.message : String(error);
  const body = Buffer.from(text);
  response.writeHead(error instanceof EngineRefusal ? error.status : 500, {
    'content-type': 'text/plain; charset=UTF-8',
    'content-length': body.length,
    'x-clickhouse-exception-code': /Code: (\d+)/.exec(text)?.[1] ?? '1002',
  });
  response.end(body);
}
