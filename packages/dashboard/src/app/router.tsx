import { QueryClient } from '@tanstack/react-query';
import { createRootRouteWithContext, createRoute, createRouter, lazyRouteComponent, retainSearchParams } from '@tanstack/react-router';
import { AuthenticationError } from '@gatewayops/sdk';
import { z } from 'zod/mini';
import { rangeSearch, windowAt } from '../time/range.ts';
import { accessSearch } from '../pages/access/search.ts';
import { auditSearch } from '../pages/audit/search.ts';
import { compareSearch } from '../pages/compare/search.ts';
import { connectSearch } from '../pages/connect/search.ts';
import { costsSearch } from '../pages/costs/search.ts';
import { identitySearch } from '../pages/identity/search.ts';
import { keysSearch } from '../pages/keys/search.ts';
import { metricsSearch } from '../pages/metrics/search.ts';
import { overviewQuery } from '../pages/overview/query.ts';
import { peopleSearch } from '../pages/people/search.ts';
import { policiesSearch } from '../pages/policies/search.ts';
import { serverSearch, serversSearch, toolsSearch } from '../pages/servers/search.ts';
import { settingsSearch } from '../pages/settings/search.ts';
import { traceSearch } from '../pages/trace/search.ts';
import { tracesSearch } from '../pages/traces/search.ts';
import { isUnavailable } from '../ui/states.tsx';
import { basePath, signInPath } from './gateway.ts';
import { NotFound, PageFailed, PagePending, TracePending } from './page-states.tsx';
import { sessionQuery, type Session } from './session.ts';
import { Shell } from './shell.tsx';

const againMs = 3_000;

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      // The SDK sends again what may be.
      retry: false,
      refetchOnWindowFocus: true,
      staleTime: 5_000,
      throwOnError: false,
      // A gateway that has just been started opens its ledger: the page comes by itself once it has.
      refetchInterval: ({ state }) => (isUnavailable(state.error) ? againMs : false),
    },
    // What was decided is done now or not at all: nothing waits for another session.
    mutations: { networkMode: 'always' },
  },
});

const root = createRootRouteWithContext<{ readonly queries: QueryClient }>()({
  validateSearch: z.object(rangeSearch),
  search: { middlewares: [retainSearchParams(['range', 'from', 'to'])] },
  // The session and its permissions come before anything is shown.
  loader: async ({ context }) => {
    try {
      await context.queries.ensureQueryData(sessionQuery);
    } catch (error) {
      if (error instanceof AuthenticationError) {
        location.assign(signInPath('ended'));
        // The browser is leaving: nothing more is shown.
        await new Promise(() => undefined);
      }
      throw error;
    }
  },
  component: Shell,
});

const overview = createRoute({
  getParentRoute: () => root,
  path: '/',
  staticData: { rangeOf: () => 'metrics.read' },
  loaderDeps: ({ search: { range, from, to } }) => ({ range, from, to }),
  // Nothing waits for it, and why the session cannot be had is told by the route above.
  loader: ({ context: { queries }, deps }) => {
    const ask = ({ capabilities }: Session): void => {
      if (capabilities.get('metrics.read')?.allowed === true) void queries.prefetchQuery(overviewQuery(windowAt(deps, Date.now())));
    };
    void queries.ensureQueryData(sessionQuery).then(ask, () => undefined);
  },
  component: lazyRouteComponent(() => import('../pages/overview/overview.tsx'), 'Overview'),
});

const traces = createRoute({
  getParentRoute: () => root,
  path: '/traces',
  staticData: { rangeOf: () => 'traces.read' },
  validateSearch: z.object(tracesSearch),
  component: lazyRouteComponent(() => import('../pages/traces/traces.tsx'), 'Traces'),
});

const compare = createRoute({
  getParentRoute: () => root,
  path: '/traces/compare',
  validateSearch: z.object(compareSearch),
  component: lazyRouteComponent(() => import('../pages/compare/compare.tsx'), 'Compare'),
});

const trace = createRoute({
  getParentRoute: () => root,
  path: '/traces/$traceId',
  pendingComponent: TracePending,
  validateSearch: z.object(traceSearch),
  component: lazyRouteComponent(() => import('../pages/trace/trace.tsx'), 'Trace'),
});

const servers = createRoute({
  getParentRoute: () => root,
  path: '/servers',
  staticData: { rangeOf: () => 'servers.read' },
  validateSearch: z.object(serversSearch),
  component: lazyRouteComponent(() => import('../pages/servers/servers.tsx'), 'Servers'),
});

const server = createRoute({
  getParentRoute: () => root,
  path: '/servers/$name',
  staticData: { rangeOf: ({ tab }) => (tab === 'traffic' ? 'metrics.read' : null) },
  validateSearch: z.object(serverSearch),
  component: lazyRouteComponent(() => import('../pages/servers/server.tsx'), 'Server'),
});

const serverTools = createRoute({
  getParentRoute: () => root,
  path: '/servers/$name/tools',
  validateSearch: z.object(toolsSearch),
  component: lazyRouteComponent(() => import('../pages/tools/tools.tsx'), 'ServerTools'),
});

const keys = createRoute({
  getParentRoute: () => root,
  path: '/keys',
  validateSearch: z.object(keysSearch),
  component: lazyRouteComponent(() => import('../pages/keys/keys.tsx'), 'Keys'),
});

const metrics = createRoute({
  getParentRoute: () => root,
  path: '/metrics',
  staticData: { rangeOf: () => 'metrics.read' },
  validateSearch: z.object(metricsSearch),
  component: lazyRouteComponent(() => import('../pages/metrics/metrics.tsx'), 'Metrics'),
});

const costs = createRoute({
  getParentRoute: () => root,
  path: '/costs',
  validateSearch: z.object(costsSearch),
  component: lazyRouteComponent(() => import('../pages/costs/costs.tsx'), 'Costs'),
});

const people = createRoute({
  getParentRoute: () => root,
  path: '/people',
  validateSearch: z.object(peopleSearch),
  component: lazyRouteComponent(() => import('../pages/people/people.tsx'), 'People'),
});

const peopleEntry = createRoute({
  getParentRoute: () => root,
  path: '/people/$kind/$id',
  component: lazyRouteComponent(() => import('../pages/people/entry.tsx'), 'PeopleEntry'),
});

const access = createRoute({
  getParentRoute: () => root,
  path: '/access',
  validateSearch: z.object(accessSearch),
  component: lazyRouteComponent(() => import('../pages/access/access.tsx'), 'CheckAccess'),
});

const identity = createRoute({
  getParentRoute: () => root,
  path: '/identity',
  validateSearch: z.object(identitySearch),
  component: lazyRouteComponent(() => import('../pages/identity/identity.tsx'), 'Identity'),
});

const sessions = createRoute({
  getParentRoute: () => root,
  path: '/sessions',
  component: lazyRouteComponent(() => import('../pages/sessions/sessions.tsx'), 'OwnSessionsPage'),
});

const policies = createRoute({
  getParentRoute: () => root,
  path: '/policies',
  validateSearch: z.object(policiesSearch),
  component: lazyRouteComponent(() => import('../pages/policies/policies.tsx'), 'Policies'),
});

const audit = createRoute({
  getParentRoute: () => root,
  path: '/audit',
  staticData: { rangeOf: () => 'audit.read' },
  validateSearch: z.object(auditSearch),
  component: lazyRouteComponent(() => import('../pages/audit/audit.tsx'), 'Audit'),
});

const settings = createRoute({
  getParentRoute: () => root,
  path: '/settings',
  validateSearch: z.object(settingsSearch),
  component: lazyRouteComponent(() => import('../pages/settings/settings.tsx'), 'Settings'),
});

const connect = createRoute({
  getParentRoute: () => root,
  path: '/connect',
  validateSearch: z.object(connectSearch),
  component: lazyRouteComponent(() => import('../pages/connect/connect.tsx'), 'Connect'),
});

export const router = createRouter({
  routeTree: root.addChildren([
    overview,
    traces,
    compare,
    trace,
    metrics,
    costs,
    servers,
    server,
    serverTools,
    keys,
    people,
    peopleEntry,
    access,
    identity,
    sessions,
    policies,
    audit,
    settings,
    connect,
  ]),
  basepath: basePath,
  context: { queries: queryClient },
  defaultPreload: 'intent',
  defaultPendingMs: 150,
  scrollRestoration: true,
  defaultPendingComponent: PagePending,
  defaultErrorComponent: PageFailed,
  defaultNotFoundComponent: NotFound,
  // Addresses are written by people too: every parameter is plain text.
  parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)),
  stringifySearch: (search) => {
    const parts = new URLSearchParams();
    for (const [name, value] of Object.entries(search)) if (value !== undefined && value !== '') parts.set(name, String(value));
    const text = parts.toString();
    return text === '' ? '' : `?${text}`;
  },
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
