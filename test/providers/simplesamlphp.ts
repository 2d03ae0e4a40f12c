/** Debian's SimpleSAMLphp, served by PHP itself, with people of its own. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeSigningCertificate } from '../support/saml-answers.ts';
import { temporaryFolder } from '../support/start-gateway.ts';
import { freePort, startTemporaryServer } from '../support/temporary-server.ts';

const home = '/usr/share/simplesamlphp';

export interface SimpleSamlPhp {
  readonly entityId: string;
  readonly metadataUrl: string;
  stop(): Promise<void>;
}

/** `pat` is there, with the password `x`. */
export async function startSimpleSamlPhp({ acsUrl, entityId }: { readonly acsUrl: string; readonly entityId: string }): Promise<SimpleSamlPhp> {
  const folder = temporaryFolder();
  const place = (name: string): string => {
    const path = join(folder, name);
    mkdirSync(path, { recursive: true });
    return path;
  };
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const { cert, key } = await makeSigningCertificate();
  writeFileSync(join(place('cert'), 'idp.crt'), cert);
  writeFileSync(join(place('cert'), 'idp.key'), key, { mode: 0o600 });
  const config = place('config');
  writePhp(join(config, 'config.php'), 'config', {
    baseurlpath: `${origin}/`,
    certdir: `${place('cert')}/`,
    loggingdir: `${place('log')}/`,
    datadir: `${place('data')}/`,
    tempdir: place('tmp'),
    metadatadir: `${place('metadata')}/`,
    secretsalt: 'of-the-test-0123456789',
    'auth.adminpassword': 'of-the-test',
    timezone: 'UTC',
    'logging.handler': 'file',
    'logging.logfile': 'simplesamlphp.log',
    'enable.saml20-idp': true,
    'module.enable': { exampleauth: true, core: true, saml: true },
    'store.type': 'phpsession',
    'session.phpsession.savepath': place('sessions'),
    'session.cookie.secure': false,
    'session.cookie.samesite': null,
    'metadata.sources': [{ type: 'flatfile' }],
  });
  writePhp(join(config, 'authsources.php'), 'config', {
    people: {
      0: 'exampleauth:UserPass',
      'pat:x': { uid: ['pat'], email: ['pat@saml.example'], displayName: ['Pat Perlman'], groups: ['Staff', 'Payments'] },
    },
  });
  writePhp(join(folder, 'metadata', 'saml20-idp-hosted.php'), 'metadata', {
    '__DYNAMIC:1__': { host: '__DEFAULT__', privatekey: 'idp.key', certificate: 'idp.crt', auth: 'people', 'saml20.sign.response': true },
  });
  writePhp(join(folder, 'metadata', 'saml20-sp-remote.php'), 'metadata', {
    [entityId]: {
      AssertionConsumerService: acsUrl,
      NameIDFormat: 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
      'simplesaml.nameidattribute': 'uid',
    },
  });
  const metadataUrl = `${origin}/saml2/idp/metadata.php`;
  const { PATH = '' } = process.env;
  const server = await startTemporaryServer({
    command: ['php', '-S', `127.0.0.1:${port}`, '-t', join(home, 'www')],
    folder,
    user: null,
    endSignal: 'SIGTERM',
    env: { PATH, SIMPLESAMLPHP_CONFIG_DIR: config },
    probe: async () => {
      const answer = await fetch(metadataUrl, { signal: AbortSignal.timeout(5_000) });
      if (!answer.ok) throw new Error(`it answers ${answer.status}: ${(await answer.text()).slice(0, 2_000)}`);
    },
  });
  return { entityId: metadataUrl, metadataUrl, stop: () => server.stop() };
}

/** PHP reads JSON as its own arrays. */
function writePhp(path: string, name: string, value: Readonly<Record<string, unknown>>): void {
  const text = JSON.stringify(value)
    .replaceAll('\\', '\\\\')
    .replaceAll("'", String.raw`\'`);
  writeFileSync(path, `<?php\n$${name} = json_decode('${text}', true);\n`);
}
