import type { Unit } from './fields.ts';

/** What a measure of each unit looks like, in words that follow "expected". */
export const measureForms: Readonly<Record<Unit, string>> = {
  duration: 'a duration with its unit, such as 500ms, 2s or 1.5m',
  money: 'a decimal number such as 0.5, with at most 9 decimals',
  bytes: 'a size such as 512B, 64KiB or 1MiB',
  count: 'a whole number',
  time: 'a day or a time in UTC, such as 2026-11-27 or 2026-11-27T08:30:00Z',
};

const scales: Readonly<Record<'duration' | 'money' | 'bytes' | 'count', Readonly<Record<string, bigint>>>> = {
  duration: { us: 1n, ms: 1_000n, s: 1_000_000n, m: 60_000_000n, h: 3_600_000_000n },
  money: { '': 1_000_000_000n },
  bytes: { B: 1n, KiB: 1_024n, MiB: 1_048_576n, GiB: 1_073_741_824n },
  count: { '': 1n },
};
const moneyUnitsMax = 999_999_999n;
const amountMax = BigInt(Number.MAX_SAFE_INTEGER);
const timeForm = /^(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?Z?)?$/;
const yearMin = 1970;
const yearMax = 2199;

/** The amount in the unit's smallest part, exactly, or null where the text is none. */
export function parseMeasure(text: string, unit: Unit): bigint | null {
  if (unit === 'time') return parseTime(text);
  const [, whole, decimals = '', suffix = ''] = /^(\d{1,16})(?:\.(\d{1,9}))?([A-Za-z]{0,3})$/.exec(text) ?? [];
  const scale = Object.hasOwn(scales[unit], suffix) ? scales[unit][suffix] : undefined;
  if (whole === undefined || scale === undefined) return null;
  const digits = BigInt(whole + decimals) * scale;
  const shift = 10n ** BigInt(decimals.length);
  // Half a microsecond is no amount that could be compared.
  if (digits % shift !== 0n) return null;
  const amount = digits / shift;
  return amount <= (unit === 'money' ? moneyUnitsMax * scale : amountMax) ? amount : null;
}

/** The shortest text that `parseMeasure` reads as this amount. */
export function measureText(amount: bigint, unit: Unit): string {
  if (unit === 'time') return timeText(amount);
  if (unit === 'money') return decimalText(amount);
  const found = Object.entries(scales[unit]).findLast(([, size]) => amount % size === 0n);
  return amount === 0n || found === undefined ? `0${Object.keys(scales[unit])[0] ?? ''}` : `${amount / found[1]}${found[0]}`;
}

function decimalText(nano: bigint): string {
  const digits = nano.toString().padStart(10, '0');
  return `${digits.slice(0, -9)}.${digits.slice(-9)}`.replace(/\.?0+$/, '');
}

function parseTime(text: string): bigint | null {
  const [, day, minute = '00:00', second = '00', fraction = ''] = timeForm.exec(text) ?? [];
  if (day === undefined) return null;
  const written = `${day}T${minute}:${second}`;
  const ms = Date.parse(`${written}Z`);
  // The runtime takes the 31st of any month for a day of the next one.
  if (Number.isNaN(ms) || !new Date(ms).toISOString().startsWith(written)) return null;
  const year = new Date(ms).getUTCFullYear();
  return year < yearMin || year > yearMax ? null : BigInt(ms) * 1_000n + BigInt(fraction.padEnd(6, '0'));
}

function timeText(us: bigint): string {
  const written = new Date(Number(us / 1_000n)).toISOString().slice(0, 19);
  return `${written}.${(us % 1_000_000n).toString().padStart(6, '0')}Z`;
}
