/** Every fixed bound of the product in one place, with its unit last. Those a user may change stand in `config/` too. */
import { bridgeBounds } from './bridge-bounds.ts';

const KiB = 1024;
const MiB = 1024 * KiB;

export const bounds = {
  /** Organizations of a gateway. */
  organizationsMax: 1_000,
  /** Statements of reads that each connection to the registry has PostgreSQL remember; further ones are parsed each time. */
  preparedStatementsMax: 100,
  headerBytesMax: 16 * KiB,
  headerLinesMax: 100,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  bodyBytesMax: 4 * MiB,
  /**
   * Of a condition of a policy; things of the configuration made by API; policies of an organization, patterns of one; decisions that a worker keeps for one kind of callers; entries of
   * `access.risks`; how long a call waits for its server's list where a condition asks after the tool; pieces and slices in
   * which a worker takes a snapshot.
   */
  conditionCharsMax: 2_000,
  conditionArgsBytesMax: 16 * KiB,
  configObjectsMax: 5_000,
  policiesMax: 5_000,
  snapshotPieceCharsMax: 32 * KiB,
  snapshotSliceMs: 1,
  snapshotYoungBytesMax: MiB,
  policyPatternsMax: 1_000,
  accessKeptMax: 20_000,
  risksMax: 1_000,
  listedToolsWaitMs: 2_000,
  /**
   * Open Policy Agent, of a worker: connections; questions under way; of a question, of an answer; things that one request names; memory of compiled
   * policies (pages of 64 KiB), how long their thread may take to begin, and when another one is tried; a bundle, packed and unpacked.
   */
  opaTimeoutMs: 100,
  opaConnectionsMax: 32,
  opaAskingMax: 1_000,
  opaInputCharsMax: 1 * MiB,
  opaReplyCharsMax: 64 * KiB,
  opaThingsMax: 100,
  opaPagesMax: 1_024,
  opaThreadStartMs: 10_000,
  opaThreadRetryMs: 1_000,
  opaBundleBytesMax: 8 * MiB,
  opaUnpackedBytesMax: 16 * MiB,
  /** Keys that a node forgets one by one when others have changed them; of more it forgets all. */
  changedKeysMax: 1_000,
  /** Things of one kind in the directory of an organization; those that one is tied to by one member; characters of a name; a page of the list. */
  directoryEntriesMax: 100_000,
  directoryLinksMax: 100,
  directoryNameCharsMax: 128,
  directoryListMax: 200,
  /** Keys that are revoked together with what they belong to. */
  deletedKeysMax: 500,
  /** Who is named as able to grant a permission. */
  capabilityGrantersMax: 20,
  /** How often the audit of an organization says of one who is not at home there that they were in it, and of how many that is remembered. */
  organizationEnteredMs: 60_000,
  organizationsEnteredMax: 10_000,
  /** Invitations: how many at once, how long one is good, how long it may be, how long one that is over stays in the list. */
  invitationsMax: 10_000,
  invitationMs: 7 * 86_400_000,
  invitationMsMax: 30 * 86_400_000,
  invitationKeptMs: 30 * 86_400_000,
  /** Views that are saved: of one owner, in an organization, characters of a name; parameters of an address, and characters of one. */
  savedViewsPerOwnerMax: 100,
  savedViewsMax: 5_000,
  savedViewNameCharsMax: 80,
  savedViewParametersMax: 20,
  savedViewParameterCharsMax: 4_000,
  jsonDepthMax: 64,
  keepAliveMs: 65_000,
  connectionsMax: 20_000,
  /** HTTP/2: requests of one connection at once; streams that its client may reset at once, and a second from then on. */
  http2StreamsMax: 256,
  http2ResetsMax: 256,
  http2ResetsPerSecond: 32,
  /** Requests of one connection that wait for the answer to an earlier one (HTTP/1.1 pipelining). */
  pipelinedRequestsMax: 16,
  /** Bytes of a reply copied for the record. */
  replyTapBytesMax: 64 * KiB,
  sseEventBytesMax: 17 * MiB,
  /** Bytes waiting for a slow reader of a stream before it is ended. */
  streamBufferBytesMax: 1 * MiB,
  facadeReplyBytesMax: 16 * MiB,
  /** Bytes of a reply that is held until it is whole because response rules change it. */
  rewriteBytesMax: 4 * MiB,
  /** Values of one message that rules look at one by one, and matches of a pattern in one text. */
  rewriteValuesMax: 100_000,
  rewriteMatchesMax: 10_000,
  /** Answers that one worker keeps: their bytes, their number, the longest of them, how long at most. */
  cacheBytesMax: 64 * MiB,
  cacheEntriesMax: 10_000,
  cacheEntryBytesMax: 1 * MiB,
  cacheMsMax: 86_400_000,
  /** How long a caller waits for the answer to another's same question before it asks itself. */
  cacheWaitMs: 10_000,
  /** How long callers do not wait for each other's answers after one that could not be kept. */
  cacheUnkeptMs: 30_000,
  streamsPerPrincipalMax: 256,
  /** One message of a server that the fabric reads (a relayed one has no such bound). */
  fabricMessageBytesMax: 16 * MiB,
  /** Sessions that one worker keeps at servers of before 2026-07-28, and how long unused. */
  fabricSessionsMax: 1_000,
  fabricSessionIdleMs: 1_800_000,
  /** How long the first request of a session waits for the session's own stream; questions at addresses whose end a session waits for. */
  fabricStreamWaitMs: 250,
  fabricElicitationsMax: 64,
  /** How long it is taken for granted which eras a server serves, and that verdict where the server was in trouble. */
  fabricEraMs: 600_000,
  fabricDoubtfulEraMs: 30_000,
  fabricProbeTimeoutMs: 5_000,
  /** What a server may ask of a client during one request, at once and in rounds, and how long it waits for the answer. */
  fabricAsksMax: 32,
  fabricAskRoundsMax: 8,
  fabricAskTimeoutMs: 600_000,
  /** How often a broken stream of one request is taken up again. */
  fabricResumesMax: 64,
  fabricFactsMax: 1_000,
  fabricFactsMsMax: 3_600_000,
  /** Streams of changes that one worker holds, URIs watched on one, and the pause before a lost one is opened anew. */
  fabricWatchesMax: 1_000,
  fabricWatchUrisMax: 1_024,
  fabricWatchBackoffMs: 1_000,
  fabricWatchBackoffMsMax: 60_000,
  /** Tools whose headers (`x-mcp-header`) are remembered, and pages of a list read to find one. */
  fabricToolHeadersMax: 1_000,
  fabricListPagesMax: 64,
  /** A duplex link of a client (WebSocket, HTTP+SSE, `gateway connect`): requests without an answer, and links of one principal on a worker. */
  linkInFlightMax: 128,
  linksPerPrincipalMax: 64,
  linkPingMs: 15_000,
  linkConnectMs: 10_000,
  /** How long `gateway connect` tries to reach a gateway that is away, and how long it lets calls end when its client has closed the input. */
  connectRetryMs: 30_000,
  connectFinishMs: 10_000,
  connectLineBytesMax: 64 * MiB,
  /** Time to read what waits, to post the first message, and to end in order. */
  linkSlowReaderMs: 30_000,
  linkCloseMs: 2_000,
  upstreamConnectionsMax: 1000,
  /** Calls of one worker that may wait for a connection of one server's pool. */
  upstreamQueueMax: 1000,
  upstreamTimeoutMs: 60_000,
  upstreamConnectTimeoutMs: 3_000,
  upstreamHeaderBytesMax: 64 * KiB,
  upstreamKeepAliveMs: 60_000,
  upstreamTargetsMax: 32,
  /** Tries of one call in all, and further tries as a share of a server's calls. */
  upstreamTriesMax: 3,
  upstreamRetryBudgetPercent: 10,
  /** The n-th further try waits a random time up to the first of these, doubled n times, and at most the second. */
  upstreamRetryDelayMs: 50,
  upstreamRetryDelayMsMax: 1_000,
  /** How long a host name without an address is not asked for again, and how many such are remembered. */
  upstreamNameMissingMs: 5_000,
  /** Threads of a worker. Half of them may look up names at a time (libuv), and a name whose resolver hangs holds one: of Node's four, two such names would hold up all. */
  workerThreads: 16,
  /** Half of a worker's memory for what lives short, MiB (`--max-semi-space-size`). Left alone V8 takes up to 64, which a call does not get cheaper by. */
  workerYoungMib: 16,
  upstreamNamesMissingMax: 1_000,
  breakerFailurePercent: 50,
  breakerCallsMin: 20,
  breakerWindowMs: 10_000,
  breakerOpenMs: 10_000,
  breakerProbesMax: 1,
  sseKeepAliveMs: 15_000,
  verifiedKeysMax: 100_000,
  refusedKeysMax: 10_000,
  refusedKeyMs: 10_000,
  /** Guesses at keys from one address, or at keys of one prefix, and how many addresses, prefixes and guesses a node remembers. */
  wrongKeysPerMinute: 10,
  wrongKeysKnownMax: 10_000,
  /** Tokens of issuers: the characters of one, the bytes of its header, and how many one node verifies at once. */
  tokenCharsMax: 16 * KiB,
  tokenHeaderBytesMax: 4 * KiB,
  tokensVerifyingMax: 1_000,
  /** How far clocks may be apart, and how long a worker goes by what was found out of a token. */
  tokenSkewMs: 60_000,
  tokenVerdictMs: 120_000,
  issuersMax: 100,
  /**
   * Client certificates: of one, with its extensions; names in it; of a chain that a client shows, and its text; certificates in a file of authorities; a text with one
   * that is tested; entries of `callers` that are shown of an authority; entries of
   * one revocation list, and its file; entries of `identity.certificates.authorities`, lists of each; how long before the end of an authority it is warned of;
   * client certificates whose end is kept in mind.
   */
  certificateBytesMax: 8 * KiB,
  certificateNamesMax: 100,
  certificateChainMax: 4,
  certificateTextCharsMax: 12 * KiB,
  certificatesInFileMax: 100,
  certificateTestCharsMax: 64 * KiB,
  certificateCallersShownMax: 100,
  revokedCertificatesMax: 200_000,
  revocationFileBytesMax: 8 * MiB,
  certificateAuthoritiesMax: 100,
  revocationFilesMax: 20,
  certificateWarnMs: 30 * 24 * 3_600_000,
  /** What an issuer says of its keys: bytes and time of one document, keys of a set. */
  issuerDocumentBytesMax: 1_024 * KiB,
  issuerDocumentMs: 5_000,
  issuerKeysMax: 100,
  /** Its keys are read anew after that time, are gone by for so long where it does not answer, and are looked for so seldom for ids that it has not named. */
  issuerKeysFreshMs: 240_000,
  issuerKeysKeptMs: 3_600_000,
  issuerUnknownKeyMs: 30_000,
  /** Issuers and providers that do not answer as they should are asked again after that time; then it doubles, up to the second. */
  outsideRetryMs: 5_000,
  outsideRetryMsMax: 30_000,
  verifyQueueMax: 1_000,
  /** Room for what `initialize` said of most clients; a longer one is not remembered. */
  sessionHandleBytesMax: 2 * KiB,
  sessionHandlesCachedMax: 20_000,
  /** What shared state remembers of a legacy client's session: how long after its last use, and how often use is told. */
  sessionNotesMs: 86_400_000,
  sessionNotesTouchMs: 3_600_000,
  /** Subscriptions that are made again in a session which takes the place of a lost one, and the characters of their URIs together. */
  sessionSubscriptionsMax: 256,
  sessionSubscriptionCharsMax: 32_768,
  /** Handshakes of one worker for one session in a minute, and the time for each step of one. */
  sessionRenewalsPerMinuteMax: 10,
  sessionRenewalTimeoutMs: 10_000,
  /** A refusal that may say that a session is lost, as far as it is read. */
  sessionRefusalBytesMax: 64 * KiB,
  /** Requests that wait for a client's answers (2026-07-28, `input_required`): in a worker, of one principal, and how long. */
  parksMax: 4_096,
  parksPerPrincipalMax: 64,
  parkMs: 600_000,
  parkNotificationsMax: 256,
  /** How long a question of a server waits for further ones of the same request. */
  askSiblingsMs: 5,
  /** Sessions of legacy clients that the gateway itself keeps, in a worker and of one principal; what one of them may hold. */
  gatewaySessionsMax: 10_000,
  gatewaySessionsPerPrincipalMax: 1_000,
  gatewaySessionIdleMs: 1_800_000,
  gatewaySessionCallsMax: 1_024,
  gatewaySessionSubscriptionsMax: 1_024,
  // The catalogue of what servers list (fabric/): of one list, and of a worker.
  cataloguePagesMax: 200,
  catalogueEntriesMax: 10_000,
  catalogueBytesMax: 32 * MiB,
  catalogueShelvesMax: 4_096,
  catalogueServerShelvesMax: 512,
  /** How long a catalogue that nobody asks for is kept up to date. */
  catalogueIdleMs: 600_000,
  /** How long the list of a server before 2026-07-28 is good, where it tells of changes and where it does not. */
  catalogueWatchedMs: 300_000,
  catalogueUnwatchedMs: 10_000,
  catalogueRetryMs: 500,
  catalogueRetryMsMax: 30_000,
  /** How long a list waits for a server that is known to be away, and for what other workers know of it. */
  catalogueAwayWaitMs: 200,
  catalogueRecallWaitMs: 1_000,
  /** How long a list that does not end is not read again. */
  catalogueDegradedMs: 60_000,
  /** The last good lists of all servers, which the supervisor keeps for the workers. */
  keptListsMax: 4_096,
  keptListsBytesMax: 128 * MiB,
  /** Changes within this time are told as one. */
  changeBurstMs: 50,
  /** Kinds of callers whose names an aggregate endpoint keeps at hand. */
  endpointViewsMax: 256,
  instructionsCharsMax: 32_000,
  /** What is kept of a request or response by default, and at most. */
  recordBodyBytes: 64 * KiB,
  recordBodyBytesMax: 1 * MiB,
  /** Looked at beyond what is kept: what begins before the end is then seen whole. */
  recordOverlapBytes: 4 * KiB,
  /** Of a request or response whose tokens are to be counted; those of what is longer are counted in proportion. */
  tokenBytesMax: 1 * MiB,
  /** Bodies of a worker that wait for the masking process before further ones are dropped, and those that wait in it. */
  bodyQueueBytesMax: 16 * MiB,
  bodyJobBytesMax: 8 * MiB,
  maskingQueueBytesMax: 32 * MiB,
  /** A file of masked bodies is handed over at this size or age, a small one sooner, and written to at least so often. */
  bodySegmentBytesMax: 16 * MiB,
  bodySegmentSmallBytes: 256 * KiB,
  bodySegmentMs: 1_000,
  bodySegmentLargeMs: 4_000,
  bodyFlushMs: 250,
  /** Longest text that is looked for secrets as a whole; time of the processor for one body, and of the clock for one call's: longer where it hardly got the processor. */
  maskingFieldCharsMax: 256 * KiB,
  maskingMs: 100,
  maskingHangMs: 1_000,
  maskingStarvedMs: 30_000,
  /** A node that has not heard for so long that its view of rules and keys holds refuses calls. */
  viewAgeMsMax: 30_000,
  /** The control API goes by what it remembers of a key only where the registry has confirmed its view so lately; else it looks the key up. */
  rememberedKeyMs: 1_000,
  idempotencyMs: 600_000,
  idempotencyBodyBytesMax: 1 * MiB,
  /**
   * Idempotency-Key of the control API: how long an answer is given again, how many keys of one caller, the bytes of an answer that is kept, how long
   * a node that is silent is taken to be at it, and how often those whose time is over are deleted, so many at once.
   */
  idempotencyKeyMs: 86_400_000,
  idempotencyKeysMax: 10_000,
  idempotentAnswerBytesMax: 64 * KiB,
  idempotencyHoldMs: 60_000,
  idempotencySweepMs: 600_000,
  idempotencySweepMax: 10_000,
  /** The embedded shared state: bytes and entries of its values, and token buckets beside them. */
  stateBytesMax: 256 * MiB,
  stateEntriesMax: 1_000_000,
  stateBucketsMax: 100_000,
  /** Its files: one of them, all of them, and changes that wait to be written. */
  stateSegmentBytesMax: 8 * MiB,
  stateFilesBytesMax: 1024 * MiB,
  stateWaitingBytesMax: 64 * MiB,
  /** Longest answer of a Redis command, and commands that may wait for one. */
  stateCommandTimeoutMs: 50,
  stateCommandsMax: 10_000,
  leaseTokensMax: 1024,
  leaseBucketsMax: 100_000,
  /** How long a refusal waits for other workers to give unspent tokens back. */
  leaseRecallTimeoutMs: 250,
  /** Of one call: questions of the server, and spans and characters of their names that it gives, which are recorded. */
  recordedAsksMax: 32,
  upstreamSpansMax: 32,
  upstreamSpanNameCharsMax: 80,
  /** Names that callers of one key give their agents, each kept encoded; how long one may be. */
  agentNamesMax: 64,
  agentNameCharsMax: 100,
  journalSegmentBytesMax: 64 * MiB,
  /** Room on its disk that the journal leaves to others; an eighth of a disk that is smaller than eight times that. */
  journalRoomLeftBytes: 16 * MiB,
  spoolBytesMax: 1024 * MiB,
  batchRowsMax: 20_000,
  batchBytesMax: 16 * MiB,
  /** An entry of the journal; a length above it is not one that was written. */
  journalFrameBytesMax: 8 * MiB,
  /** How long an outcome waits in the journal for others to be sent to the ledger with. */
  batchWaitMs: 500,
  journalPollMs: 150,
  /** Live streams of a node and of one reader; events that wait for a slow one; calls kept for one that comes back, and for how long. */
  liveStreamsMax: 100,
  liveStreamsPerHolderMax: 10,
  liveQueueMax: 1_000,
  liveReplayMax: 5_000,
  liveLingerMs: 60_000,
  liveHeartbeatMs: 15_000,
  /** Who watches for longer proves anew who it is. */
  liveStreamMs: 3_600_000,
  /** Calls shown in a second, and the most that may be asked for. */
  liveRate: 50,
  liveRateMax: 1_000,
  /** Seconds of which the figures are kept; kinds of calls that are counted apart in each; servers and tools that an answer names. */
  meterSeconds: 60,
  meterCellsMax: 500,
  meterGroupsMax: 100,
  /** Of metrics by minute: steps of a series, servers and tools, those with a series of their own, the days for which callers are counted, and for which steps are finer than days unasked. */
  metricBucketsMax: 500,
  metricGroupsMax: 200,
  metricSeriesMax: 20,
  metricAgentDaysMax: 7,
  metricFineDaysMax: 14,
  /** A dry run of policies: calls and groups of them that it looks at, groups that it shows, and days that it goes back. */
  dryRunCallsMax: 500_000,
  dryRunGroupsMax: 5_000,
  dryRunShownMax: 100,
  dryRunDaysMax: 90,
  /** Agents that called and are not in the catalogue: calls and agents that are looked at, days that it goes back, names shown of each. */
  seenCallsMax: 500_000,
  seenAgentsMax: 1_000,
  seenDaysMax: 90,
  seenNamesMax: 20,
  /** Calls in one request of the export to OpenTelemetry, how long one waits for others, and calls that wait for the receiver. */
  otlpBatchMax: 512,
  otlpBatchWaitMs: 1_000,
  otlpQueueMax: 20_000,
  otlpRetryMsMax: 30_000,
  /** Tools and servers that have labels of their own in metrics. */
  metricToolsMax: 200,
  metricServersMax: 2_000,
  ledgerQueryTimeoutMs: 30_000,
  ledgerInsertTimeoutMs: 120_000,
  ledgerConnectionsMax: 8,
  ledgerQueryMemoryBytesMax: 512 * MiB,
  /** The embedded ledger as a whole; its process needs about 250 MiB more for its own program text. */
  ledgerEngineMemoryBytesMax: 1024 * MiB,
  ledgerRequestBytesMax: 64 * MiB,
  /** How often the ledger is looked through for periods to sum up, and how many of them are at one look. */
  rollupEveryMs: 60_000,
  rollupPeriodsMax: 64,
  /** When a period that is over is summed up, and how often one that is not. */
  rollupSettleMs: 120_000,
  rollupOpenMs: 3_600_000,
  traceSpansMax: 10_000,
  /** Calls of one trace that hang together as a tree, and those of a window on it. */
  traceTreeSpansMax: 50_000,
  spanWindowMax: 500,
  requestsListMax: 1_000,
  /** Exports of one organization: written at once, kept, how long; rows and bytes of one; rows that are read at a time. */
  exportsRunningMax: 2,
  exportsKeptMax: 20,
  exportKeptMs: 86_400_000,
  exportSweepMs: 60_000,
  exportRowsMax: 5_000_000,
  exportBytesMax: 1024 * MiB,
  exportPageRows: 5_000,
  facetValuesMax: 100,
  histogramBucketsMax: 300,
  /** The price list: entries, how far ahead one may be set, how often other nodes' changes are looked for, when a look that failed is made again. */
  priceOverridesMax: 10_000,
  pricesAheadMsMax: 5 * 366 * 86_400_000,
  pricesPollMs: 500,
  pricesRetryMs: 2_000,
  pricesLookMs: 3_600_000,
  priceVersionsListMax: 200,
  priceChangesShownMax: 200,
  costGroupsMax: 1_000,
  costPeriodDaysMax: 3_660,
  /** Audit: characters of one text of an event, events of a page, those read at once, findings of one check. */
  auditTextCharsMax: 4_096,
  auditListMax: 200,
  auditPageRecords: 1_000,
  auditFindingsMax: 100,
  auditCheckpointMs: 60_000,
  /** When only the last checkpoint of a day is kept. */
  auditThinMs: 8 * 86_400_000,
  /** How often events whose retention is over are looked for. */
  auditRetentionMs: 6 * 3_600_000,
  /** How often what is left of erased people is looked for, and for how long calls of theirs may still come to the ledger. */
  erasureLookMs: 600_000,
  erasureLateMs: 2 * 86_400_000,
  /** A stream of the audit: how often it looks for events, events and bytes of one delivery, how long one may take, the pauses after a failed one. */
  auditStreamsMax: 20,
  auditStreamPollMs: 1_000,
  auditStreamBatchMax: 500,
  auditStreamBatchBytesMax: 1 * MiB,
  auditStreamTimeoutMs: 10_000,
  auditStreamRetryMs: 1_000,
  auditStreamRetryMsMax: 60_000,
  /** A node that sends a stream and says nothing for so long is taken for dead: another one goes on. */
  auditStreamHoldMs: 30_000,
  /** Longest message of syslog; what all receivers should take (RFC 5425, section 4.3.1). */
  syslogMessageBytes: 8 * KiB,
  syslogMessageBytesMax: 64 * KiB,
  /** Sign-ins are counted over a window; one that follows a busy one is twice as long, up to the second of these. */
  signInWindowMs: 10_000,
  signInWindowMsMax: 3_600_000,
  signInCallersMax: 20,
  drainGraceMs: 25_000,
  keyNameCharsMax: 200,
  keysListMax: 200,
  /** Of a list that is in memory whole: servers, policies, switches. */
  wholeListMax: 10_000,
  tracesListMax: 200,
  /** A query of traces or logs: its length, and its terms and values each. */
  queryCharsMax: 2_000,
  queryTermsMax: 50,
  /** Sessions of people: since the last use, in all, and how many one person may have at once. */
  sessionMs: 8 * 3_600_000,
  sessionMsMax: 24 * 3_600_000,
  sessionsPerHolderMax: 20,
  /**
   * Signing in by a provider: providers, rows of a mapping; how long one may take; how often it is begun, and fails, from one address in a minute; how long an
   * answer of a provider is waited for and how long it may be; how long what a provider says of itself is gone by; how far clocks may differ.
   */
  identityProvidersMax: 200,
  groupMappingsMax: 1_000,
  signInMs: 600_000,
  signInsBegunPerMinute: 300,
  signInsFailedPerMinute: 20,
  signInCountsMax: 1_000,
  providerAnswerMs: 5_000,
  providerAnswerBytesMax: 1 * MiB,
  providerMetadataMs: 600_000,
  clockToleranceSeconds: 60,
  /**
   * SAML: bytes of an answer; elements and depth of it, and of the metadata of a provider; values of its attributes; characters of an id; how long an
   * assertion may be good at most, and is remembered as used; length of a key that signs; how long before a certificate's end it is
   * warned of; how long what a provider said of itself is gone by while it is away; used assertions that are forgotten in one sweep, and how often.
   */
  samlAnswerBytesMax: 256 * KiB,
  samlElementsMax: 20_000,
  samlDepthMax: 64,
  samlValuesMax: 5_000,
  samlIdCharsMax: 256,
  samlAssertionMs: 24 * 3_600_000,
  samlKeyBitsMin: 2_048,
  samlMetadataStaleMs: 24 * 3_600_000,
  usedAssertionSweepMax: 10_000,
  usedAssertionSweepMs: 600_000,
  /**
   * SCIM: bytes of a body; characters, depth and terms of a filter, also in a path; operations of a PATCH; characters of a text, addresses of a user; groups of a
   * provider, users in one, users whose place in a group one transaction changes; resources on a page, rows that a filter is asked of at a time; requests of
   * a provider in a minute; refusals that are kept of each, and characters of one.
   */
  scimBodyBytesMax: 2 * MiB,
  scimFilterCharsMax: 2_000,
  scimFilterDepthMax: 16,
  scimFilterTermsMax: 50,
  scimOperationsMax: 500,
  scimTextCharsMax: 512,
  scimEmailsMax: 20,
  scimGroupsMax: 10_000,
  scimMembersMax: 10_000,
  scimMembersAtOnce: 50,
  scimPageMax: 200,
  scimPageDefault: 100,
  scimScanRows: 500,
  scimRequestsPerMinute: 3_000,
  scimRefusalsKept: 200,
  scimRefusalCharsMax: 500,
  adminLinkMs: 3_600_000,
  /** Clients that sign in: how long the page of consent, a code and what is known of a used one are good; grants of one user, and how long those that are over are listed. */
  consentMs: 600_000,
  oauthCodeMs: 60_000,
  oauthCodeKnownMs: 600_000,
  grantsOfUserMax: 200,
  grantsListMax: 200,
  grantKeptMs: 30 * 86_400_000,
  /** Of clients that register themselves: how many, how many in a minute on all nodes together, how long one is kept that nobody uses. */
  registeredClientsMax: 10_000,
  registrationsPerMinute: 20,
  registeredClientMs: 90 * 86_400_000,
  /** A client's document: its size, the time to fetch it, how long it is kept, those that are fetched at once. */
  clientDocumentBytesMax: 16 * KiB,
  clientDocumentTimeoutMs: 5_000,
  clientDocumentKeptMs: 300_000,
  clientDocumentsAtOnceMax: 16,
  /** A form of OAuth, and the query of a request for authorization. */
  oauthFormBytesMax: 16 * KiB,
  /**
   * Keys of access tokens: how long one signs; how long it is known after that, which is longer than any token by it; how long one is kept that no node here can open
   * and that nobody has retired; how often the registry is asked for those of other nodes.
   */
  tokenKeySignsMs: 30 * 86_400_000,
  tokenKeyKnownMs: 2 * 3_600_000,
  tokenKeyStrangeMs: 90 * 86_400_000,
  tokenKeysReadMs: 60_000,
  tokenKeysAskMs: 1_000,
  tokenKeyLooksMax: 8,
  /** A backup: rows and bytes of one part as they are written, bytes that a part may have when it is read, parts, bytes of the manifest. */
  backupPartRows: 20_000,
  backupPartBytes: 16 * MiB,
  backupPartBytesMax: 256 * MiB,
  backupPartsMax: 1_000_000,
  backupManifestBytesMax: 512 * MiB,
  /**
   * Backups by schedule: how often a node looks whether one is due, how long one that is silent is taken for alive, the pause after one that
   * failed, how late one may be before health says so, and the room on its disk that one leaves to others (an eighth of a small disk).
   */
  backupLookMs: 10_000,
  backupHoldMs: 120_000,
  backupRetryMs: 900_000,
  backupLateMs: 3_600_000,
  backupRoomLeftBytes: 256 * MiB,
  backupsListMax: 200,
  backupCheckTimeoutMs: 4 * 3_600_000,
  ...bridgeBounds,
} as const;
