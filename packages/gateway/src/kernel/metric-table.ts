/**
 * Every metric of the product: its name in Prometheus' text format, what it counts and by which labels. Names follow
 * https://prometheus.io/docs/practices/naming/: base units, `_total` for what only grows. `docs/reference/metrics.md` is made of this
 * table, and the dashboards and alert rules in `deploy/grafana` are held against it.
 *
 * `otlp`: the name and unit (UCUM) that the same figure has in OTLP; a metric without it is the gateway's own there too, as
 * `otlpNameOf` says.
 */
export type MetricType = 'counter' | 'gauge' | 'histogram';

export interface MetricRow {
  readonly type: MetricType;
  readonly labels: readonly string[];
  readonly help: string;
  /** UCUM, for OTLP. */
  readonly unit: string;
}

const row = (type: MetricType, unit: string, labels: readonly string[], help: string): MetricRow => ({ type, unit, labels, help });
const counter = (unit: string, labels: readonly string[], help: string): MetricRow => row('counter', unit, labels, help);
const gauge = (unit: string, labels: readonly string[], help: string): MetricRow => row('gauge', unit, labels, help);
const histogram = (unit: string, labels: readonly string[], help: string): MetricRow => row('histogram', unit, labels, help);

export const metricTable = {
  // Calls: what passed the door and is in the record.
  gatewayops_calls_total: counter(
    '{call}',
    ['server', 'tool', 'method', 'status', 'stop'],
    'Calls that ended, by how and at which stop of the rail. `tool` is `other` beyond `telemetry.metrics.tools_max`, and empty where the method names none.',
  ),
  gatewayops_call_duration_seconds: histogram(
    's',
    ['server', 'tool', 'method', 'outcome'],
    'How long calls took, from their first byte to the last of the reply; `outcome` is failed for error, timeout and blocked, else ok.',
  ),
  gatewayops_call_overhead_seconds: histogram('s', ['server'], "How long calls were at the gateway's own stops: auth, access, limit and guard."),
  gatewayops_faults_total: counter('{call}', ['server', 'fault'], 'Calls that the gateway answered with a fault, by its code.'),
  gatewayops_rate_limit_refusals_total: counter('{call}', ['server'], 'Calls refused because the rate limit of their key was spent.'),
  gatewayops_tokens_total: counter('{token}', ['server', 'tool', 'direction'], 'Tokens of calls, as far as they are known; `direction` is input or output.'),
  gatewayops_cost_total: counter('{currency}', ['server', 'tool', 'currency'], 'What calls cost by the price list, in units of the currency.'),
  gatewayops_request_bytes_total: counter('By', ['server'], 'Bytes of the bodies of requests.'),
  gatewayops_reply_bytes_total: counter('By', ['server'], 'Bytes of the bodies of replies.'),
  gatewayops_cache_answers_total: counter('{call}', ['server', 'result'], 'Calls whose answer may be kept, by where it came from: hit, shared or miss.'),
  gatewayops_retries_total: counter('{try}', ['server'], 'Further tries that the gateway made, only where that is safe.'),

  // The door.
  gatewayops_rejected_total: counter(
    '{request}',
    ['rule'],
    'Requests that ended without a record, most before it was known who calls, by the code of the fault; and connections whose TLS handshake failed, as `tls_handshake_failed` or `tls_certificate_refused`.',
  ),
  gatewayops_connections: gauge('{connection}', ['process'], 'Open connections of clients.'),
  gatewayops_calls_open: gauge('{call}', ['process'], 'Requests of MCP and the REST façade that are under way.'),

  // What stands behind it.
  gatewayops_server_up: gauge(
    '1',
    ['server'],
    '1 while calls to the server may succeed, as far as is known; 0 where none of its targets, or its program, can take any.',
  ),
  gatewayops_server_degraded: gauge(
    '1',
    ['server'],
    '1 while calls to the server may succeed and not all is well with it: some of its targets take no calls, or one of its lists cannot be read whole.',
  ),
  gatewayops_target_up: gauge('1', ['server', 'target'], '1 while the target takes calls; 0 where its breaker is open, checks find it down, or it is drained.'),
  gatewayops_target_breaker: gauge(
    '1',
    ['server', 'target', 'state'],
    '1 for the state that the breaker of the target is in at one worker at least: closed, half_open or open.',
  ),
  gatewayops_target_calls_total: counter('{call}', ['server', 'target'], 'Requests sent to the target.'),
  gatewayops_target_failures_total: counter('{call}', ['server', 'target'], 'Requests that the target did not answer as it should.'),
  gatewayops_target_calls_open: gauge('{call}', ['server', 'target'], 'Requests to the target that are under way.'),
  gatewayops_catalogue_age_seconds: gauge(
    's',
    ['server', 'list'],
    'Age of the oldest list of the server that a worker keeps for the endpoints of many servers.',
  ),
  gatewayops_catalogue_entries: gauge('{entry}', ['server', 'list'], 'Entries of that list.'),
  gatewayops_catalogue_stale: gauge(
    '1',
    ['server', 'list'],
    '1 where the server is away or answers in part only, so that its last good list stands in for it at one worker at least.',
  ),

  // The record.
  gatewayops_journal_bytes: gauge('By', [], 'Bytes of the journal on disk.'),
  gatewayops_spool_bytes: gauge('By', [], 'Bytes of the journal that are not in the ledger yet.'),
  gatewayops_spool_limit_bytes: gauge('By', [], 'Bytes that may wait for the ledger before calls are refused (`journal.spool_max`).'),
  gatewayops_drain_lag_seconds: gauge('s', [], 'Everything that was recorded longer ago than this is in the ledger.'),
  gatewayops_drain_lag_rows: gauge('{row}', [], 'Calls read from the journal that are not in the ledger yet.'),
  gatewayops_drain_dropped_total: counter('{entry}', [], 'Entries of the journal that can never become rows of the ledger.'),
  gatewayops_bodies_dropped_total: counter(
    '{record}',
    ['reason'],
    'Bodies of calls that are not kept though they should be: `queue_full` and `too_large` at a worker, `lost` with a masking process that ended, `no_room` where the spool was at its bound. The calls themselves are recorded.',
  ),
  gatewayops_policy_engine_answers_total: counter(
    '{call}',
    ['decision'],
    'Calls that the policy engine beside the policies was asked of, by what it decided: allow, deny, hold, or none where no answer counts.',
  ),
  gatewayops_policy_engine_failures_total: counter(
    '{call}',
    ['reason'],
    'Calls of which the policy engine gave no answer that counts, by why: timeout, unreachable, busy, refused, failed, undefined, unreadable, too_large.',
  ),
  gatewayops_policy_engine_seconds: histogram('s', [], 'How long calls waited for the policy engine.'),
  gatewayops_issuer_up: gauge(
    '1',
    ['issuer'],
    '1 while the keys of an issuer of tokens can be gone by, 0 when its callers get 503. Not there before its first token.',
  ),
  gatewayops_issuer_reads_total: counter('{read}', ['issuer', 'outcome'], 'Readings of the keys of an issuer: ok, or failed.'),
  gatewayops_token_refusals_total: counter('{token}', ['step'], 'Tokens of issuers that were not taken, by the test that they failed.'),
  gatewayops_sign_ins_total: counter(
    '{sign_in}',
    ['provider', 'outcome'],
    'Sign-ins of people by an identity provider: `outcome` is begun, succeeded or refused, `provider` empty where it is not known whose an answer is. Those that are only tried are not counted.',
  ),
  gatewayops_credentials_total: counter(
    '{credential}',
    ['kind', 'outcome', 'reason'],
    'Credentials of callers that were looked at, by kind (key, token, certificate, grant, oauth_client, session, admin_link, mcp_session) and outcome (succeeded or failed), and why they failed. What a worker knows already is not looked at again.',
  ),
  gatewayops_record_blocked: gauge('1', [], '1 while calls cannot be recorded, so that none are made.'),

  // What leaves.
  gatewayops_live_streams: gauge('{stream}', [], 'Open live streams of calls.'),
  gatewayops_live_dropped_total: counter('{call}', [], 'Calls that live streams lost because their readers were too slow.'),
  gatewayops_otlp_exported_total: counter('{item}', ['signal'], 'Calls, metrics and log lines that a receiver of OTLP took.'),
  gatewayops_otlp_dropped_total: counter('{item}', ['signal'], 'The same that were not sent: the receiver refused them, or too many waited for it.'),
  gatewayops_otlp_waiting: gauge('{call}', [], 'Calls that wait for the receiver of OTLP.'),
  gatewayops_audit_stream_up: gauge('1', ['stream'], '1 while the last delivery of the stream went well, or another node sends it.'),
  gatewayops_audit_stream_events_total: counter('{event}', ['stream'], 'Events of the audit that the target of the stream took.'),
  gatewayops_audit_stream_failures_total: counter('{delivery}', ['stream'], 'Deliveries of the stream that failed; what was in them is sent again.'),
  gatewayops_audit_stream_waiting: gauge('{event}', ['stream'], 'Events in the registry that the stream has not come to.'),
  gatewayops_backup_age_seconds: gauge(
    's',
    [],
    'Since when the last whole backup by schedule was begun, by any node on the same registry. Not there where none was made; whether one failed or is late is `gatewayops_dependency_up{dependency="backup"}`.',
  ),
  gatewayops_backup_bytes: gauge('By', [], 'Bytes of the file of that backup.'),
  gatewayops_tap_failures_total: counter('{call}', [], 'Calls that metrics, export or live streams could not read.'),

  // The node.
  gatewayops_dependency_up: gauge(
    '1',
    ['dependency'],
    '1 while all is well with the part: registry, ledger, state, record, configuration and, where there are such, certificate, backup and each audit_stream.',
  ),
  gatewayops_workers: gauge('{process}', [], 'Data-plane workers that answer.'),
  gatewayops_workers_configured: gauge('{process}', [], 'Data-plane workers that there should be.'),
  gatewayops_process_resident_memory_bytes: gauge('By', ['process'], 'Resident memory of the supervisor and of each worker.'),
  gatewayops_process_cpu_seconds_total: counter('s', ['process'], 'Processor time of the supervisor and of each worker.'),
  gatewayops_event_loop_delay_seconds: gauge('s', ['process', 'statistic'], 'How late timers fired since the figures were last read: p50, p99 and max.'),
  gatewayops_event_loop_utilization_ratio: gauge('1', ['process'], 'Share of the time since the figures were last read in which the event loop was busy.'),
  gatewayops_config_version: gauge('1', [], 'Version of the configuration that serves: it grows with each reload.'),
  gatewayops_start_time_seconds: gauge('s', [], 'When the gateway started, in seconds since 1970.'),
  gatewayops_build_info: gauge('1', ['version', 'node_version', 'node'], 'Always 1; what runs here.'),
} as const satisfies Record<string, MetricRow>;

export type MetricName = keyof typeof metricTable;

/** Upper bounds in seconds. From 10 ms on those of https://github.com/open-telemetry/semantic-conventions-genai (mcp.server.operation.duration). */
export const durationBucketsSeconds: readonly number[] = [0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300];
/** For what the gateway itself takes of a call. */
export const overheadBucketsSeconds: readonly number[] = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1];

/** For a policy engine, which has at most 0.1 s. */
export const engineBucketsSeconds: readonly number[] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1];

export interface HistogramReading {
  readonly boundaries: readonly number[];
  /** One more than boundaries: the last is what lies beyond all of them. Not cumulative. */
  readonly counts: readonly number[];
  readonly sum: number;
  readonly count: number;
}

export interface MetricPoint {
  /** A value for each label of the metric, in the order of the table. */
  readonly labels: readonly string[];
  readonly value: number | HistogramReading;
}

/** The figures of one metric at one time. */
export interface MetricReading {
  readonly name: MetricName;
  readonly points: readonly MetricPoint[];
}
