/**
 * The dashboards in `deploy/grafana/dashboards`, from the short table below. Every expression is held against the real metrics by
 * `dashboards.test.ts`. Schema: https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/
 */
interface Panel {
  readonly title: string;
  readonly about?: string;
  readonly kind?: 'timeseries' | 'stat' | 'table' | 'bargauge';
  readonly unit?: string;
  readonly width?: number;
  readonly stacked?: true;
  /** Legend → expression in PromQL. */
  readonly lines: Readonly<Record<string, string>>;
}

interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly about: string;
  readonly panels: readonly Panel[];
}

const of = 'job=~"$job", instance=~"$instance"';
const server = `${of}, server=~"$server"`;
const rate = (metric: string, labels = server): string => `rate(${metric}{${labels}}[$__rate_interval])`;
const sum = (metric: string, by: string, labels = server): string => `sum by (${by}) (${rate(metric, labels)})`;
const quantile = (q: number, metric: string, by: string, labels = server): string =>
  `histogram_quantile(${q}, sum by (${by === '' ? 'le' : `le, ${by}`}) (${rate(`${metric}_bucket`, labels)}))`;
const failed = `${server}, status=~"error|timeout"`;
const failureShare = (by: string): string => {
  const grouped = by === '' ? 'sum' : `sum by (${by})`;
  return `${grouped} (${rate('gatewayops_calls_total', failed)}) / ${grouped} (${rate('gatewayops_calls_total')})`;
};

export const dashboards: readonly Dashboard[] = [
  {
    uid: 'gatewayops-overview',
    title: 'GatewayOps: overview',
    about: 'Is anything wrong, what changed, who uses what.',
    panels: [
      { title: 'Calls', kind: 'stat', unit: 'reqps', width: 6, lines: { calls: `sum(${rate('gatewayops_calls_total')})` } },
      { title: 'Failed', kind: 'stat', unit: 'percentunit', width: 6, lines: { failed: failureShare('') } },
      { title: 'p95', kind: 'stat', unit: 's', width: 6, lines: { p95: quantile(0.95, 'gatewayops_call_duration_seconds', '') } },
      { title: 'Cost of a day at this rate', kind: 'stat', width: 6, lines: { '{{currency}}': `86400 * ${sum('gatewayops_cost_total', 'currency')}` } },
      { title: 'Calls by status', unit: 'reqps', stacked: true, lines: { '{{status}}': sum('gatewayops_calls_total', 'status') } },
      {
        title: 'Where calls stopped that did not succeed',
        unit: 'reqps',
        stacked: true,
        lines: { '{{stop}}': sum('gatewayops_calls_total', 'stop', `${server}, status!="success"`) },
      },
      {
        title: 'Duration',
        unit: 's',
        lines: Object.fromEntries([0.5, 0.95, 0.99].map((q) => [`p${q * 100}`, quantile(q, 'gatewayops_call_duration_seconds', '')])),
      },
      { title: 'Refused before it was known who calls', unit: 'reqps', lines: { '{{rule}}': sum('gatewayops_rejected_total', 'rule', of) } },
      { title: 'Calls by server', unit: 'reqps', lines: { '{{server}}': sum('gatewayops_calls_total', 'server') } },
      {
        title: 'Busiest tools',
        unit: 'reqps',
        kind: 'bargauge',
        lines: { '{{server}} {{tool}}': `topk(15, ${sum('gatewayops_calls_total', 'server, tool', `${server}, tool!=""`)})` },
      },
    ],
  },
  {
    uid: 'gatewayops-servers',
    title: 'GatewayOps: servers',
    about: 'Each server behind the gateway, its targets and its lists.',
    panels: [
      { title: 'Server up', kind: 'table', width: 12, lines: { '{{server}}': `min by (server) (gatewayops_server_up{${server}})` } },
      { title: 'Target up', kind: 'table', width: 12, lines: { '{{server}} {{target}}': `min by (server, target) (gatewayops_target_up{${server}})` } },
      { title: 'Failed, share of calls', unit: 'percentunit', lines: { '{{server}}': failureShare('server') } },
      { title: 'Faults', unit: 'reqps', lines: { '{{server}} {{fault}}': sum('gatewayops_faults_total', 'server, fault') } },
      { title: 'p95 by server', unit: 's', lines: { '{{server}}': quantile(0.95, 'gatewayops_call_duration_seconds', 'server') } },
      { title: 'Requests to targets', unit: 'reqps', lines: { '{{server}} {{target}}': sum('gatewayops_target_calls_total', 'server, target') } },
      { title: 'Failures of targets', unit: 'reqps', lines: { '{{server}} {{target}}': sum('gatewayops_target_failures_total', 'server, target') } },
      { title: 'Under way', lines: { '{{server}} {{target}}': `sum by (server, target) (gatewayops_target_calls_open{${server}})` } },
      { title: 'Breaker open', lines: { '{{server}} {{target}}': `max by (server, target) (gatewayops_target_breaker{${server}, state="open"})` } },
      { title: 'Further tries', unit: 'ops', lines: { '{{server}}': sum('gatewayops_retries_total', 'server') } },
      {
        title: 'Last good list stands in',
        about: '1: the server is away or answers in part.',
        lines: { '{{server}} {{list}}': `max by (server, list) (gatewayops_catalogue_stale{${server}})` },
      },
      { title: 'Age of lists', unit: 's', lines: { '{{server}} {{list}}': `max by (server, list) (gatewayops_catalogue_age_seconds{${server}})` } },
      { title: 'Entries of lists', lines: { '{{server}} {{list}}': `max by (server, list) (gatewayops_catalogue_entries{${server}})` } },
      { title: 'Answers from the cache', unit: 'reqps', stacked: true, lines: { '{{result}}': sum('gatewayops_cache_answers_total', 'result') } },
      {
        title: 'Bytes',
        unit: 'Bps',
        lines: { '{{server}} in': sum('gatewayops_request_bytes_total', 'server'), '{{server}} out': sum('gatewayops_reply_bytes_total', 'server') },
      },
    ],
  },
  {
    uid: 'gatewayops-costs',
    title: 'GatewayOps: costs',
    about: 'What calls cost by the price list, and the tokens behind it. The exact figures are in the gateway: `gateway costs summary`.',
    panels: [
      {
        title: 'Cost in the time shown',
        kind: 'stat',
        width: 12,
        lines: { '{{currency}}': `sum by (currency) (increase(gatewayops_cost_total{${server}}[$__range]))` },
      },
      {
        title: 'Tokens in the time shown',
        kind: 'stat',
        unit: 'short',
        width: 12,
        lines: { '{{direction}}': `sum by (direction) (increase(gatewayops_tokens_total{${server}}[$__range]))` },
      },
      { title: 'Cost an hour by server', stacked: true, lines: { '{{server}} {{currency}}': `3600 * ${sum('gatewayops_cost_total', 'server, currency')}` } },
      {
        title: 'Dearest tools in the time shown',
        kind: 'bargauge',
        lines: { '{{server}} {{tool}}': `topk(15, sum by (server, tool) (increase(gatewayops_cost_total{${server}}[$__range])))` },
      },
      {
        title: 'Cost of a call',
        lines: { '{{server}}': `${sum('gatewayops_cost_total', 'server')} / ${sum('gatewayops_calls_total', 'server', `${server}, method="tools/call"`)}` },
      },
      { title: 'Tokens', unit: 'short', stacked: true, lines: { '{{server}} {{direction}}': sum('gatewayops_tokens_total', 'server, direction') } },
      { title: 'Refused by rate limits', unit: 'reqps', lines: { '{{server}}': sum('gatewayops_rate_limit_refusals_total', 'server') } },
    ],
  },
  {
    uid: 'gatewayops-health',
    title: 'GatewayOps: gateway health',
    about: 'The gateway itself: its parts, its record, its processes.',
    panels: [
      { title: 'Parts', kind: 'table', width: 8, lines: { '{{instance}} {{dependency}}': `gatewayops_dependency_up{${of}}` } },
      {
        title: 'Workers',
        kind: 'stat',
        width: 8,
        lines: { '{{instance}}': `gatewayops_workers{${of}}`, '{{instance}} wanted': `gatewayops_workers_configured{${of}}` },
      },
      { title: 'Version', kind: 'table', width: 8, lines: { '{{instance}} {{version}}': `gatewayops_build_info{${of}}` } },
      {
        title: "The gateway's own time in a call",
        unit: 's',
        lines: Object.fromEntries([0.5, 0.95, 0.99].map((q) => [`p${q * 100}`, quantile(q, 'gatewayops_call_overhead_seconds', '')])),
      },
      { title: 'Behind the ledger', unit: 's', lines: { '{{instance}}': `gatewayops_drain_lag_seconds{${of}}` } },
      {
        title: 'Spool',
        unit: 'bytes',
        lines: { '{{instance}}': `gatewayops_spool_bytes{${of}}`, '{{instance}} limit': `gatewayops_spool_limit_bytes{${of}}` },
      },
      { title: 'Journal', unit: 'bytes', lines: { '{{instance}}': `gatewayops_journal_bytes{${of}}` } },
      { title: 'Rows that wait', lines: { '{{instance}}': `gatewayops_drain_lag_rows{${of}}` } },
      { title: 'Calls cannot be recorded', lines: { '{{instance}}': `gatewayops_record_blocked{${of}}` } },
      {
        title: 'Lost',
        unit: 'ops',
        lines: {
          'journal entries': `sum(${rate('gatewayops_drain_dropped_total', of)})`,
          'bodies {{reason}}': sum('gatewayops_bodies_dropped_total', 'reason', of),
          'export {{signal}}': sum('gatewayops_otlp_dropped_total', 'signal', of),
          tap: `sum(${rate('gatewayops_tap_failures_total', of)})`,
          live: `sum(${rate('gatewayops_live_dropped_total', of)})`,
        },
      },
      {
        title: 'Policy engine',
        unit: 'ops',
        lines: {
          '{{decision}}': sum('gatewayops_policy_engine_answers_total', 'decision', of),
          '{{reason}}': sum('gatewayops_policy_engine_failures_total', 'reason', of),
        },
      },
      { title: 'Wait for the policy engine', unit: 's', lines: { p99: quantile(0.99, 'gatewayops_policy_engine_seconds', '', of) } },
      {
        title: 'Issuers of tokens',
        unit: 'ops',
        lines: {
          '{{issuer}} keys read, {{outcome}}': sum('gatewayops_issuer_reads_total', 'issuer, outcome', of),
          'refused at {{step}}': sum('gatewayops_token_refusals_total', 'step', of),
          '{{issuer}} up': `min by (issuer) (gatewayops_issuer_up{${of}})`,
        },
      },
      {
        title: 'People who sign in',
        unit: 'ops',
        lines: { '{{provider}} {{outcome}}': sum('gatewayops_sign_ins_total', 'provider, outcome', of) },
      },
      {
        title: 'Credentials of callers that were looked at',
        unit: 'ops',
        lines: { '{{kind}} {{outcome}} {{reason}}': sum('gatewayops_credentials_total', 'kind, outcome, reason', of) },
      },
      {
        title: 'Exported',
        unit: 'ops',
        lines: {
          '{{signal}}': sum('gatewayops_otlp_exported_total', 'signal', of),
          waiting: `sum(gatewayops_otlp_waiting{${of}})`,
          'live streams': `sum(gatewayops_live_streams{${of}})`,
        },
      },
      {
        title: 'Streams of the audit',
        unit: 'ops',
        lines: {
          '{{stream}} sent': sum('gatewayops_audit_stream_events_total', 'stream', of),
          '{{stream}} failed': sum('gatewayops_audit_stream_failures_total', 'stream', of),
        },
      },
      {
        title: 'Events of the audit that wait',
        lines: { '{{stream}}': `max by (stream) (gatewayops_audit_stream_waiting{${of}})` },
      },
      { title: 'Age of the last backup by schedule', unit: 's', lines: { '{{instance}}': `gatewayops_backup_age_seconds{${of}}` } },
      { title: 'Size of the last backup by schedule', unit: 'bytes', lines: { '{{instance}}': `gatewayops_backup_bytes{${of}}` } },
      {
        title: 'Connections and requests under way',
        lines: {
          '{{process}} connections': `sum by (process) (gatewayops_connections{${of}})`,
          '{{process}} requests': `sum by (process) (gatewayops_calls_open{${of}})`,
        },
      },
      { title: 'Memory', unit: 'bytes', lines: { '{{instance}} {{process}}': `gatewayops_process_resident_memory_bytes{${of}}` } },
      { title: 'Processor', unit: 'percentunit', lines: { '{{instance}} {{process}}': rate('gatewayops_process_cpu_seconds_total', of) } },
      { title: 'Event loop delay, p99', unit: 's', lines: { '{{instance}} {{process}}': `gatewayops_event_loop_delay_seconds{${of}, statistic="p99"}` } },
      { title: 'Event loop, busy', unit: 'percentunit', lines: { '{{instance}} {{process}}': `gatewayops_event_loop_utilization_ratio{${of}}` } },
      { title: 'Version of the configuration', lines: { '{{instance}}': `gatewayops_config_version{${of}}` } },
      { title: 'Uptime', unit: 's', lines: { '{{instance}}': `time() - gatewayops_start_time_seconds{${of}}` } },
    ],
  },
];

const columns = 24;
const height = 8;

export function renderDashboard({ uid, title, about, panels }: Dashboard): string {
  let x = 0;
  let y = 0;
  const placed = panels.map((panel, index) => {
    const width = panel.width ?? 12;
    if (x + width > columns) {
      x = 0;
      y += height;
    }
    const gridPos = { h: height, w: width, x, y };
    x += width;
    return { id: index + 1, ...panelOf(panel), gridPos };
  });
  const variable = (name: string, query: string): object => ({
    name,
    type: 'query',
    datasource,
    query: { query, refId: name },
    definition: query,
    refresh: 2,
    includeAll: true,
    multi: true,
    allValue: '.*',
    current: { selected: true, text: ['All'], value: ['$__all'] },
  });
  const dashboard = {
    uid,
    title,
    description: about,
    tags: ['gatewayops'],
    schemaVersion: 39,
    version: 1,
    editable: true,
    timezone: 'browser',
    time: { from: 'now-6h', to: 'now' },
    refresh: '30s',
    templating: {
      list: [
        { name: 'datasource', type: 'datasource', query: 'prometheus', current: {} },
        variable('job', 'label_values(gatewayops_build_info, job)'),
        variable('instance', 'label_values(gatewayops_build_info{job=~"$job"}, instance)'),
        variable('server', 'label_values(gatewayops_server_up{job=~"$job", instance=~"$instance"}, server)'),
      ],
    },
    links: [{ type: 'dashboards', tags: ['gatewayops'], asDropdown: true, title: 'GatewayOps', keepTime: true, includeVars: true }],
    panels: placed,
  };
  return `${JSON.stringify(dashboard, null, 2)}\n`;
}

const datasource = { type: 'prometheus', uid: '${datasource}' };

function panelOf({ title, about, kind = 'timeseries', unit, stacked, lines }: Panel): object {
  const targets = Object.entries(lines).map(([legend, expr], index) => ({
    refId: String.fromCharCode(65 + index),
    datasource,
    expr,
    legendFormat: legend,
    ...(kind === 'table' || kind === 'bargauge' ? { instant: true, ...(kind === 'table' ? { format: 'table' } : {}) } : {}),
  }));
  const custom = kind === 'timeseries' ? { custom: { fillOpacity: stacked ? 60 : 10, stacking: { mode: stacked ? 'normal' : 'none' } } } : {};
  return {
    type: kind,
    title,
    ...(about === undefined ? {} : { description: about }),
    datasource,
    fieldConfig: { defaults: { ...(unit === undefined ? {} : { unit }), min: 0, ...custom }, overrides: [] },
    ...(kind === 'timeseries' ? { options: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } } } : {}),
    targets,
  };
}
