// Writes gateway.key and gateway.crt, signed by itself, into a folder: node gateway-certificate.mjs FOLDER HOST
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import * as x509 from '@peculiar/x509';

const [folder, host] = process.argv.slice(2);
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const day = 86_400_000;

x509.cryptoProvider.set(webcrypto);
const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
const certificate = await x509.X509CertificateGenerator.createSelfSigned({
  name: `CN=${host}`,
  notBefore: new Date(Date.now() - day),
  notAfter: new Date(Date.now() + 730 * day),
  keys,
  signingAlgorithm: algorithm,
  extensions: [
    new x509.ExtendedKeyUsageExtension(['1.3.6.1.5.5.7.3.1']),
    new x509.SubjectAlternativeNameExtension([
      { type: 'dns', value: host },
      { type: 'dns', value: 'localhost' },
      { type: 'ip', value: '127.0.0.1' },
    ]),
  ],
});
const secret = x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY');
writeFileSync(join(folder, 'gateway.key'), `${secret}\n`, { mode: 0o600 });
// The certificate last: whoever finds it finds its key.
writeFileSync(join(folder, 'gateway.crt'), `${certificate.toString('pem')}\n`);
