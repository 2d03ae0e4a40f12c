/** A parent that starts one bridge, says where it is, and waits to be killed. Its argument: the bridge's options in JSON. */
import { startBridgeProcess } from './bridge-process.ts';

const bridge = await startBridgeProcess(JSON.parse(process.argv[2]), () => undefined);
process.stdout.write(`${JSON.stringify({ pid: bridge.pid, address: bridge.address })}\n`);
await bridge.ended;
