/** A TCP way to a server that can be cut, as where a node loses its store and the others do not. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface Link {
  /** The URL of the server, by this way. */
  readonly url: string;
  /** Ends every connection, and takes no other until `mend`. */
  cut(): void;
  mend(): void;
  stop(): Promise<void>;
}

export async function startLink(target: string): Promise<Link> {
  const { hostname, port } = new URL(target);
  const open = new Set<Socket>();
  let isCut = false;
  const server = createServer((near) => {
    near.on('error', () => undefined);
    if (isCut) return void near.destroy();
    const far = connect({ host: hostname, port: Number(port), noDelay: true });
    near.setNoDelay(true);
    far.on('error', () => undefined);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(one);
      one.on('close', () => {
        open.delete(one);
        other.destroy();
      });
    }
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(target);
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const cut = (): void => {
    isCut = true;
    for (const socket of open) socket.destroy();
  };
  return {
    url: url.href,
    cut,
    mend: () => void (isCut = false),
    async stop() {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
