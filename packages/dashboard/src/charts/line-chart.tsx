/** Lines over time on a canvas, with a cursor that all charts of a page share. A gap is drawn as a gap; the same figures stand in a table for whoever does not see it. */
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { useEffect, useRef, type ReactElement } from 'react';
import { useAppearance } from '../app/appearance.ts';

export interface Line {
  readonly label: string;
  /** A custom property of tokens.css: `--p95`. */
  readonly colour: string;
  readonly dash?: readonly number[];
  readonly values: readonly (number | null)[];
}

interface LineChartProps {
  readonly label: string;
  /** Seconds since the epoch. */
  readonly times: readonly number[];
  readonly lines: readonly Line[];
  readonly format: (value: number) => string;
  readonly onChoose?: (from: string, to: string) => void;
}

const height = 160;

export function LineChart({ label, times, lines, format, onChoose }: LineChartProps): ReactElement {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const choose = useRef(onChoose);
  const { theme, zone } = useAppearance();
  useEffect(() => {
    choose.current = onChoose;
  });
  const shape = lines.map(({ label: name, colour }) => `${name} ${colour}`).join();
  useEffect(() => {
    const target = place.current;
    if (target === null) return undefined;
    const style = getComputedStyle(target);
    const colour = (name: string): string => style.getPropertyValue(name);
    const axis = { stroke: colour('--ink-3'), font: `12px ${style.fontFamily}`, grid: { stroke: colour('--hairline'), width: 1 }, ticks: { show: false } };
    const made = new uPlot(
      {
        width: target.clientWidth,
        height,
        legend: { show: true, live: true },
        cursor: { sync: { key: 'time' }, drag: { x: true, y: false, setScale: false }, points: { size: 6 } },
        ...(zone === 'utc' ? { tzDate: (seconds: number) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC') } : {}),
        scales: { y: { range: (_plot, _low, high) => [0, high === 0 ? 1 : high * 1.1] } },
        axes: [
          { ...axis, values: (_plot, splits) => splits.map(timeText(splits, zone)) },
          { ...axis, size: 64, values: (_plot, splits) => splits.map(format) },
        ],
        series: [
          {},
          ...lines.map((line) => ({
            label: line.label,
            stroke: colour(line.colour),
            width: 1.5,
            ...(line.dash === undefined ? {} : { dash: [...line.dash] }),
            spanGaps: false,
            value: (_plot: uPlot, value: number | null) => (value === null ? '–' : format(value)),
          })),
        ],
        hooks: {
          setSelect: [
            (chart) => {
              const { left, width } = chart.select;
              if (width < 4) return;
              const at = (x: number): string => new Date(chart.posToVal(x, 'x') * 1000).toISOString();
              choose.current?.(at(left), at(left + width));
              chart.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
            },
          ],
        },
      },
      [[...times], ...lines.map(({ values }) => [...values])] as uPlot.AlignedData,
      target,
    );
    plot.current = made;
    const watch = new ResizeObserver(() => made.setSize({ width: target.clientWidth, height }));
    watch.observe(target);
    return () => {
      watch.disconnect();
      made.destroy();
      plot.current = null;
    };
    // Made anew where lines or colours are others; figures come by the effect below.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [shape, theme, zone]);
  useEffect(() => {
    plot.current?.setData([[...times], ...lines.map(({ values }) => [...values])] as uPlot.AlignedData);
  }, [times, lines]);
  return (
    <div
      ref={place}
      role="img"
      aria-label={`${label}; as figures in the table`}
      className="w-full text-meta [&_.u-legend]:text-left [&_.u-legend]:text-ink-2 [&_.u-legend_th]:font-normal [&_.uplot]:font-sans [&_.uplot]:leading-4"
    />
  );
}

/** Hours and minutes, or days where there are several. */
function timeText(splits: readonly number[], zone: 'local' | 'utc'): (seconds: number) => string {
  const isLong = (splits.at(-1) ?? 0) - (splits[0] ?? 0) > 172_800;
  const format = new Intl.DateTimeFormat('en-GB', {
    ...(zone === 'utc' ? { timeZone: 'UTC' } : {}),
    ...(isLong ? { day: '2-digit', month: 'short' } : { hour: '2-digit', minute: '2-digit' }),
  });
  return (seconds) => format.format(new Date(seconds * 1000));
}
