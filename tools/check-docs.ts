/**
 * Holds the documents to what they speak of: every relative link leads to a file, every `#anchor` to a heading, every
 * `npm run NAME` to a script, and every generated document is what the source makes today.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import GithubSlugger from 'github-slugger';
import { lexer, walkTokens, type Token } from 'marked';
import { generatedDocuments, type GeneratedDocument } from './generate-docs.ts';
import { judgeSdkTypes } from './write-sdk-types.ts';

export interface DocsReport {
  readonly documents: number;
  readonly links: number;
  /** `file:line: what is wrong`, in order of the files. */
  readonly faults: readonly string[];
}

export async function checkDocs(root: string, generated: readonly GeneratedDocument[]): Promise<DocsReport> {
  const faults: string[] = [];
  const scripts = readScripts(root);
  const anchorsOf = new Map<string, Set<string>>();
  const documents = markdownFiles(root);
  let links = 0;
  for (const path of documents) {
    const text = readFileSync(join(root, path), 'utf8');
    const complain = (quote: string, what: string): number => faults.push(`${path}:${lineOf(text, quote)}: ${what}`);
    visitTokens(text, (token) => {
      if (token.type !== 'link' && token.type !== 'image') return;
      const href = String(token['href']);
      // An address with a scheme is somebody else's; a check that needs the network would fail for their reasons.
      if (/^[a-z][a-z0-9+.-]*:/i.test(href)) return;
      links += 1;
      const problem = judgeLink(root, path, href, anchorsOf);
      if (problem !== null) complain(token.raw, problem);
    });
    for (const [command, name] of text.matchAll(/npm run ([a-z][\w:-]*)/g)) {
      if (name !== undefined && !scripts.has(name)) complain(command, `there is no script "${name}" in package.json`);
    }
  }
  for (const { path, render } of generated) {
    const file = join(root, path);
    const today = await render();
    if (!existsSync(file)) faults.push(`${path}:1: is missing; write it with: npm run lint -- --fix`);
    else if (readFileSync(file, 'utf8') !== today) faults.push(`${path}:1: differs from its source; write it anew with: npm run lint -- --fix`);
  }
  return { documents: documents.length, links, faults };
}

function judgeLink(root: string, from: string, href: string, anchorsOf: Map<string, Set<string>>): string | null {
  const [path = '', anchor] = href.split('#', 2);
  const target = path === '' ? join(root, from) : resolve(root, dirname(from), decodeURIComponent(path));
  if (relative(root, target).startsWith('..')) return `the link ${href} leads out of the repository`;
  if (!existsSync(target)) return `the link ${href} leads to no file`;
  if (anchor === undefined || !target.endsWith('.md') || statSync(target).isDirectory()) return null;
  let anchors = anchorsOf.get(target);
  if (anchors === undefined) {
    anchors = readAnchors(readFileSync(target, 'utf8'));
    anchorsOf.set(target, anchors);
  }
  return anchors.has(anchor) ? null : `the link ${href} leads to no heading of ${relative(root, target)}`;
}

/** The anchors that GitHub gives to headings, and those written as HTML. */
function readAnchors(text: string): Set<string> {
  const slugger = new GithubSlugger();
  const anchors = new Set<string>();
  visitTokens(text, (token) => {
    if (token.type === 'heading') anchors.add(slugger.slug(plainText(token.tokens ?? [])));
    if (token.type === 'html') for (const [, id] of token.raw.matchAll(/\b(?:id|name)="([^"]+)"/g)) if (id !== undefined) anchors.add(id);
  });
  return anchors;
}

function visitTokens(text: string, visit: (token: Token) => void): void {
  // What it returns are the results of the callback, which has none.
  void walkTokens(lexer(text), visit);
}

function plainText(tokens: readonly Token[]): string {
  return tokens.map((token) => ('tokens' in token && token.tokens ? plainText(token.tokens) : 'text' in token ? String(token.text) : '')).join('');
}

function lineOf(text: string, quote: string): number {
  const at = text.indexOf(quote);
  return at === -1 ? 1 : text.slice(0, at).split('\n').length;
}

function readScripts(root: string): Set<string> {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts?: Record<string, string> };
  return new Set(Object.keys(manifest.scripts ?? {}));
}

function markdownFiles(root: string): string[] {
  const found: string[] = [];
  const visit = (folder: string): void => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory() && !/^(node_modules|dist|coverage|\..*)$/.test(entry.name)) visit(path);
      else if (entry.isFile() && entry.name.endsWith('.md')) found.push(path);
    }
  };
  visit('');
  return found.sort();
}

if (import.meta.main) {
  const report = await checkDocs(join(import.meta.dirname, '..'), generatedDocuments);
  const faults = [...report.faults, judgeSdkTypes(join(import.meta.dirname, '..')) ?? []].flat();
  for (const fault of faults) console.log(fault);
  console.log(`${report.links} links in ${report.documents} documents, ${generatedDocuments.length} generated, ${faults.length} faults`);
  process.exitCode = faults.length > 0 ? 1 : 0;
}
