import { bounds } from '../kernel/bounds.ts';
import type { ProviderData } from './provider-data.ts';
import { createRetryPause, type RetryPause } from './retry-pause.ts';
import { SignInTrouble } from './sign-in-trouble.ts';

/** What providers say of themselves (discovery documents, metadata): asked for when somebody signs in, and gone by for ten minutes. */
export interface ProviderDocuments<Provider, Document> {
  /** Whoever comes meanwhile waits for the same answer, and until a failure may be asked about again hears of that one. Throws `SignInTrouble`, which says when that is. */
  of(provider: Provider): Promise<Document>;
  /** Asks in any case, for a test. Throws `SignInTrouble`. */
  ask(provider: Provider): Promise<Document>;
  /** What it said last, without asking. */
  known(provider: Provider): Document | null;
  /** Why it could not be asked the last time, unless that is long ago and nobody has tried since; null: it could, or nobody tried. */
  trouble(provider: Provider): ProviderTrouble | null;
}

export interface ProviderTrouble {
  readonly reason: string;
  /** 0: it is asked when somebody next tries. */
  readonly retryMs: number;
  /** People come in by what it said before. */
  readonly isGoneBy: boolean;
}

interface Place<Provider, Document> {
  readonly provider: Provider;
  readonly pause: RetryPause;
  document: Document | null;
  readAtMs: number;
  triedAtMs: number;
  trouble: SignInTrouble | null;
  asking: Promise<Document> | null;
}

/** `staleMs`: how long a document is gone by while its provider is away; `nowMs`: by a clock that never goes back. */
export function createProviderDocuments<Provider extends ProviderData, Document>(options: {
  readonly read: (provider: Provider) => Promise<Document>;
  readonly staleMs: number;
  readonly nowMs: () => number;
}): ProviderDocuments<Provider, Document> {
  const { read, staleMs, nowMs } = options;
  const places = new Map<string, Place<Provider, Document>>();

  function placeOf(provider: Provider): Place<Provider, Document> {
    const before = places.get(provider.name);
    // Another configuration has other objects.
    if (before?.provider === provider) return before;
    const place = { provider, pause: createRetryPause(nowMs), document: null, readAtMs: -Infinity, triedAtMs: -Infinity, trouble: null, asking: null };
    places.set(provider.name, place);
    return place;
  }

  async function readInto(place: Place<Provider, Document>): Promise<Document> {
    try {
      const document = await read(place.provider);
      Object.assign(place, { document, readAtMs: nowMs(), trouble: null });
      place.pause.succeeded();
      return document;
    } catch (error) {
      if (error instanceof SignInTrouble) {
        Object.assign(place, { trouble: error, triedAtMs: nowMs() });
        place.pause.failed();
      }
      throw error;
    }
  }

  function ask(provider: Provider): Promise<Document> {
    const place = placeOf(provider);
    place.asking ??= readInto(place).finally(() => {
      place.asking = null;
    });
    return place.asking;
  }

  const isFit = ({ readAtMs }: Place<Provider, Document>, ageMsMax: number): boolean => nowMs() - readAtMs < ageMsMax;

  return {
    async of(provider) {
      const place = placeOf(provider);
      if (place.document !== null && isFit(place, bounds.providerMetadataMs)) return place.document;
      let trouble = place.asking === null && place.pause.leftMs() > 0 ? place.trouble : null;
      try {
        if (trouble === null) return await ask(provider);
      } catch (error) {
        if (!(error instanceof SignInTrouble)) throw error;
        trouble = error;
      }
      if (place.document !== null && isFit(place, staleMs)) return place.document;
      throw untilLater(trouble, place.pause.leftMs());
    },
    ask,
    known: (provider) => placeOf(provider).document,
    trouble(provider) {
      const place = placeOf(provider);
      if (place.trouble === null || nowMs() - place.triedAtMs >= bounds.providerMetadataMs) return null;
      return {
        reason: place.trouble.reason,
        retryMs: place.pause.leftMs(),
        isGoneBy: place.document !== null && isFit(place, Math.max(staleMs, bounds.providerMetadataMs)),
      };
    },
  };
}

function untilLater(trouble: SignInTrouble, retryAfterMs: number): SignInTrouble {
  const when = `it is asked again in ${Math.ceil(retryAfterMs / 1_000)} s`;
  return new SignInTrouble(trouble.step, `${trouble.reason}; ${when}`, trouble.fix, { cause: trouble, retryAfterMs });
}
