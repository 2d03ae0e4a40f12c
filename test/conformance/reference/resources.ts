/** Resources: text, binary, a template, and one to subscribe to. */
import { type McpServer, ResourceTemplate } from '@modelcontextprotocol/server';
import { redPixelPng } from './media.ts';

export function addResources(server: McpServer): void {
  addText(server, 'static-text', 'test://static-text', 'This is the content of the static text resource.');
  addText(server, 'watched-resource', 'test://watched-resource', 'Watched resource content');

  server.registerResource('static-binary', 'test://static-binary', { description: 'A picture', mimeType: 'image/png' }, (uri) => ({
    contents: [{ uri: uri.href, mimeType: 'image/png', blob: redPixelPng }],
  }));

  const template = new ResourceTemplate('test://template/{id}/data', { list: undefined });
  server.registerResource('template', template, { description: 'Data by id', mimeType: 'application/json' }, (uri, { id }) => ({
    contents: [{ uri: uri.href, mimeType: 'application/json', text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${String(id)}` }) }],
  }));

  // Sessions of 2025-11-25 and before; later clients use `subscriptions/listen`, which the SDK serves.
  server.server.setRequestHandler('resources/subscribe', () => ({}));
  server.server.setRequestHandler('resources/unsubscribe', () => ({}));
}

function addText(server: McpServer, name: string, uri: string, text: string): void {
  server.registerResource(name, uri, { description: `The text ${name}`, mimeType: 'text/plain' }, () => ({
    contents: [{ uri, mimeType: 'text/plain', text }],
  }));
}
