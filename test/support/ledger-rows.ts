/** Asks the embedded ledger of a running gateway itself, by its own socket: for checks that must not trust what they check, and for days that nobody can wait for. */
import { request } from 'node:http';
import { statePaths } from '../../packages/gateway/src/node/state-paths.ts';

/** The rows of a SELECT without FORMAT and without parameters; 64-bit integers come as text. */
export async function ledgerRows<Row>(stateFolder: string, select: string): Promise<Row[]> {
  const { status, text } = await ask(statePaths(stateFolder).ledgerSocket, `${select} FORMAT JSONEachRow`);
  if (status !== 200) throw new Error(`the ledger refuses (${status}): ${text.slice(0, 500)}`);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Row);
}

/** The number that a SELECT of one number gives. */
export async function ledgerCount(stateFolder: string, select: string): Promise<number> {
  const [row] = await ledgerRows<Readonly<Record<string, string>>>(stateFolder, select);
  return Number(Object.values(row ?? {})[0]);
}

/** A statement that gives no rows. */
export async function ledgerCommand(stateFolder: string, statement: string): Promise<void> {
  const { status, text } = await ask(statePaths(stateFolder).ledgerSocket, statement);
  if (status !== 200) throw new Error(`the ledger refuses (${status}): ${text.slice(0, 500)}`);
}

function ask(socketPath: string, sql: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path: '/', method: 'POST', agent: false, timeout: 30_000 }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      answer.on('error', reject);
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
    });
    asked.on('timeout', () => asked.destroy(new Error('the ledger does not answer')));
    asked.on('error', reject);
    asked.end(sql);
  });
}
