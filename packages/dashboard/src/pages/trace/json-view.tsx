/** JSON as a tree of lines, only those on screen in the document; anything else as text. */
import { useVirtualizer } from '@tanstack/react-virtual';
import { useMemo, useRef, useState, type ReactElement } from 'react';
import { CopyButton, copyText } from '../../ui/copy.tsx';
import { pointer } from '../tools/schema-fields.ts';

interface Line {
  readonly depth: number;
  readonly text: string;
  readonly key: string | null;
  /** JSON Pointer (RFC 6901). */
  readonly path: string;
  readonly folds: boolean;
  readonly value: unknown;
}

/** More would stop the page: the rest is there after a click. */
const parsedBytesMax = 2_000_000;
const foldedFrom = 400;
/** No answer of a tool is as deep; a text of nothing but brackets would end the page. */
const depthMax = 200;

export function JsonView({ text }: { readonly text: string }): ReactElement {
  const [folded, setFolded] = useState<ReadonlySet<string>>(new Set());
  const value = useMemo(() => parse(text), [text]);
  const lines = useMemo(() => (value === undefined ? null : linesOf(value.value, folded)), [value, folded]);
  const scroller = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState<number | null>(null);
  const virtual = useVirtualizer({ count: lines?.length ?? 0, getScrollElement: () => scroller.current, estimateSize: () => 18, overscan: 20 });
  if (lines === null)
    return <pre className="overflow-auto rounded-panel border border-hairline bg-canvas p-2 font-mono text-meta break-words whitespace-pre-wrap">{text}</pre>;
  const toggle = (path: string): void => {
    const next = new Set(folded);
    if (!next.delete(path)) next.add(path);
    setFolded(next);
  };
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <div
      ref={scroller}
      // What scrolls must be reached by keys.
      // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
      tabIndex={0}
      aria-label="JSON"
      role="region"
      onKeyDown={(event) => {
        const by = event.target === event.currentTarget ? { ArrowDown: 1, ArrowUp: -1 }[event.key] : undefined;
        if (by === undefined) return;
        event.preventDefault();
        const next = Math.max(0, Math.min(lines.length - 1, at === null ? 0 : at + by));
        setAt(next);
        virtual.scrollToIndex(next, { align: 'auto' });
      }}
      onPointerLeave={() => setAt(null)}
      className="max-h-[60dvh] overflow-auto rounded-panel border border-hairline bg-canvas py-1 font-mono text-meta"
    >
      <div className="relative min-w-fit" style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map(({ index, start }) => {
          const line = lines[index];
          if (line === undefined) return null;
          return (
            <div
              key={index}
              // Where the lines move below a mouse that rests, it has chosen none.
              onPointerMove={({ movementX, movementY }) => (movementX !== 0 || movementY !== 0) && setAt(index)}
              className={`absolute top-0 left-0 flex h-[18px] w-full items-center whitespace-pre ${index === at ? 'bg-sunken' : ''}`}
              style={{ transform: `translateY(${start}px)`, paddingLeft: 8 + line.depth * 14 }}
            >
              {line.key !== null && <span className="text-ink-3">{JSON.stringify(line.key)}: </span>}
              {line.folds ? (
                <button
                  type="button"
                  // One that is closed says how much is in it.
                  aria-expanded={line.text.length === 1}
                  onClick={() => toggle(line.path)}
                  className="text-ink-2 hover:text-ink hover:underline"
                >
                  {line.text}
                </button>
              ) : (
                <span className="text-ink">{line.text}</span>
              )}
              {index === at && line.path !== '' && !line.path.endsWith('\0') && (
                <span className="sticky right-0 ml-auto flex items-center gap-1 bg-sunken pl-2 text-ink-3">
                  <CopyButton text={typeof line.value === 'string' ? line.value : JSON.stringify(line.value)} label="Copy the value" />
                  <CopyPath path={line.path} />
                </span>
              )}
            </div>
          );
        })}
      </div>
    </div>
  );
}

/** Where a value stands, as a JSON Pointer. */
function CopyPath({ path }: { readonly path: string }): ReactElement {
  return (
    <button type="button" title={`Copy the path ${path}`} onClick={() => void copyText(path)} className="rounded-control px-1 hover:text-ink hover:underline">
      path
    </button>
  );
}

function parse(text: string): { readonly value: unknown } | undefined {
  if (text.length > parsedBytesMax) return undefined;
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}

function linesOf(root: unknown, folded: ReadonlySet<string>): readonly Line[] {
  const lines: Line[] = [];
  const add = (value: unknown, key: string | null, depth: number, path: string, comma: string): void => {
    if (typeof value !== 'object' || value === null) {
      lines.push({ depth, key, path, text: `${JSON.stringify(value) ?? 'null'}${comma}`, folds: false, value });
      return;
    }
    const isArray = Array.isArray(value);
    const entries = Object.entries(value);
    const [begin, end] = isArray ? ['[', ']'] : ['{', '}'];
    if (entries.length === 0) {
      lines.push({ depth, key, path, text: `${begin}${end}${comma}`, folds: false, value });
      return;
    }
    if (depth >= depthMax) {
      lines.push({ depth, key, path: `${path}\0`, text: `${begin} … deeper than is shown ${end}${comma}`, folds: false, value: null });
      return;
    }
    // What is very long begins closed, and opens by the same click.
    const isFolded = folded.has(path) !== entries.length > foldedFrom;
    const count = `${entries.length} ${isArray ? 'items' : 'members'}`;
    lines.push({ depth, key, path, text: isFolded ? `${begin} … ${count} ${end}${comma}` : begin, folds: true, value });
    if (isFolded) return;
    for (const [index, [name, one]] of entries.entries())
      add(one, isArray ? null : name, depth + 1, pointer(path, name), index < entries.length - 1 ? ',' : '');
    lines.push({ depth, key: null, path: `${path}\0`, text: `${end}${comma}`, folds: false, value });
  };
  add(root, null, 0, '', '');
  return lines;
}
