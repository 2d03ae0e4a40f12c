import { lookup } from 'node:dns';
import { errors, type Pool } from 'undici';
import { bounds } from '../kernel/bounds.ts';
import type { ConsultFailure } from '../kernel/consult-failures.ts';
import type { OpaRestData } from '../snapshot/opa-data.ts';
import { openPool } from '../upstream/target.ts';
import { inputText } from './consultant.ts';
import type { Engine } from './counted.ts';
import { readDecisionId, readOpinion, type Opinion } from './opinion.ts';

/**
 * Open Policy Agent by its Data API (https://www.openpolicyagent.org/docs/rest-api#get-a-document-with-input): `POST /v1/data/{path}`. The time of a question
 * runs from the moment that it is asked: the wait for a connection is part of it.
 */
export function openOpaRest({ path, timeoutMs, origin, basePath, credential, tls, allowedNetworks }: OpaRestData): Engine {
  const pool = openPool(
    { connectionsMax: bounds.opaConnectionsMax },
    { connectTimeoutMs: timeoutMs, keepAliveMs: bounds.upstreamKeepAliveMs, allowedNetworks },
    { name: 'opa', origin, path: '', socketPath: null, weight: 1, tls },
    lookup,
  );
  const target = `${basePath}/v1/data/${path}`;
  const headers = ['content-type', 'application/json', 'accept', 'application/json', ...(credential === null ? [] : [credential.header, credential.value])];
  let asking = 0;
  return {
    name: `opa:${path}`,
    async ask(question) {
      if (asking >= bounds.opaAskingMax) return none('busy');
      const body = `{"input":${inputText(question)}}`;
      if (body.length > bounds.opaInputCharsMax) return none('too_large');
      asking++;
      try {
        return await askPool(pool, target, headers, body, timeoutMs);
      } catch (error) {
        return none(failureOf(error));
      } finally {
        asking--;
      }
    },
    close: () => pool.close(),
  };
}

async function askPool(pool: Pool, path: string, headers: string[], body: string, timeoutMs: number): Promise<Opinion> {
  const signal = AbortSignal.timeout(timeoutMs);
  const { statusCode, body: reply } = await pool.request({ method: 'POST', path, headers, body, signal });
  let text = '';
  for await (const chunk of reply.setEncoding('utf8')) {
    text += String(chunk);
    if (text.length > bounds.opaReplyCharsMax) {
      reply.destroy();
      return none('unreadable');
    }
  }
  if (statusCode !== 200) return none('refused');
  const { result, decision_id: decisionId } = membersOf(JSON.parse(text));
  return readOpinion(result, readDecisionId(decisionId));
}

function none(reason: ConsultFailure): Opinion {
  return { decision: 'none', decisionId: '', reason };
}

function failureOf(error: unknown): ConsultFailure {
  if (error instanceof SyntaxError) return 'unreadable';
  if (error instanceof errors.ConnectTimeoutError) return 'timeout';
  return error instanceof Error && error.name === 'TimeoutError' ? 'timeout' : 'unreachable';
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Readonly<Record<string, unknown>>) : {};
}
