import { SaxesParser } from 'saxes';
import { bounds } from '../../kernel/bounds.ts';
import type { SignInTrouble } from '../sign-in-trouble.ts';

/** An element as it is written: no entity, comment or instruction is in it, and its text is whole. */
export interface XmlElement {
  readonly namespace: string;
  readonly name: string;
  /** By name, those of a namespace as `{namespace}name`. Declarations of namespaces are not among them. */
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly XmlElement[];
  /** Its own, without that of its children. */
  readonly text: string;
  /** Where it stands in the text that was read. */
  readonly start: number;
  readonly end: number;
}

interface Growing extends XmlElement {
  readonly children: Growing[];
  text: string;
  end: number;
}

type Refuse = (reason: string) => SignInTrouble;

/**
 * Reads XML of strangers: a DOCTYPE, comments, CDATA and processing instructions are refused before anything is parsed, for nobody who signs people in
 * writes them, and all that parsers disagree on hides there. `refuse` makes what is thrown.
 */
export function readXml(text: string, refuse: Refuse): XmlElement {
  const body = text.replace(declaration, '');
  if (body.includes('<!DOCTYPE') || body.includes('<!ENTITY')) throw refuse('it has a DOCTYPE');
  if (body.includes('<!') || body.includes('<?')) throw refuse('it has comments, CDATA or processing instructions');
  return parse(text, refuse);
}

/** Bytes as text, without a byte that is none. */
export function readText(bytes: Uint8Array, refuse: Refuse): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    throw refuse('it is not UTF-8');
  }
}

export function childrenOf(element: XmlElement, namespace: string, name: string): readonly XmlElement[] {
  return element.children.filter((child) => child.namespace === namespace && child.name === name);
}

/** It and all below it, in the order of the document. */
export function elementsOf(element: XmlElement): readonly XmlElement[] {
  const found: XmlElement[] = [];
  const waiting = [element];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    found.push(next);
    waiting.push(...next.children.toReversed());
  }
  return found;
}

function parse(text: string, refuse: Refuse): XmlElement {
  const parser = new SaxesParser({ xmlns: true, position: true });
  const open: Growing[] = [];
  let root: Growing | null = null;
  let count = 0;
  let start = 0;
  parser.on('error', (error) => {
    throw refuse(`it is no well-formed XML: ${error.message.slice(0, 200)}`);
  });
  parser.on('doctype', () => {
    throw refuse('it has a DOCTYPE');
  });
  parser.on('opentagstart', () => {
    start = text.lastIndexOf('<', parser.position - 1);
  });
  parser.on('opentag', ({ uri, local, attributes }) => {
    count += 1;
    if (count > bounds.samlElementsMax || open.length >= bounds.samlDepthMax)
      throw refuse(`it has more than ${bounds.samlElementsMax} elements, or they stand deeper than ${bounds.samlDepthMax}`);
    const named = new Map<string, string>();
    for (const one of Object.values(attributes)) if (one.uri !== xmlns) named.set(one.uri === '' ? one.local : `{${one.uri}}${one.local}`, one.value);
    const element: Growing = { namespace: uri, name: local, attributes: named, children: [], text: '', start, end: 0 };
    open.at(-1)?.children.push(element);
    root ??= element;
    open.push(element);
  });
  parser.on('text', (part) => {
    const element = open.at(-1);
    if (element !== undefined) element.text += part;
  });
  parser.on('closetag', () => {
    const element = open.pop();
    if (element !== undefined) element.end = parser.position;
  });
  parser.write(text).close();
  if (root === null) throw refuse('there is no element');
  return root;
}

const xmlns = 'http://www.w3.org/2000/xmlns/';
/** XML 1.0 in UTF-8: another version has other characters. */
const declaration = /^<\?xml\s+version\s*=\s*["']1\.0["'](?:\s+encoding\s*=\s*["']utf-8["'])?(?:\s+standalone\s*=\s*["'](?:yes|no)["'])?\s*\?>/i;
