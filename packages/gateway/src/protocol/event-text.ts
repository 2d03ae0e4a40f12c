/** A JSON-RPC message as a server-sent event (https://html.spec.whatwg.org/multipage/server-sent-events.html). */
export function eventText(json: string): string {
  // Data of one event is one line: a pretty-printed text loses its line breaks, which JSON has only between tokens.
  const line = json.includes('\n') || json.includes('\r') ? json.replace(/[\r\n]+/g, ' ') : json;
  return `event: message\ndata: ${line}\n\n`;
}
