const units = [
  { name: 'day', seconds: 86_400 },
  { name: 'hour', seconds: 3_600 },
  { name: 'minute', seconds: 60 },
] as const;
const smallest = { name: 'second', seconds: 1 };

/** How long calls as of late may go on without a ledger, until the journal has taken `spoolBytesMax`; null while none were made. */
export function spoolNote(bytesPerSecond: number | null, spoolBytesMax: number): string | null {
  if (bytesPerSecond === null || bytesPerSecond <= 0) return null;
  const seconds = spoolBytesMax / bytesPerSecond;
  const unit = units.find((one) => seconds >= one.seconds) ?? smallest;
  const count = Math.floor(seconds / unit.seconds);
  return `without the ledger, calls as in the last minute would fill journal.spool_max in about ${count} ${unit.name}${count === 1 ? '' : 's'}`;
}
