import { useMutation } from '@tanstack/react-query';
import { useId, useState, type ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
import { FaultLine } from '../../ui/fault-line.tsx';
import { Sheet } from '../../ui/sheet.tsx';
import { SheetActions } from '../../ui/sheet-actions.tsx';
import { Preview } from './preview.tsx';

const examples = {
  oidc: '{\n  "sub": "00u1",\n  "email": "ana@acme.example",\n  "email_verified": true,\n  "groups": ["platform"]\n}',
  saml: '{\n  "name_id": "ana@acme.example",\n  "email": "ana@acme.example",\n  "groups": ["platform"]\n}',
} as const;

/** What claims would give somebody, without anybody signing in. */
export function PreviewMapping({
  provider,
  type,
  onClose,
}: {
  readonly provider: string;
  readonly type: 'oidc' | 'saml';
  readonly onClose: () => void;
}): ReactElement {
  const id = useId();
  const [text, setText] = useState<string>(examples[type]);
  const preview = useMutation({
    mutationFn: async () => gateway.identity.preview({ provider, claims: claimsOf(text) }),
  });
  return (
    <Sheet title={`What ${provider} would grant`} onClose={onClose} wide>
      <form
        className="flex flex-col gap-3 p-4"
        onSubmit={(event) => {
          event.preventDefault();
          preview.mutate();
        }}
      >
        <label htmlFor={id} className="text-meta text-ink-2">
          {type === 'saml' ? 'Attributes of an assertion' : 'Claims of an ID token'}, as JSON
        </label>
        <textarea
          id={id}
          value={text}
          rows={8}
          maxLength={20_000}
          spellCheck={false}
          onChange={(event) => setText(event.target.value)}
          className="rounded-control border border-control bg-canvas p-2 font-mono text-meta text-ink"
        />
        <FaultLine error={preview.error} />
        {preview.data !== undefined && (
          <div role="status" className="border-t border-hairline pt-3">
            <Preview preview={preview.data} />
          </div>
        )}
        <SheetActions verb="Preview" disabled={preview.isPending} onClose={onClose} />
      </form>
    </Sheet>
  );
}

function claimsOf(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Error(`Not valid JSON: ${cause instanceof Error ? cause.message : 'it ends too early'}`, { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('Claims must be an object: { "sub": "00u1" }.');
  return value as Record<string, unknown>;
}
