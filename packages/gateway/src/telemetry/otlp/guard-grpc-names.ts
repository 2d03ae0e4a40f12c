import type { experimental as grpcInternals, status as grpcStatus } from '@grpc/grpc-js';
import { isIP, type LookupFunction } from 'node:net';

/** What gRPC gives to who extends it. */
interface Grpc {
  readonly experimental: typeof grpcInternals;
  readonly status: typeof grpcStatus;
}

const portDefault = 443;

/**
 * gRPC opens its sockets by address, so what may be dialled is decided where names become addresses: this look-up takes the place of its
 * own, for all channels of the process (https://github.com/grpc/grpc/blob/master/doc/naming.md). How often it is asked is gRPC's to say.
 */
export function guardGrpcNames({ experimental, status }: Grpc, lookup: LookupFunction): void {
  const { registerResolver, splitHostPort, statusOrFromError, statusOrFromValue } = experimental;

  class GuardedResolver implements grpcInternals.Resolver {
    private readonly host: string;
    private readonly port: number;
    private readonly listener: grpcInternals.ResolverListener;
    private asking = false;
    private wanted = false;

    constructor(target: grpcInternals.GrpcUri, listener: grpcInternals.ResolverListener) {
      const { host, port = portDefault } = splitHostPort(target.path) ?? { host: target.path };
      this.host = host;
      this.port = port;
      this.listener = listener;
    }

    updateResolution(): void {
      this.wanted = true;
      if (this.asking) return;
      this.asking = true;
      const done = (error: NodeJS.ErrnoException | null, addresses: readonly string[]): void => {
        this.asking = false;
        if (!this.wanted) return;
        this.wanted = false;
        const found =
          error === null
            ? statusOrFromValue(addresses.map((host) => ({ addresses: [{ host, port: this.port }] })))
            : statusOrFromError<grpcInternals.Endpoint[]>({ code: status.UNAVAILABLE, details: `no address to send to: ${error.message}` });
        this.listener(found, {}, null, '');
      };
      // An address needs no look-up; that it may be sent to was said when the configuration was read.
      if (isIP(this.host) !== 0) return process.nextTick(done, null, [this.host]);
      lookup(this.host, { all: true }, (error, found) => done(error, Array.isArray(found) ? found.map(({ address }) => address) : []));
    }

    destroy(): void {
      this.wanted = false;
    }

    static getDefaultAuthority(target: grpcInternals.GrpcUri): string {
      return target.path;
    }
  }

  registerResolver('dns', GuardedResolver);
}
