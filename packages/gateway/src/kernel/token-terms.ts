/** Words of signed tokens (RFC 7515, RFC 7518, RFC 9068) that the configuration and the check of tokens have in common. */

/** Signatures with a key that everyone may know. What is signed with a shared secret (HS…), or not at all, is never taken. */
export const signatureAlgorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'] as const;
export type SignatureAlgorithm = (typeof signatureAlgorithms)[number];

/** The header `typ` (`application/` before it counts for nothing); `none`: there is none. */
export const tokenTypes = ['at+jwt', 'JWT', 'none'] as const;
export type TokenType = (typeof tokenTypes)[number];

/** The tests that a token has to pass, in their order. */
export const tokenSteps = ['form', 'issuer', 'type', 'algorithm', 'audience', 'key', 'signature', 'time', 'claims', 'party', 'mapping', 'directory'] as const;
export type TokenStep = (typeof tokenSteps)[number];
