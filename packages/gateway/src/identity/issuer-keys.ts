import { bounds } from '../kernel/bounds.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';
import type { SignatureAlgorithm } from '../kernel/token-terms.ts';
import { OutsideTrouble } from './ask-outside.ts';
import { fetchDocument } from './fetch-document.ts';
import type { IssuerData } from './issuer-data.ts';
import { createRetryPause } from './retry-pause.ts';
import { parseKeySet, type IssuerKey } from './parse-keys.ts';

/** The keys of one issuer, read when they are needed and again from time to time. */
export interface IssuerKeys {
  /**
   * Those that a token with that key id may be signed with; none where the issuer has no such key. `away`: it has not said its keys for too long. Waits
   * for the issuer only where nothing that is known can be gone by, and all who wait do so together.
   */
  find(keyId: string | null, algorithm: string): Promise<readonly IssuerKey[] | 'away'>;
  report(): KeysReport;
}

export interface KeysReport {
  readonly state: 'unread' | 'ok' | 'stale' | 'away';
  /** Why the last reading failed; null: it did not. */
  readonly trouble: string | null;
  readonly keys: number;
  /** Since the last good reading. */
  readonly ageMs: number | null;
  readonly fetched: number;
  readonly failed: number;
}

/** More than one key of a set may fit a token that names none; the number that is tried is bounded. */
const triedMax = 4;

export function createIssuerKeys(issuer: IssuerData, clock: Clock, log: Log, fetchJson: typeof fetchDocument = fetchDocument): IssuerKeys {
  let keys: readonly IssuerKey[] | null = null;
  let readAtMs = -Infinity;
  let unknownTriedAtMs = -Infinity;
  let trouble: string | null = null;
  let reading: Promise<void> | null = null;
  const pause = createRetryPause(() => clock.monotonicMs());
  const counts = { fetched: 0, failed: 0 };

  async function read(): Promise<void> {
    try {
      const url = issuer.jwksUrl ?? (await discover(issuer, fetchJson));
      const found = parseKeySet(await fetchJson({ url, allowedNetworks: issuer.allowedNetworks, ca: issuer.ca }));
      if (found === null) throw new OutsideTrouble(`${url} holds no set of at most ${bounds.issuerKeysMax} keys`);
      if (found.length === 0) throw new OutsideTrouble(`${url} holds no key that signatures can be checked with`);
      keys = found;
      readAtMs = clock.monotonicMs();
      counts.fetched++;
      if (trouble !== null) log.info('identity.issuer_back', { issuer: issuer.name });
      trouble = null;
      pause.succeeded();
    } catch (error) {
      counts.failed++;
      const reason = error instanceof OutsideTrouble ? error.message : 'its keys cannot be read';
      if (trouble !== reason) log.warn('identity.issuer_away', { issuer: issuer.name, reason });
      trouble = reason;
      pause.failed();
    }
  }

  function refresh(): Promise<void> {
    reading ??= read().finally(() => {
      reading = null;
    });
    return reading;
  }

  const fitting = (keyId: string | null, algorithm: string): readonly IssuerKey[] =>
    (keys ?? []).filter(({ id, algorithms }) => (keyId === null || id === keyId) && algorithms.includes(algorithm as SignatureAlgorithm)).slice(0, triedMax);

  const ageMs = (): number => clock.monotonicMs() - readAtMs;
  const mayTry = (): boolean => reading !== null || pause.leftMs() === 0;

  return {
    async find(keyId, algorithm) {
      if (ageMs() > bounds.issuerKeysFreshMs && mayTry()) {
        // Keys that are twice as old are read before anything is said by them, unless the issuer is known not to answer; others while calls go on.
        const isGoneBy = ageMs() <= 2 * bounds.issuerKeysFreshMs || (trouble !== null && ageMs() <= bounds.issuerKeysKeptMs);
        const read = refresh();
        if (!isGoneBy) await read;
      }
      if (keys === null || ageMs() > bounds.issuerKeysKeptMs) return 'away';
      const found = fitting(keyId, algorithm);
      if (found.length > 0) return found;
      // Whoever makes up key ids makes the issuer be asked this seldom.
      if (clock.monotonicMs() - unknownTriedAtMs < bounds.issuerUnknownKeyMs) return reading === null ? [] : refresh().then(() => fitting(keyId, algorithm));
      unknownTriedAtMs = clock.monotonicMs();
      await refresh();
      return fitting(keyId, algorithm);
    },
    report() {
      const isGood = keys !== null && ageMs() <= bounds.issuerKeysKeptMs;
      return {
        state: isGood ? (trouble === null ? 'ok' : 'stale') : trouble === null ? 'unread' : 'away',
        trouble,
        keys: keys?.length ?? 0,
        ageMs: keys === null ? null : Math.round(ageMs()),
        ...counts,
      };
    },
  };
}

/** The `jwks_uri` of the issuer's metadata: OpenID Connect Discovery 1.0, else RFC 8414. What it says must be of this issuer, to the letter. */
async function discover({ issuer, allowedNetworks, ca }: IssuerData, fetchJson: typeof fetchDocument): Promise<string> {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  let first: unknown = null;
  for (const url of [`${origin}${path}/.well-known/openid-configuration`, `${origin}/.well-known/oauth-authorization-server${path}`]) {
    let found: unknown;
    try {
      found = await fetchJson({ url, allowedNetworks, ca });
    } catch (error) {
      first ??= error;
      continue;
    }
    const { issuer: named, jwks_uri: jwksUri } = (typeof found === 'object' && found !== null ? found : {}) as Readonly<Record<string, unknown>>;
    if (named !== issuer) throw new OutsideTrouble(`${url} is of another issuer${typeof named === 'string' ? `, ${named.slice(0, 200)}` : ''}`);
    if (typeof jwksUri !== 'string' || jwksUri.length > 2_048) throw new OutsideTrouble(`${url} names no jwks_uri`);
    return jwksUri;
  }
  throw first instanceof Error ? first : new OutsideTrouble('its metadata cannot be read');
}
