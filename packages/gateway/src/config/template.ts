/** What `gateway init` writes: a configuration that is valid as it stands, and the folder that its sample server serves. */
export interface TemplateFile {
  readonly path: string;
  readonly text: string;
}

export const configTemplate: readonly TemplateFile[] = [
  {
    path: 'gateway.yaml',
    text: `# GatewayOps: one secure door between AI agents and MCP servers.
# Check this file with \`gateway validate\`, see what it makes with \`gateway plan\`, run it with \`gateway start\`.
version: 1

# Where the gateway is reached. Any other address than loopback needs authentication on every route and real secrets.
listen: { http: 127.0.0.1:8080 }

# The MCP servers behind it. The two samples come from npm when they are first called.
servers:
  - name: everything                         # part of its address: /mcp/everything
    transport: stdio                         # a program that the gateway runs; http is the default
    command: [npx, -y, "@modelcontextprotocol/server-everything@2026.8.31"]      # an argv; no shell reads it
    env: { LANG: C.UTF-8 }                   # nothing else of the gateway's environment is passed

  - name: filesystem
    transport: stdio
    command: [npx, -y, "@modelcontextprotocol/server-filesystem@2026.8.31", ./files]   # sees this folder, no other

  # A server elsewhere. Its secret stays where it is; the file only says where:
  # - name: search
  #   url: https://search.example/mcp
  #   timeout: 30s
  #   credential: { type: bearer, secret: { env: SEARCH_TOKEN } }    # or { file: ./search.token }

# A server without a route is served at /mcp/{name}, and callers send an API key.
# routes:
#   - server: search
#     path: /mcp/find
#     auth: { type: apiKey }                 # jwt takes tokens of an identity provider; none opens it to everyone who reaches the address
#     timeout: 20s

# All servers together are served at /mcp: a tool is called everything__echo there. A selection of them gets an address of its own, /mcp/v/{name}:
# virtual_servers:
#   - name: reading
#     servers: [filesystem]
#     tools: ["read_*", "list_*"]            # as the server names them; resources and prompts likewise

# What calls cost, in dollars.
pricing:
  default: { per_call: 0.001, per_token_input: 0.00001, per_token_output: 0.00003 }
  # overrides: [{ server: search, tool: query, per_call: 0.01 }]

# Without an entry every key has 500 requests a minute.
# rate_limits:
#   - { scope: api_key, limit: 500, window: 1m }
#   - { scope: api_key, key_prefix: gwo_dev_a1b2, limit: 1000, window: 1m, burst: 50 }

# The log on stderr: text for people, json for machines.
log: { level: info, format: text }

# Every setting, with its bounds and defaults: docs/guides/configuration.md and docs/reference/config.schema.json.
`,
  },
  {
    path: 'files/welcome.md',
    text: `# It works

The sample server "filesystem" serves this folder through the gateway, and nothing outside of it.
`,
  },
];
