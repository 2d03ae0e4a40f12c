/** Lines of the log on their way to whoever listens beside stderr. While nobody does, they are not even parsed. */
export interface LineRelay {
  /** One JSON line. */
  write(line: string): void;
  listen(listener: (fields: Readonly<Record<string, unknown>>) => void): void;
}

export function createLineRelay(): LineRelay {
  let listener: ((fields: Readonly<Record<string, unknown>>) => void) | null = null;
  return {
    write(line) {
      if (listener === null) return;
      const told = listener;
      // A line that is written because a line could not be sent must not go round.
      listener = null;
      try {
        told(JSON.parse(line) as Record<string, unknown>);
      } finally {
        listener = told;
      }
    },
    listen(given) {
      listener = given;
    },
  };
}
