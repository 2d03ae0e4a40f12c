/** What a worker hands to the masking process of one call, and how it goes over the socket: both are of one program, so nothing is negotiated. */

export interface BodyJob {
  /** The columns of the record that name the caller, and those of the server: RowBinary. */
  readonly principal: Uint8Array;
  readonly server: Uint8Array;
  readonly facts: BodyFacts;
  /** Their beginnings, as far as they are looked at. */
  readonly request: Buffer;
  readonly response: Buffer;
}

export interface BodyFacts {
  readonly traceHex: string;
  readonly spanHex: string;
  /** Microseconds since the epoch. */
  readonly startedAtUs: number;
  readonly method: string;
  readonly tool: string;
  /** Number of the call among those of its worker whose bodies are kept; 0: they are not, their tokens are counted only. */
  readonly sequence: number;
  readonly keepBytesMax: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  /** Only their beginnings are here. */
  readonly isRequestCut: boolean;
  readonly isResponseCut: boolean;
  readonly responseType: string;
  /** Lines of a name, a colon and a value. */
  readonly requestHeaders: string;
  /** Null: tokens are not counted, for the tool has reported them or nobody asks. */
  readonly count: TokenPrice | null;
  /** Nano-dollars that the call cost without its tokens. */
  readonly callCostNano: number;
}

/** Nano-dollars a token, and which entry of the price list says so; empty: the tokens have no price. */
export interface TokenPrice {
  readonly perInput: number;
  readonly perOutput: number;
  readonly by: string;
}

/** A frame: the length of what follows, the lengths of its four first parts, and the five parts: the facts are written as below. */
const headBytes = 20;
/** Of facts: their numbers, the lengths of their texts in UTF-16 units, and a byte that says what is true of them. The texts follow as one. */
const numbersMax = 8;
const textsMax = 7;
const flagsAt = numbersMax * 8 + textsMax * 4;
const factsHeadBytes = flagsAt + 1;

/** Jobs one behind the other in one piece of memory, up to its size. */
export class JobBatch {
  length = 0;
  private readonly memory: Buffer;

  constructor(memory: Buffer) {
    this.memory = memory;
  }

  get bytes(): Buffer {
    return this.memory.subarray(0, this.length);
  }

  /** Its frame, where it fits; else nothing is written, and the bytes that it needs are returned. */
  add({ principal, server, facts, request, response }: BodyJob): number {
    const { memory, length: at } = this;
    const { count } = facts;
    const { traceHex, spanHex, method, tool, responseType, requestHeaders } = facts;
    const by = count?.by ?? '';
    const text = traceHex + spanHex + method + tool + responseType + requestHeaders + by;
    const factsBytes = factsHeadBytes + Buffer.byteLength(text);
    const size = headBytes + principal.length + server.length + factsBytes + request.length + response.length;
    if (at + size > memory.length) return size;
    memory.writeUInt32LE(size - 4, at);
    memory.writeUInt32LE(principal.length, at + 4);
    memory.writeUInt32LE(server.length, at + 8);
    memory.writeUInt32LE(factsBytes, at + 12);
    memory.writeUInt32LE(request.length, at + 16);
    let end = at + headBytes;
    memory.set(principal, end);
    end += principal.length;
    memory.set(server, end);
    end += server.length;
    let to = end;
    to = memory.writeDoubleLE(facts.startedAtUs, to);
    to = memory.writeDoubleLE(facts.sequence, to);
    to = memory.writeDoubleLE(facts.keepBytesMax, to);
    to = memory.writeDoubleLE(facts.requestBytes, to);
    to = memory.writeDoubleLE(facts.responseBytes, to);
    to = memory.writeDoubleLE(facts.callCostNano, to);
    to = memory.writeDoubleLE(count?.perInput ?? 0, to);
    to = memory.writeDoubleLE(count?.perOutput ?? 0, to);
    to = memory.writeUInt32LE(traceHex.length, to);
    to = memory.writeUInt32LE(spanHex.length, to);
    to = memory.writeUInt32LE(method.length, to);
    to = memory.writeUInt32LE(tool.length, to);
    to = memory.writeUInt32LE(responseType.length, to);
    to = memory.writeUInt32LE(requestHeaders.length, to);
    to = memory.writeUInt32LE(by.length, to);
    to = memory.writeUInt8((facts.isRequestCut ? 1 : 0) | (facts.isResponseCut ? 2 : 0) | (count === null ? 0 : 4), to);
    memory.write(text, to);
    end += factsBytes;
    memory.set(request, end);
    end += request.length;
    memory.set(response, end);
    this.length = at + size;
    return 0;
  }
}

/** Cuts a stream into jobs. Throws where it is none of ours. */
export class JobReader {
  private readonly bytesMax: number;
  private waiting: Buffer[] = [];
  private length = 0;
  private needed = 4;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  feed(chunk: Buffer): BodyJob[] {
    this.waiting.push(chunk);
    this.length += chunk.length;
    if (this.length < this.needed) return [];
    const bytes = this.waiting.length === 1 ? chunk : Buffer.concat(this.waiting);
    const jobs: BodyJob[] = [];
    let at = 0;
    this.needed = 4;
    while (bytes.length - at >= 4) {
      const size = bytes.readUInt32LE(at);
      if (size > this.bytesMax) throw new RangeError('a frame is too large');
      this.needed = 4 + size;
      if (bytes.length - at < this.needed) break;
      jobs.push(readJob(bytes.subarray(at + 4, at + this.needed)));
      at += this.needed;
      this.needed = 4;
    }
    this.waiting = at === bytes.length ? [] : [bytes.subarray(at)];
    this.length = bytes.length - at;
    return jobs;
  }
}

function readJob(frame: Buffer): BodyJob {
  let at = headBytes - 4;
  const [principal, server, facts, request] = [0, 4, 8, 12].map((place) => {
    const length = frame.readUInt32LE(place);
    at += length;
    return frame.subarray(at - length, at);
  });
  if (!principal || !server || !facts || !request || at > frame.length) throw new RangeError('a frame is cut');
  return { principal, server, facts: readFacts(facts), request, response: frame.subarray(at) };
}

/** As `JobBatch.add` writes them. */
function readFacts(bytes: Buffer): BodyFacts {
  const number = (place: number): number => bytes.readDoubleLE(place * 8);
  const all = bytes.toString('utf8', factsHeadBytes);
  let at = 0;
  const [traceHex = '', spanHex = '', method = '', tool = '', responseType = '', requestHeaders = '', by = ''] = Array.from(
    { length: textsMax },
    (_, place) => {
      const from = at;
      at += bytes.readUInt32LE(numbersMax * 8 + place * 4);
      return all.slice(from, at);
    },
  );
  if (at !== all.length) throw new RangeError('the texts of a frame are cut');
  const flags = bytes.readUInt8(flagsAt);
  return {
    startedAtUs: number(0),
    sequence: number(1),
    keepBytesMax: number(2),
    requestBytes: number(3),
    responseBytes: number(4),
    callCostNano: number(5),
    count: (flags & 4) === 0 ? null : { perInput: number(6), perOutput: number(7), by },
    traceHex,
    spanHex,
    method,
    tool,
    responseType,
    requestHeaders,
    isRequestCut: (flags & 1) !== 0,
    isResponseCut: (flags & 2) !== 0,
  };
}
