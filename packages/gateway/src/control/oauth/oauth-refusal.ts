/** The errors of RFC 6749 (sections 4.1.2.1 and 5.2), RFC 7591 and RFC 8707 that are answered here. */
export type OauthErrorCode =
  | 'access_denied'
  | 'consent_required'
  | 'invalid_client'
  | 'invalid_client_metadata'
  | 'invalid_grant'
  | 'invalid_redirect_uri'
  | 'invalid_request'
  | 'invalid_scope'
  | 'invalid_target'
  | 'request_not_supported'
  | 'temporarily_unavailable'
  | 'unauthorized_client'
  | 'unsupported_grant_type'
  | 'unsupported_response_type';

/**
 * What a client is refused with, in the words of OAuth: clients know no others. `description` is public: it names what to mend,
 * never a secret; only the characters that RFC 6749 allows there.
 */
export class OauthRefusal extends Error {
  override readonly name = 'OauthRefusal';
  readonly code: OauthErrorCode;
  readonly description: string;
  /** What was wrong, for an administrator, where the client is told of several things that it could be. */
  readonly reason: string;

  constructor(code: OauthErrorCode, description: string, reason = description) {
    const allowed = description.replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, '?');
    super(`${code}: ${allowed}`);
    this.code = code;
    this.description = allowed;
    this.reason = reason;
  }
}
