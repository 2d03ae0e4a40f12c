/** Words of client certificates that the configuration, the check of them and the API have in common. */

/** The tests that a client certificate has to pass, in their order. */
export const certificateSteps = ['form', 'time', 'key', 'usage', 'chain', 'revocation', 'mapping', 'directory'] as const;
export type CertificateStep = (typeof certificateSteps)[number];

/** By what a certificate is found to be somebody's: a name in subjectAltName, or all of it. Never the common name of its subject, which anything may stand in. */
export const certificateNameKinds = ['uri', 'dns', 'email', 'fingerprint'] as const;
export type CertificateNameKind = (typeof certificateNameKinds)[number];
