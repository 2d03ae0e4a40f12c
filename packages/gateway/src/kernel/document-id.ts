/** Whether the id of a client is the address of a document about it (OAuth Client ID Metadata Document, section 3): https, with a path, without fragment, user or password. */
export function isDocumentId(clientId: string): boolean {
  const url = clientId.length > 2048 ? null : URL.parse(clientId);
  return (
    url !== null &&
    url.protocol === 'https:' &&
    // URLs take hosts such as {{host}}, which no name of DNS is.
    /^(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])$/.test(url.hostname) &&
    url.pathname !== '/' &&
    url.hash === '' &&
    url.username === '' &&
    url.password === '' &&
    // As it is written it is what is fetched: no second spelling of one client.
    url.href === clientId
  );
}
