/** Tools that answer by themselves: each kind of content, an error, and a JSON Schema that must survive as written. */
import { type CallToolResult, fromJsonSchema, type McpServer } from '@modelcontextprotocol/server';
import { emptyWav, redPixelPng } from './media.ts';

export function addContentTools(server: McpServer): void {
  server.registerTool('test_simple_text', { description: 'Answers with text' }, () => say('This is a simple text response for testing.'));

  server.registerTool('test_image_content', { description: 'Answers with an image' }, () => ({
    content: [{ type: 'image', data: redPixelPng, mimeType: 'image/png' }],
  }));

  server.registerTool('test_audio_content', { description: 'Answers with audio' }, () => ({
    content: [{ type: 'audio', data: emptyWav, mimeType: 'audio/wav' }],
  }));

  server.registerTool('test_embedded_resource', { description: 'Answers with an embedded resource' }, () => ({
    content: [{ type: 'resource', resource: { uri: 'test://embedded-resource', mimeType: 'text/plain', text: 'This is an embedded resource content.' } }],
  }));

  server.registerTool('test_multiple_content_types', { description: 'Answers with text, an image and a resource' }, () => ({
    content: [
      { type: 'text', text: 'Multiple content types test:' },
      { type: 'image', data: redPixelPng, mimeType: 'image/png' },
      { type: 'resource', resource: { uri: 'test://mixed-content-resource', mimeType: 'application/json', text: '{"test":"data","value":123}' } },
    ],
  }));

  server.registerTool('test_error_handling', { description: 'Fails' }, () => {
    throw new Error('This tool intentionally returns an error for testing');
  });

  // SEP-1613, SEP-2106: hand-written JSON Schema 2020-12, since a schema library would write other keywords.
  server.registerTool(
    'json_schema_2020_12_tool',
    { description: 'Has an input schema of many 2020-12 keywords', inputSchema: fromJsonSchema(schema202012) },
    (args) => say(`JSON Schema 2020-12 tool called with: ${JSON.stringify(args)}`),
  );

  // SEP-2243: `region` is mirrored into the header Mcp-Param-Region.
  server.registerTool(
    'test_x_mcp_header',
    {
      description: 'Has an argument that is mirrored into a header',
      inputSchema: fromJsonSchema<{ region?: string; level?: number }>(mirroredSchema),
    },
    (args) => say(`region=${args.region ?? 'none'}`),
  );
}

/** A result of one text. */
export function say(text: string): CallToolResult {
  return { content: [{ type: 'text', text }] };
}

const mirroredSchema = {
  type: 'object',
  properties: {
    region: { type: 'string', description: 'Mirrored into Mcp-Param-Region', 'x-mcp-header': 'Region' },
    level: { type: 'integer', description: 'Not mirrored' },
  },
} as const;

const schema202012 = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  $defs: { address: { $anchor: 'addressDef', type: 'object', properties: { street: { type: 'string' }, city: { type: 'string' } } } },
  properties: {
    name: { type: 'string' },
    address: { $ref: '#/$defs/address' },
    contactMethod: { type: 'string', enum: ['phone', 'email'] },
    phone: { type: 'string' },
    email: { type: 'string' },
  },
  allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
  if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
  // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
  then: { required: ['phone'] },
  else: { required: ['email'] },
  additionalProperties: false,
} as const;
