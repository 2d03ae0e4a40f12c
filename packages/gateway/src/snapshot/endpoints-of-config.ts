import type { Config } from '../config/config.ts';
import { fitsGlob, parseGlob } from '../kernel/glob.ts';
import type { RouteAuth } from '../kernel/route-auth.ts';
import type { EndpointData } from './endpoint-data.ts';

/** The addresses of many servers that a configuration makes: `/mcp`, and one for each virtual server. */
export function endpointsOfConfig({ aggregate, virtualServers, servers }: Config): EndpointData[] {
  const names = servers.map(({ name }) => name);
  const limits = {
    nameCharsMax: aggregate.nameLimit,
    clientNameCharsMax: aggregate.clientLimits,
    pageSize: aggregate.pageSize,
    deadlineMs: aggregate.deadlineMs,
  };
  const all: EndpointData = {
    ...limits,
    name: '*',
    path: '/mcp',
    auth: aggregate.auth.type,
    ...issuersOf(aggregate.auth),
    servers: names,
    prefix: aggregate.prefix,
    toolExposure: aggregate.toolExposure,
    tools: null,
    resources: null,
    prompts: null,
  };
  const virtual = virtualServers.map(({ name, auth, servers: patterns, prefix, toolExposure, tools, resources, prompts }): EndpointData => {
    const globs = patterns.map(parseGlob);
    const own = names.filter((server) => globs.some((glob) => fitsGlob(glob, server)));
    return {
      ...limits,
      name: `v/${name}`,
      path: `/mcp/v/${name}`,
      auth: auth.type,
      ...issuersOf(auth),
      servers: own,
      prefix,
      toolExposure,
      tools,
      resources,
      prompts,
    };
  });
  return aggregate.enabled ? [all, ...virtual] : virtual;
}

function issuersOf({ issuers }: RouteAuth): Pick<EndpointData, 'issuers'> {
  return issuers === undefined ? {} : { issuers };
}
