/**
 * The claim that says of an address in a claim whether it is verified: `email_verified` beside `email` (OpenID Connect Core 5.1), also in an object or a namespace
 * (`https://acme.example/email`). Null: of what stands under another name nobody says so.
 */
export function verifiedClaimOf(emailClaim: string): string | null {
  return /(?:^|[./:])email$/.test(emailClaim) ? `${emailClaim}_verified` : null;
}
