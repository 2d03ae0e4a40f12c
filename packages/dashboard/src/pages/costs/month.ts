/** A month as costs are counted: days of UTC. */
export interface Month {
  /** `2026-11`. */
  readonly name: string;
  readonly start_date: string;
  readonly end_date: string;
}

export function monthOf(name: string): Month {
  const [year = 0, month = 1] = name.split('-').map(Number);
  return { name, start_date: `${name}-01`, end_date: new Date(Date.UTC(year, month, 0)).toISOString().slice(0, 10) };
}

export function currentMonth(now = new Date()): string {
  return now.toISOString().slice(0, 7);
}

/** So many months later, or earlier. */
export function monthAfter(name: string, by: number): string {
  const [year = 0, month = 1] = name.split('-').map(Number);
  return new Date(Date.UTC(year, month - 1 + by, 1)).toISOString().slice(0, 7);
}

/** Its calls, for the pages that ask for a window of time. */
export function monthWindow({ name, start_date: start }: Month): { readonly from: string; readonly to: string; readonly range: undefined } {
  return { from: `${start}T00:00:00Z`, to: `${monthAfter(name, 1)}-01T00:00:00Z`, range: undefined };
}

/** `November 2026`. */
export function monthText(name: string): string {
  return new Intl.DateTimeFormat('en-GB', { month: 'long', year: 'numeric', timeZone: 'UTC' }).format(new Date(`${name}-01T00:00:00Z`));
}
