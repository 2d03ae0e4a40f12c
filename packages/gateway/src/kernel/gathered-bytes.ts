const keptBytes = 64 * 1024;

/**
 * Bytes that come in parts, in one piece of memory: a peer that sends them one by one costs no more than one that sends them at once. Who adds
 * sees to the bound.
 */
export class GatheredBytes {
  length = 0;
  private memory: Buffer = Buffer.alloc(0);

  add(part: Buffer): void {
    const length = this.length + part.length;
    if (length > this.memory.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(length, 2 * this.memory.length, 256));
      this.memory.copy(grown, 0, 0, this.length);
      this.memory = grown;
    }
    part.copy(this.memory, this.length);
    this.length = length;
  }

  /** All so far, as a copy of its own, and nothing is held any more. */
  take(): Buffer {
    const whole = Buffer.from(this.memory.subarray(0, this.length));
    this.clear();
    return whole;
  }

  /** All so far, still held: good until the next change. */
  peek(): Buffer {
    return this.memory.subarray(0, this.length);
  }

  clear(): void {
    this.length = 0;
    if (this.memory.length > keptBytes) this.memory = Buffer.alloc(0);
  }
}
