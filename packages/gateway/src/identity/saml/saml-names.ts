/** Names of SAML 2.0 (saml-core-2.0-os, saml-metadata-2.0-os) and XML security as they stand in messages. */
export const names = {
  protocol: 'urn:oasis:names:tc:SAML:2.0:protocol',
  assertion: 'urn:oasis:names:tc:SAML:2.0:assertion',
  metadata: 'urn:oasis:names:tc:SAML:2.0:metadata',
  signature: 'http://www.w3.org/2000/09/xmldsig#',
  encryption: 'http://www.w3.org/2001/04/xmlenc#',
  xml: 'http://www.w3.org/XML/1998/namespace',
  success: 'urn:oasis:names:tc:SAML:2.0:status:Success',
  bearer: 'urn:oasis:names:tc:SAML:2.0:cm:bearer',
  redirect: 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect',
  post: 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST',
  entityFormat: 'urn:oasis:names:tc:SAML:2.0:nameid-format:entity',
  transient: 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient',
  emailFormat: 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress',
} as const;

const exclusive = 'http://www.w3.org/2001/10/xml-exc-c14n#';

/** What may stand in a signature: nothing with SHA-1, nothing with a shared key, no transform that picks or changes. */
export const allowed = {
  signature: new Set([
    'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
    'http://www.w3.org/2001/04/xmldsig-more#rsa-sha512',
    'http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1',
  ]),
  digest: new Set(['http://www.w3.org/2001/04/xmlenc#sha256', 'http://www.w3.org/2001/04/xmlenc#sha512']),
  canonical: new Set([exclusive, `${exclusive}WithComments`]),
  enveloped: 'http://www.w3.org/2000/09/xmldsig#enveloped-signature',
  /** Of keys: what is not padded by OAEP tells whoever asks often enough. */
  keyEncryption: new Set(['http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p']),
  /** Says itself when it was changed. */
  authenticated: new Set(['http://www.w3.org/2009/xmlenc11#aes128-gcm', 'http://www.w3.org/2009/xmlenc11#aes256-gcm']),
  /** Does not: only below a signature of the whole answer. */
  unauthenticated: new Set(['http://www.w3.org/2001/04/xmlenc#aes128-cbc', 'http://www.w3.org/2001/04/xmlenc#aes256-cbc']),
} as const;
