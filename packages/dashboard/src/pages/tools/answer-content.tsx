/** What a tool answered, as people read it: every kind of content, and the structured one. */
import type { Content } from '@gatewayops/sdk';
import type { ReactElement } from 'react';
import { bytesText } from '../../text/format.ts';
import { JsonView } from '../trace/json-view.tsx';

export function AnswerContent({ content, structured }: { readonly content: readonly Content[]; readonly structured: unknown }): ReactElement {
  return (
    <>
      {content.length === 0 && structured === undefined && <p className="text-body">The tool succeeded and returned no content.</p>}
      {content.map((part, index) => (
        // Parts have nothing but their place.
        <Part key={index} part={part} />
      ))}
      {structured !== undefined && (
        <div>
          <h4 className="mb-1 text-meta text-ink-3">Structured content</h4>
          <JsonView text={JSON.stringify(structured)} />
        </div>
      )}
    </>
  );
}

function Part({ part }: { readonly part: Content }): ReactElement {
  switch (part.type) {
    case 'text':
      return <Text text={part.text} />;
    case 'image':
    case 'audio':
      return (
        <p className="text-ink-2">
          {part.type}, {part.mimeType}, {bytesText(Math.floor((part.data.length * 3) / 4))}
        </p>
      );
    case 'resource_link':
      return (
        <p className="text-ink-2">
          link to {part.name}: <code className="font-mono text-meta break-all">{part.uri}</code>
        </p>
      );
    case 'resource':
      return (
        <div>
          <p className="mb-1 text-meta text-ink-3">
            resource <code className="font-mono break-all">{part.resource.uri}</code>
          </p>
          {part.resource.text === undefined ? <p className="text-ink-2">{part.resource.mimeType ?? 'binary'}</p> : <Text text={part.resource.text} />}
        </div>
      );
    default:
      // A kind that a newer server has.
      return <JsonView text={JSON.stringify(part)} />;
  }
}

/** JSON as such; else as it is, its lines kept. */
function Text({ text }: { readonly text: string }): ReactElement {
  if (/^\s*[[{]/.test(text)) return <JsonView text={text} />;
  return (
    <pre className="max-h-[50dvh] overflow-auto rounded-panel border border-hairline bg-canvas p-2 font-mono text-meta break-words whitespace-pre-wrap">
      {text}
    </pre>
  );
}
