/**
 * Lines over time on a canvas, with a cursor that all charts of a page share, what was changed meanwhile, and a table of the lines that says last, mean and most
 * and shows one alone. A gap is drawn as a gap.
 */
import { Download, Image, Table2 } from 'lucide-react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { useEffect, useRef, useState, useSyncExternalStore, type ReactElement } from 'react';
import { useAppearance } from '../app/appearance.ts';
import { meanCountText } from '../text/format.ts';
import { axisText, clockText } from '../time/moment.ts';
import { Clock } from '../time/time.tsx';
import { TableHead } from '../ui/table-head.tsx';
import { csvOf, save } from './chart-file.ts';
import type { Marker } from './marker.ts';
import { nearest, sortedLegend, type LegendColumn } from './legend.ts';

export interface Line {
  readonly label: string;
  /** A custom property of tokens.css: `--p95`. */
  readonly colour: string;
  readonly dash?: readonly number[];
  readonly values: readonly (number | null)[];
}

export interface LineChartProps {
  readonly label: string;
  /** Seconds since the epoch. */
  readonly times: readonly number[];
  readonly lines: readonly Line[];
  readonly markers?: readonly Marker[];
  /** `step`: of an axis, how far its marks are apart. */
  readonly format: (value: number, step?: number) => string;
  /** Its figures are counts: between two of them there is none. */
  readonly isWhole?: boolean;
  /** A part was chosen by dragging. */
  readonly onChoose?: (from: string, to: string) => void;
  /** A step was clicked. */
  readonly onOpen?: (from: string, to: string) => void;
  /** Which line is shown alone, where charts beside it show the same alone. */
  readonly alone?: string | null;
  readonly onAlone?: (label: string | null) => void;
  /** As figures from the start. */
  readonly asTable?: boolean;
}

const height = 160;
/** Nearer than so many pixels the cursor is at it. */
const markerPixels = 5;

export function LineChart({
  label,
  times,
  lines,
  markers = noMarkers,
  format,
  isWhole = false,
  onChoose,
  onOpen,
  alone: sharedAlone,
  onAlone,
  asTable = false,
}: LineChartProps): ReactElement {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef({ onChoose, onOpen, markers, times });
  const { theme, zone } = useAppearance();
  const isDarkSystem = useSyncExternalStore(watchSystem, () => darkSystem.matches);
  const [at, setAt] = useState<number | null>(null);
  const [near, setNear] = useState<string | null>(null);
  const [ownAlone, setOwnAlone] = useState<string | null>(null);
  // A line that is no more is not what hides the others.
  const wanted = onAlone === undefined ? ownAlone : (sharedAlone ?? null);
  const alone = lines.some((line) => line.label === wanted) ? wanted : null;
  const [ownTable, setOwnTable] = useState(false);
  const isTable = asTable || ownTable;
  useEffect(() => {
    latest.current = { onChoose, onOpen, markers, times };
  });
  const shape = lines.map(({ label: name, colour }) => `${name} ${colour}`).join();
  useEffect(() => {
    const target = place.current;
    if (target === null) return undefined;
    const style = getComputedStyle(target);
    const colour = (name: string): string => style.getPropertyValue(name);
    const axis = { stroke: colour('--ink-3'), font: `12px ${style.fontFamily}`, grid: { stroke: colour('--hairline'), width: 1 }, ticks: { show: false } };
    const moment = (seconds: number): string => new Date(seconds * 1000).toISOString();
    const made = new uPlot(
      {
        width: target.clientWidth,
        height,
        legend: { show: false },
        cursor: { sync: { key: 'time' }, drag: { x: true, y: false, setScale: false }, points: { size: 6 } },
        ...(zone === 'utc' ? { tzDate: (seconds: number) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC') } : {}),
        scales: {
          // To the end of the last step: it is under way.
          x: { range: (chart, low, high) => [low, high + stepOf(chart.data[0])] },
          y: { range: (_plot, _low, high) => [0, high === 0 ? 1 : high * 1.1] },
        },
        axes: [
          { ...axis, size: 28, values: (_plot, splits) => axisText(splits, zone) },
          {
            ...axis,
            size: 64,
            space: 24,
            incrs: roundSteps.filter((step) => !isWhole || step >= 1),
            values: (_plot, splits, _axis, _space, step) => splits.map((value) => format(value, step)),
          },
        ],
        series: [
          {},
          ...lines.map((line) => ({
            label: line.label,
            stroke: colour(line.colour),
            width: 1.5,
            ...(line.dash === undefined ? {} : { dash: [...line.dash] }),
            spanGaps: false,
            // A step between two gaps is no line, and is seen as a dot.
            points: { show: true, size: 4, fill: colour(line.colour), filter: (chart: uPlot, series: number) => alonePoints(chart.data[series] ?? []) },
          })),
        ],
        hooks: {
          setCursor: [
            (chart) => {
              const { idx, left = -1 } = chart.cursor;
              setAt(left < 0 ? null : (idx ?? null));
              const found = left < 0 ? undefined : nearest(latest.current.markers, (marker) => Math.abs(chart.valToPos(marker.at, 'x') - left));
              setNear(found !== undefined && found.distance <= markerPixels ? found.item.text : null);
            },
          ],
          setSelect: [
            (chart) => {
              const { left, width } = chart.select;
              if (width < 4) return;
              latest.current.onChoose?.(moment(chart.posToVal(left, 'x')), moment(chart.posToVal(left + width, 'x')));
              chart.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
            },
          ],
          draw: [(chart) => drawMarkers(chart, latest.current.markers, colour('--accent'))],
        },
      },
      [[...times], ...lines.map(({ values }) => [...values])] as uPlot.AlignedData,
      target,
    );
    made.over.addEventListener('click', () => {
      const { idx } = made.cursor;
      const step = stepAt(latest.current.times, idx ?? null);
      if (step !== null) latest.current.onOpen?.(moment(step.from), moment(step.to));
    });
    plot.current = made;
    // Behind the table it has no width, and is kept as it was.
    const watch = new ResizeObserver(() => target.clientWidth > 0 && made.setSize({ width: target.clientWidth, height }));
    watch.observe(target);
    return () => {
      watch.disconnect();
      made.destroy();
      plot.current = null;
    };
    // Made anew where lines or colours are others; figures come by the effect below.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [shape, theme, isDarkSystem, zone, isWhole]);
  useEffect(() => {
    plot.current?.setData([[...times], ...lines.map(({ values }) => [...values])] as uPlot.AlignedData);
  }, [times, lines, markers]);
  useEffect(() => {
    for (const [index, line] of lines.entries()) plot.current?.setSeries(index + 1, { show: alone === null || alone === line.label });
    // Those of a chart that was made anew, too.
  }, [alone, lines, theme, isDarkSystem, zone, isWhole]);
  const time = at === null ? undefined : times[at];
  const name = label.toLowerCase().replaceAll(/[^a-z]+/g, '-');
  return (
    <div>
      <div className="mb-1 flex min-h-7 items-center gap-1">
        <h2 className="min-w-0 truncate font-semibold">{label}</h2>
        <span className="ml-auto min-w-0 truncate text-meta text-ink-2">
          {near ?? (time === undefined ? '' : clockText(new Date(time * 1000).toISOString(), zone))}
        </span>
        {!asTable && (
          <IconButton title={`${label} as ${ownTable ? 'a chart' : 'a table'}`} isPressed={ownTable} onAct={() => setOwnTable(!ownTable)}>
            <Table2 size={14} aria-hidden="true" />
          </IconButton>
        )}
        <IconButton title={`${label}: save as PNG`} onAct={() => savePicture(plot.current, name)}>
          <Image size={14} aria-hidden="true" />
        </IconButton>
        <IconButton title={`${label}: save as CSV`} onAct={() => save(new Blob([csvOf(times, lines)], { type: 'text/csv' }), `${name}.csv`)}>
          <Download size={14} aria-hidden="true" />
        </IconButton>
      </div>
      {isTable && <ChartTable label={label} times={times} lines={lines.filter((line) => alone === null || alone === line.label)} format={format} />}
      <div
        ref={place}
        role="img"
        aria-label={`${label}; the same figures are in the table`}
        hidden={isTable}
        className={`w-full overflow-hidden text-meta [&_.uplot]:font-sans [&_.uplot]:leading-4 ${onOpen === undefined ? '' : '[&_.u-over]:cursor-pointer'}`}
      />
      <Legend lines={lines} at={isTable ? null : at} alone={alone} format={format} isWhole={isWhole} onAlone={onAlone ?? setOwnAlone} />
    </div>
  );
}

const noMarkers: readonly Marker[] = [];
/** 1, 2, 5, 10, 20, 50 and so on, and parts of one likewise: each is said with two digits at most, and so is exact beside its line. */
const roundSteps = Array.from({ length: 24 }, (_, power) => [1, 2, 5].map((step) => Number(`${step}e${power - 9}`))).flat();
/** A canvas keeps the colours that it was drawn in; where the theme is the system's it is drawn anew when that changes. */
const darkSystem = matchMedia('(prefers-color-scheme: dark)');

function watchSystem(listener: () => void): () => void {
  darkSystem.addEventListener('change', listener);
  return () => darkSystem.removeEventListener('change', listener);
}

interface LegendProps {
  readonly lines: readonly Line[];
  readonly at: number | null;
  readonly alone: string | null;
  readonly format: (value: number) => string;
  readonly isWhole: boolean;
  readonly onAlone: (label: string | null) => void;
}

const legendColumns: readonly (readonly [LegendColumn, string])[] = [
  ['last', 'Last'],
  ['mean', 'Mean'],
  ['most', 'Max'],
];

/** What each line is, and how it went: a click on a name shows it alone, on a title sorts by it. */
function Legend({ lines, at, alone, format, isWhole, onAlone }: LegendProps): ReactElement {
  const [by, setBy] = useState<LegendColumn | null>(null);
  const text = (value: number | null | undefined): string => valueText(value, format);
  return (
    <table className="w-full text-meta">
      <thead className="text-ink-3">
        <tr>
          <th scope="col" className="w-full max-w-0 text-left font-normal">
            Line
          </th>
          <th scope="col" className="pl-3 text-right font-normal max-sm:hidden">
            {/* As wide as what will stand there: it does not push the others. */}
            <span className="inline-block min-w-12">Cursor</span>
          </th>
          {legendColumns.map(([column, title]) => (
            <th key={column} scope="col" className="pl-3 text-right font-normal whitespace-nowrap" aria-sort={by === column ? 'descending' : 'none'}>
              <button type="button" className="hit min-w-12 text-right hover:text-ink hover:underline" onClick={() => setBy(by === column ? null : column)}>
                {by === column ? `▼ ${title}` : title}
              </button>
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {sortedLegend(lines, by).map(({ line, last, mean, most }) => (
          <tr key={line.label} className={`border-t border-hairline ${alone === null || alone === line.label ? '' : 'text-ink-3'}`}>
            <th scope="row" className="max-w-0 text-left font-normal">
              <button
                type="button"
                aria-pressed={alone === line.label}
                title={alone === line.label ? 'Show all' : `Show ${line.label} alone`}
                onClick={() => onAlone(alone === line.label ? null : line.label)}
                className="hit block max-w-full truncate hover:text-accent hover:underline"
              >
                <svg width={16} height={4} aria-hidden="true" className="mr-1.5 inline align-middle">
                  <path d="M0 2H16" strokeWidth={2} strokeDasharray={line.dash?.join(' ')} style={{ stroke: `var(${line.colour})` }} />
                </svg>
                {line.label}
              </button>
            </th>
            <td className="pl-3 text-right whitespace-nowrap max-sm:hidden">{at === null ? '' : text(line.values[at])}</td>
            <td className="pl-3 text-right whitespace-nowrap">{text(last)}</td>
            <td className="pl-3 text-right whitespace-nowrap">{isWhole && mean !== null ? meanCountText(mean) : text(mean)}</td>
            <td className="pl-3 text-right whitespace-nowrap">{text(most)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** The same as figures, the newest first; steps of which nothing is known are left out. */
function ChartTable({ label, times, lines, format }: Pick<LineChartProps, 'label' | 'times' | 'lines' | 'format'>): ReactElement {
  const known = times.map((_, index) => times.length - 1 - index).filter((index) => lines.some(({ values }) => (values[index] ?? null) !== null));
  return (
    // It is scrolled by arrow keys.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div role="region" aria-label={`${label}, each step`} tabIndex={0} className="mb-2 h-40 overflow-auto outline-offset-[-2px]">
      <table className="w-full text-meta whitespace-nowrap">
        <TableHead titles={['From', ...lines.map((line) => line.label)]} left={1} sticky />
        <tbody>
          {known.map((index) => (
            <tr key={times[index]} className="border-t border-hairline">
              <th scope="row" className="px-3 py-0.5 text-left font-normal">
                <Clock time={new Date((times[index] ?? 0) * 1000).toISOString()} />
              </th>
              {lines.map(({ label: name, values }) => (
                <td key={name} className="px-3 text-right">
                  {valueText(values[index], format)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function valueText(value: number | null | undefined, format: (value: number) => string): string {
  return value === null || value === undefined ? '–' : format(value);
}

interface IconButtonProps {
  readonly title: string;
  readonly isPressed?: boolean;
  readonly onAct: () => void;
  readonly children: ReactElement;
}

function IconButton({ title, isPressed, onAct, children }: IconButtonProps): ReactElement {
  return (
    <button
      type="button"
      aria-label={title}
      title={title}
      aria-pressed={isPressed}
      onClick={onAct}
      className={`flex size-7 shrink-0 items-center justify-center rounded-control hover:bg-sunken hover:text-ink pointer-coarse:size-10 ${isPressed === true ? 'bg-sunken text-ink' : 'text-ink-3'}`}
    >
      {children}
    </button>
  );
}

/** The canvas is transparent: on paper of the page's colour. */
function savePicture(chart: uPlot | null, name: string): void {
  if (chart === null) return;
  const { canvas } = chart.ctx;
  const paper = document.createElement('canvas');
  [paper.width, paper.height] = [canvas.width, canvas.height];
  const context = paper.getContext('2d');
  if (context === null) return;
  context.fillStyle = getComputedStyle(chart.root).getPropertyValue('--surface');
  context.fillRect(0, 0, paper.width, paper.height);
  context.drawImage(canvas, 0, 0);
  paper.toBlob((blob) => blob !== null && save(blob, `${name}.png`), 'image/png');
}

function drawMarkers(chart: uPlot, markers: readonly Marker[], colour: string): void {
  const { ctx, bbox } = chart;
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.fillStyle = colour;
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
  for (const { at } of markers) {
    const x = Math.round(chart.valToPos(at, 'x', true));
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.fillRect(x - 2 * devicePixelRatio, bbox.top, 4 * devicePixelRatio, 4 * devicePixelRatio);
  }
  ctx.restore();
}

function alonePoints(values: ArrayLike<number | null | undefined>): number[] {
  const isKnown = (index: number): boolean => values[index] !== null && values[index] !== undefined;
  return Array.from({ length: values.length }, (_, index) => index).filter((index) => isKnown(index) && !isKnown(index - 1) && !isKnown(index + 1));
}

function stepOf(times: ArrayLike<number>): number {
  return (times[1] ?? 0) - (times[0] ?? 0);
}

/** From a step to the next; the last is as long as the one before it. */
function stepAt(times: readonly number[], index: number | null): { readonly from: number; readonly to: number } | null {
  const from = index === null ? undefined : times[index];
  if (index === null || from === undefined) return null;
  const to = times[index + 1] ?? from + Math.max(stepOf(times), 1);
  return { from, to };
}
