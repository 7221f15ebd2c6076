// Ends with 0 when the address answers 200, with the certificate's authority at hand: node healthy.mjs URL CA_FILE
import { readFileSync } from 'node:fs';
import { get } from 'node:https';

const [url, ca] = process.argv.slice(2);
const request = get(url, { ca: readFileSync(ca), timeout: 3_000 }, (response) => {
  response.resume();
  process.exit(response.statusCode === 200 ? 0 : 1);
});
request.on('timeout', () => request.destroy());
request.on('error', () => process.exit(1));
