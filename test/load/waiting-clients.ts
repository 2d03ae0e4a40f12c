/**
 * Clients whose calls wait, a process of its own so that what they cost is not what their neighbours are charged with: `waiting-clients.ts
 * PORT COUNT`, the request as it goes over the wire in $REQUEST. All send it once. First line on stdout: `{"ready":true}`, as soon as all is
 * sent; after it `{"answered":N}` whenever one is answered or cut off. Ends when its stdin ends.
 */
import { openLane } from './lane.ts';

const [port = 0, count = 0] = process.argv.slice(2).map(Number);
const request = Buffer.from(process.env['REQUEST'] ?? '');
let answered = 0;
const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
const onEnd = (): void => say({ answered: (answered += 1) });

const lanes = await Promise.all(Array.from({ length: count }, () => openLane(port, request, { onReply: onEnd, onBroken: onEnd })));
for (const lane of lanes) lane.send();
say({ ready: true });
process.stdin.resume().on('end', () => process.exit(0));
