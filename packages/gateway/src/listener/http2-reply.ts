import { constants, Http2ServerResponse } from 'node:http2';

/** A reply over HTTP/2 with what the rail relies on at a reply over HTTP/1.1 and node's own lacks. */
export class Http2Reply extends Http2ServerResponse {
  /** Cuts the reply so that no client takes what came of it for the whole: node's own resets the stream without an error. */
  override destroy(): this {
    if (!this.stream.closed) this.stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    return this;
  }
}

// True once nothing can reach the client any more. Node's types say that it is there, node does not.
Object.defineProperty(Http2Reply.prototype, 'destroyed', {
  get(this: Http2Reply): boolean {
    return this.stream.destroyed || this.stream.closed;
  },
});
