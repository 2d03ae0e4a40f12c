/** The colours are read by everybody: enough contrast for what is text, and what differs by colour differs for eyes that see two hues too. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

type Colour = readonly [number, number, number];
type Matrix = readonly [Colour, Colour, Colour];

const css = readFileSync(join(import.meta.dirname, 'tokens.css'), 'utf8');
const tokens = new Map(
  [...css.matchAll(/--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/g)].map(
    ([, name = '', light = '', dark = '']) => [name, { light, dark }] as const,
  ),
);
const themes = ['light', 'dark'] as const;

/** Linear red, green and blue of a token. */
function linear(name: string, theme: (typeof themes)[number]): Colour {
  const hex = tokens.get(name)?.[theme];
  if (hex === undefined) throw new Error(`there is no colour ${name}`);
  const at = (place: number): number => {
    const value = Number.parseInt(hex.slice(place, place + 2), 16) / 255;
    return value <= 0.040_45 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return [at(1), at(3), at(5)];
}

/** WCAG 2.2, 1.4.3. */
function contrast(one: Colour, other: Colour): number {
  const [high = 0, low = 0] = [one, other].map(([red, green, blue]) => 0.2126 * red + 0.7152 * green + 0.0722 * blue).toSorted((a, b) => b - a);
  return (high + 0.05) / (low + 0.05);
}

/** Machado, Oliveira and Fernandes 2009, at full severity, on linear light. */
const eyes: Readonly<Record<string, Matrix>> = {
  'all hues': [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  'no red': [
    [0.152_286, 1.052_583, -0.204_868],
    [0.114_503, 0.786_281, 0.099_216],
    [-0.003_882, -0.048_116, 1.051_998],
  ],
  'no green': [
    [0.367_322, 0.860_646, -0.227_968],
    [0.280_085, 0.672_501, 0.047_413],
    [-0.011_82, 0.042_94, 0.968_881],
  ],
  'no blue': [
    [1.255_528, -0.076_749, -0.178_779],
    [-0.078_411, 0.930_809, 0.147_602],
    [0.004_733, 0.691_367, 0.3039],
  ],
};
const times = (matrix: Matrix, [x, y, z]: Colour): Colour => {
  const row = ([a, b, c]: Colour): number => a * x + b * y + c * z;
  return [row(matrix[0]), row(matrix[1]), row(matrix[2])];
};

/** Björn Ottosson 2020. */
function oklab(colour: Colour): Colour {
  const cones = times(
    [
      [0.412_221_470_8, 0.536_332_536_3, 0.051_445_992_9],
      [0.211_903_498_2, 0.680_699_545_1, 0.107_396_956_6],
      [0.088_302_461_9, 0.281_718_837_6, 0.629_978_700_5],
    ],
    colour,
  );
  return times(
    [
      [0.210_454_255_3, 0.793_617_785, -0.004_072_046_8],
      [1.977_998_495_1, -2.428_592_205, 0.450_593_709_9],
      [0.025_904_037_1, 0.782_771_766_2, -0.808_675_766],
    ],
    [Math.cbrt(cones[0]), Math.cbrt(cones[1]), Math.cbrt(cones[2])],
  );
}

/** The least difference of any two of them to any eyes, in hundredths of OKLab. */
function leastDifference(names: readonly string[], theme: (typeof themes)[number]): number {
  const seen = Object.values(eyes).map((matrix) =>
    names.map((name) => {
      const [red, green, blue] = times(matrix, linear(name, theme));
      const inside = (value: number): number => Math.min(1, Math.max(0, value));
      return oklab([inside(red), inside(green), inside(blue)]);
    }),
  );
  return Math.min(
    ...seen.flatMap((colours) =>
      colours.flatMap((one, index) => colours.slice(index + 1).map((other) => 100 * Math.hypot(one[0] - other[0], one[1] - other[1], one[2] - other[2]))),
    ),
  );
}

test.each(themes)('in %s what is text has a contrast of 4.5 on every ground that it stands on, and what is a mark or a frame one of 3', (theme) => {
  const of = (name: string, ground: string): number => contrast(linear(name, theme), linear(ground, theme));
  const states = ['ok', 'warn', 'error', 'blocked', 'waiting'];
  const texts = [
    ...['ink', 'ink-2', 'ink-3'].flatMap((ink) => ['canvas', 'surface', 'sunken'].map((ground) => [ink, ground] as const)),
    ...['accent', ...states].flatMap((name) => ['canvas', 'surface', `${name}-soft`].map((ground) => [name, ground] as const)),
  ];
  expect(texts.filter(([name, ground]) => of(name, ground) < 4.5)).toEqual([]);
  const marks = ['control', ...states.map((name) => `${name}-solid`), ...Array.from({ length: 7 }, (_, index) => `series-${index + 1}`)];
  expect(marks.filter((name) => of(name, 'surface') < 3)).toEqual([]);
});

test.each(themes)('in %s states, and lines of a chart, are told apart without red, without green and without blue', (theme) => {
  const states = ['ok-solid', 'warn-solid', 'error-solid', 'blocked-solid', 'waiting-solid'];
  // The usual green, amber and red come to 5.
  expect(leastDifference(states, theme)).toBeGreaterThan(13);
  expect(leastDifference(['series-1', 'series-2', 'series-3', 'series-4', 'series-5', 'series-6', 'series-7'], theme)).toBeGreaterThan(11);
});
