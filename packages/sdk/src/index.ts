/** What the package offers. */
export { GatewayOps } from './gateway-ops.ts';
export type { GatewayOpsOptions, Middleware, RequestOnItsWay, RequestOptions } from './options.ts';
export type { Logger, LogLevel } from './log.ts';
export { verifyWebhook, WebhookError, type WebhookMessage, type WebhookRequest } from './verify-webhook.ts';
export type { Answered, ChangeOptions, WholeAnswer } from './core.ts';
export type { DeleteOptions, NounOptions } from './directory.ts';
export type { ConfigObjects, ReplaceOptions } from './objects.ts';
export type { List } from './list.ts';
export type { LiveEvent, LiveFigures, LiveOptions, LiveQuery } from './live.ts';
export type {
  CallEvent,
  CallMetadata,
  CallOptions,
  Content,
  McpAnswer,
  Prompt,
  PromptMessages,
  ResourceContents,
  ResourceEntry,
  Tool,
  ToolCall,
  ToolResult,
} from './mcp.ts';
export type { Answer, Input, Method, Operation, PathOf, Schemas } from './operations.ts';
export {
  ApprovalRequiredError,
  AuthenticationError,
  ConflictError,
  ConnectionError,
  FaultError,
  GatewayOpsError,
  InvalidRequestError,
  NotFoundError,
  PermissionError,
  RateLimitError,
  TimedOutError,
  UnavailableError,
  UnreadableAnswerError,
  UpstreamError,
  UsageError,
} from './errors.ts';
