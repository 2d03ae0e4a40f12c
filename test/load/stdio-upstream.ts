/**
 * A server of the fleet (`fleet.ts`) as a program on stdio, for the bench of bridges: `stdio-upstream.ts TOOLS`. It speaks both eras, a
 * message a line, and answers at once. Ends when its stdin ends.
 */
import { createInterface } from 'node:readline';
import { createFleetWords, type FleetMessage } from './fleet-words.ts';

const resultOf = createFleetWords(Number(process.argv[2] ?? 10));

createInterface({ input: process.stdin }).on('line', (line) => {
  const message = JSON.parse(line) as FleetMessage;
  if (message.id === undefined) return;
  process.stdout.write(`{"jsonrpc":"2.0","id":${JSON.stringify(message.id)},"result":${resultOf(message)}}\n`);
});
