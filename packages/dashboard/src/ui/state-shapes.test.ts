import { createElement, type ReactElement } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { expect, test } from 'vitest';
import { Rail, statuses, StatusWord } from '../rail/rail.tsx';
import { StateWord } from './state-word.tsx';

/** What is drawn, without the classes that colour it; what is written; and in which colour. */
function seenOf(element: ReactElement): { readonly shape: string; readonly word: string; readonly tone: string } {
  const markup = renderToStaticMarkup(element);
  return {
    shape: (/<svg.*<\/svg>/su.exec(markup)?.[0] ?? '').replaceAll(/ class="[^"]*"/gu, ''),
    word: markup.replaceAll(/<[^>]*>/gu, ''),
    tone: /text-[\w-]+/u.exec(markup.replaceAll('text-meta', ''))?.[0] ?? '',
  };
}

const serverStates = ['ready', 'starting', 'degraded', 'failed', 'failing', 'down', 'recovering', 'draining', 'off', 'unanswered', 'unknown'];

test.each([
  ['outcome of a call', statuses.map((status) => createElement(StatusWord, { status }))],
  ['state of a server', serverStates.map((state) => createElement(StateWord, { state, reason: null }))],
])('U11 each %s has a word of its own, and what differs in colour differs in shape', (_, elements) => {
  const seen = elements.map(seenOf);
  expect(new Set(seen.map(({ word }) => word)).size).toBe(seen.length);
  expect(seen.every(({ shape, word, tone }) => shape !== '' && word !== '' && tone !== '')).toBe(true);
  const tones = Map.groupBy(seen, ({ shape }) => shape);
  for (const alike of tones.values()) expect([alike.map(({ word }) => word), new Set(alike.map(({ tone }) => tone)).size]).toEqual([expect.anything(), 1]);
});

test('U11 the rail says in words where a call ended and how', () => {
  const said = statuses.map((status) => /aria-label="([^"]*)"/u.exec(renderToStaticMarkup(createElement(Rail, { stop: 'access', status })))?.[1]);
  expect(new Set(said).size).toBe(statuses.length);
  expect(said).toContain('blocked at access');
});
