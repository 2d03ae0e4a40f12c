import { bounds } from '../kernel/bounds.ts';
import { askOutside, jsonOf, type Outside } from './ask-outside.ts';

export interface DocumentPlace extends Outside {
  readonly url: string;
}

/** One JSON document of another party (metadata, keys), as `askOutside` asks. Throws `OutsideTrouble`. */
export async function fetchDocument({ url, ...outside }: DocumentPlace): Promise<unknown> {
  return jsonOf(
    url,
    await askOutside(url, outside, {
      headers: { accept: 'application/json, application/jwk-set+json' },
      timeoutMs: bounds.issuerDocumentMs,
      bytesMax: bounds.issuerDocumentBytesMax,
    }),
  );
}
