/**
 * Latencies counted in log-linear buckets, as HdrHistogram does (https://hdrhistogram.github.io/HdrHistogram/): recording
 * costs no allocation, and a quantile is exact to better than 1 %.
 */
export interface Histogram {
  readonly count: number;
  /** Milliseconds; from 0.0001 up to about 100 s, where longer ones are counted as that. */
  record(milliseconds: number): void;
  /** The value in milliseconds that a share `q` (0 to 1) of all records does not pass; 0 without records. */
  quantile(q: number): number;
}

const unitsPerMs = 10_000;
const mantissaBits = 7;
const mantissa = 1 << mantissaBits;
const unitsMax = 1_000_000_000;

export function createHistogram(): Histogram {
  const buckets = new Uint32Array((32 - mantissaBits + 1) * mantissa);
  let count = 0;

  return {
    get count() {
      return count;
    },
    record(milliseconds) {
      const units = Math.min(unitsMax, Math.max(0, Math.round(milliseconds * unitsPerMs)));
      const index = bucketOf(units);
      buckets[index] = (buckets[index] ?? 0) + 1;
      count += 1;
    },
    quantile(q) {
      let left = Math.max(1, Math.ceil(q * count));
      if (count === 0) return 0;
      for (let index = 0; index < buckets.length; index += 1) {
        left -= buckets[index] ?? 0;
        if (left <= 0) return middleOf(index) / unitsPerMs;
      }
      return unitsMax / unitsPerMs;
    },
  };
}

/** Below 2 × `mantissa` every unit has its bucket; above, each power of two has `mantissa` of them. */
function bucketOf(units: number): number {
  const shift = Math.max(0, 31 - mantissaBits - Math.clz32(units));
  return shift * mantissa + (units >>> shift);
}

function middleOf(index: number): number {
  if (index < 2 * mantissa) return index;
  const shift = Math.floor(index / mantissa) - 1;
  return (index - shift * mantissa + 0.5) * 2 ** shift;
}
