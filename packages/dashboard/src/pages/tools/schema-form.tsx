/** The arguments of a tool as fields, made from its schema. What is not filled in is not sent. */
import { Plus, X } from 'lucide-react';
import { useState, type ReactElement } from 'react';
import { Button } from '../../ui/button.tsx';
import { Area, Choice, Field } from '../../ui/field.tsx';
import { blankOf, parsed, pointer, resolved, shapeOf, typeText, Unparsed, type Schema, type Shape } from './schema-fields.ts';

interface FormProps {
  readonly schema: Schema;
  readonly value: unknown;
  readonly onChange: (value: unknown) => void;
  /** By the JSON Pointer of where. */
  readonly problems: ReadonlyMap<string, string>;
}

export function SchemaForm({ schema, value, onChange, problems }: FormProps): ReactElement {
  const shape = shapeOf(schema, schema);
  const common = { root: schema, problems, onChange, value, at: '', depth: 0 } as const;
  if (shape.kind !== 'object') return <SchemaField {...common} name="arguments" schema={schema} isRequired />;
  if (shape.members.length === 0) return <p className="text-ink-2">It takes no arguments.</p>;
  return <Members {...common} shape={shape} isRequired />;
}

interface PlaceProps extends Omit<FormProps, 'schema'> {
  readonly root: Schema;
  readonly at: string;
  readonly depth: number;
  readonly isRequired: boolean;
}

function Members({
  shape,
  root,
  at,
  depth,
  value,
  onChange,
  problems,
  isRequired,
}: PlaceProps & { readonly shape: Shape & { readonly kind: 'object' } }): ReactElement {
  const object = isMap(value) ? value : {};
  const change = (name: string, next: unknown): void => {
    const { [name]: _, ...others } = object;
    const changed = next === undefined ? others : { ...object, [name]: next };
    onChange(!isRequired && Object.keys(changed).length === 0 ? undefined : changed);
  };
  return (
    <div className="flex flex-col gap-3">
      {shape.members.map(({ name, schema, isRequired: isNeeded }) => (
        <SchemaField
          key={name}
          name={name}
          schema={schema}
          root={root}
          at={pointer(at, name)}
          depth={depth + 1}
          isRequired={isNeeded}
          value={object[name]}
          onChange={(next) => change(name, next)}
          problems={problems}
        />
      ))}
    </div>
  );
}

interface SchemaFieldProps extends PlaceProps {
  readonly name: string;
  readonly schema: Schema;
}

function SchemaField({ name, schema, root, at, depth, isRequired, value, onChange, problems }: SchemaFieldProps): ReactElement {
  const one = resolved(schema, root);
  const shape = shapeOf(one, root, depth);
  const label = isRequired ? name : `${name} (optional)`;
  const about = typeof one['description'] === 'string' ? one['description'] : undefined;
  const problem = problems.get(at) ?? null;
  const said = { label, hint: about ?? typeText(schema, root), problem };
  if (shape.kind === 'object' || shape.kind === 'list') {
    const place = { root, at, depth, isRequired, value, onChange, problems };
    return (
      <fieldset className="min-w-0">
        <legend className="text-meta text-ink-2">{label}</legend>
        {about !== undefined && <p className="text-meta text-ink-3">{about}</p>}
        {problem !== null && <p className="text-meta text-error">{problem}</p>}
        <div className="mt-1 border-l border-hairline pl-3">
          {shape.kind === 'object' ? <Members {...place} shape={shape} /> : <Items {...place} name={name} items={shape.items} />}
        </div>
      </fieldset>
    );
  }
  if (shape.kind === 'choice' || shape.kind === 'boolean') {
    const values = shape.kind === 'boolean' ? [true, false] : shape.values;
    const place = value === undefined ? -1 : values.findIndex((each) => JSON.stringify(each) === JSON.stringify(value));
    const choices = values.map((each, index) => [String(index), typeof each === 'string' ? each : JSON.stringify(each)] as const);
    return (
      <Choice
        {...said}
        value={place === -1 ? '' : String(place)}
        choices={[['', 'not set'], ...choices]}
        onChange={(event) => onChange(event.target.value === '' ? undefined : values[Number(event.target.value)])}
      />
    );
  }
  if (shape.kind === 'number') return <NumberField {...said} value={value} onChange={onChange} />;
  if (shape.kind === 'json') return <JsonField {...said} rows={4} value={value} onChange={onChange} />;
  const text = typeof value === 'string' ? value : value === undefined || value === null ? '' : JSON.stringify(value);
  const change = (next: string): void => onChange(next === '' ? undefined : next);
  return text.includes('\n') || text.length > 120 ? (
    <Area {...said} rows={Math.min(12, text.split('\n').length + 2)} value={text} onChange={(event) => change(event.target.value)} />
  ) : (
    <Field {...said} value={text} onChange={(event) => change(event.target.value)} />
  );
}

function Items({ items, name, root, at, depth, value, onChange, problems }: PlaceProps & { readonly items: Schema; readonly name: string }): ReactElement {
  const list: readonly unknown[] = Array.isArray(value) ? value : [];
  const blank = blankOf(items, root);
  return (
    <div className="flex flex-col gap-2">
      {list.map((item, index) => (
        // Items have nothing but their place.
        <div key={index} className="flex items-start gap-2">
          <div className="min-w-0 flex-1">
            <SchemaField
              name={`${name} ${index + 1}`}
              schema={items}
              root={root}
              at={`${at}/${index}`}
              depth={depth + 1}
              isRequired
              value={item}
              onChange={(next) => onChange(list.map((old, place) => (place === index ? (next ?? blank) : old)))}
              problems={problems}
            />
          </div>
          <Button
            look="quiet"
            className="mt-5"
            aria-label={`Remove ${name} ${index + 1}`}
            onClick={() => onChange(list.length === 1 ? undefined : list.filter((_, place) => place !== index))}
          >
            <X size={14} aria-hidden="true" />
          </Button>
        </div>
      ))}
      <div>
        <Button look="quiet" onClick={() => onChange([...list, blank])}>
          <Plus size={14} aria-hidden="true" /> Add to {name}
        </Button>
      </div>
    </div>
  );
}

interface ValueFieldProps {
  readonly label: string;
  readonly hint?: string;
  readonly problem: string | null;
  readonly value: unknown;
  readonly onChange: (value: unknown) => void;
}

/** What is written stays as it is written, also while it is no number yet. */
function NumberField({ value, onChange, ...said }: ValueFieldProps): ReactElement {
  const [draft, setDraft] = useState(() => textOf(value));
  const shown = numberIn(draft) === value ? draft : textOf(value);
  return (
    <Field
      {...said}
      inputMode="decimal"
      value={shown}
      onChange={(event) => {
        setDraft(event.target.value);
        onChange(numberIn(event.target.value));
      }}
    />
  );
}

function numberIn(text: string): unknown {
  if (text.trim() === '') return undefined;
  const number = Number(text);
  return Number.isFinite(number) ? number : text;
}

/** JSON that is written by hand: it stays as it was written for as long as it means the same. */
export function JsonField({ value, onChange, rows, ...said }: ValueFieldProps & { readonly rows: number }): ReactElement {
  const [draft, setDraft] = useState(() => prettyOf(value));
  const shown = isSame(valueIn(draft), value) ? draft : prettyOf(value);
  return (
    <Area
      {...said}
      rows={rows}
      value={shown}
      onChange={(event) => {
        setDraft(event.target.value);
        onChange(valueIn(event.target.value));
      }}
    />
  );
}

function valueIn(text: string): unknown {
  return text.trim() === '' ? undefined : parsed(text);
}

function isSame(one: unknown, other: unknown): boolean {
  if (one instanceof Unparsed || other instanceof Unparsed) return one instanceof Unparsed && other instanceof Unparsed && one.text === other.text;
  return JSON.stringify(one) === JSON.stringify(other);
}

export function prettyOf(value: unknown): string {
  if (value === undefined) return '';
  return value instanceof Unparsed ? value.text : JSON.stringify(value, null, 2);
}

function textOf(value: unknown): string {
  return value === undefined || value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value);
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Unparsed);
}
