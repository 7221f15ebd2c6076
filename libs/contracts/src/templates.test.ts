import { describe, expect, it } from 'vitest';
import { composedFrame, matchTemplate, type ClientFrame } from './templates.ts';

const self = { site: 's1', node: 'n1' };
const inbox = `_INBOX.s1.n1.c.${'A'.repeat(22)}`;
const empty = new Uint8Array();
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const pull = '{"batch":4,"max_bytes":0,"idle_heartbeat":30000000000,"expires":120000000000}';
const connect = JSON.stringify({
  no_responders: true,
  protocol: 1,
  verbose: false,
  pedantic: false,
  jwt: `${'a'.repeat(20)}.${'b'.repeat(200)}.${'c'.repeat(86)}`,
  nkey: `U${'A'.repeat(55)}`,
  sig: `${'a'.repeat(86)}==`,
  name: 'n1',
  lang: 'nats.js',
  version: '3.4.0',
  headers: true,
});
const desired = '$JS.API.DIRECT.GET.KV_desired.$KV.desired.site.s1.node.n1';
const chunk = `$JS.API.DIRECT.GET.OW_CHUNKS.ow.v1.chunk.family-a.${'0'.repeat(64)}`;

describe('a frame that the agent did not compose', () => {
  it.each<[string, ClientFrame]>([
    ['connect', { op: 'CONNECT', body: connect }],
    ['ping', { op: 'PING' }],
    ['pong', { op: 'PONG' }],
    ['subscribe', { op: 'SUB', subject: `${inbox}.*`, sid: '1' }],
    ['subscribe', { op: 'SUB', subject: `${inbox}.1`, sid: '2' }],
    ['unsubscribe', { op: 'UNSUB', sid: '2' }],
    ['readDesired', { op: 'PUB', subject: desired, reply: `${inbox}.ABCDEFGH`, payload: empty }],
    [
      'pullDesired',
      {
        op: 'PUB',
        subject: '$JS.API.CONSUMER.MSG.NEXT.KV_desired.n1',
        reply: inbox,
        payload: bytes('{"batch":1,"no_wait":true}'),
      },
    ],
    [
      'pullDesired',
      { op: 'PUB', subject: '$JS.API.CONSUMER.MSG.NEXT.KV_desired.n1', reply: `${inbox}.1`, payload: bytes(pull) },
    ],
    [
      'ackDesired',
      { op: 'PUB', subject: '$JS.ACK.KV_desired.n1.1.12.3.1790000000000000000.0', payload: bytes('+ACK') },
    ],
    [
      'fetchChunk',
      { op: 'PUB', subject: chunk, reply: inbox.replace('.c.', '.b.').concat('.ABCDEFGH'), payload: empty },
    ],
  ])('follows the template %s', (name, frame) => {
    expect(matchTemplate(frame, self)).toBe(name);
  });
});

describe('a frame that hides something follows no template', () => {
  it.each<[string, ClientFrame]>([
    ['a member more in CONNECT', { op: 'CONNECT', body: connect.replace('{', '{"note":"x",') }],
    ['blanks in CONNECT', { op: 'CONNECT', body: connect.replace(',', ', ') }],
    ['a member twice in CONNECT', { op: 'CONNECT', body: connect.replace('{', '{"name":"secret",') }],
    ['another name in CONNECT', { op: 'CONNECT', body: connect.replace('"n1"', '"n2"') }],
    ['a user and password in CONNECT', { op: 'CONNECT', body: connect.replace('{', '{"user":"x","pass":"y",') }],
    ['a queue', { op: 'SUB', subject: `${inbox}.*`, queue: 'q', sid: '1' }],
    ['an inbox that is not random', { op: 'SUB', subject: '_INBOX.s1.n1.c.patient-name.*', sid: '1' }],
    ['a foreign inbox', { op: 'SUB', subject: `${inbox.replace('n1', 'n2')}.*`, sid: '1' }],
    ['an id that is no number', { op: 'UNSUB', sid: 'x' }],
    ['a body in a read', { op: 'PUB', subject: desired, reply: `${inbox}.A`, payload: bytes('x') }],
    ['a read without a reply', { op: 'PUB', subject: desired, payload: empty }],
    ["another's key", { op: 'PUB', subject: desired.replace('n1', 'n2'), reply: `${inbox}.A`, payload: empty }],
    [
      'a member more in a pull',
      {
        op: 'PUB',
        subject: '$JS.API.CONSUMER.MSG.NEXT.KV_desired.n1',
        reply: `${inbox}.1`,
        payload: bytes(pull.replace('{', '{"id":"x",')),
      },
    ],
    [
      'words in an acknowledgement',
      { op: 'PUB', subject: '$JS.ACK.KV_desired.n1.1.2.3.4.0', payload: bytes('+ACK x') },
    ],
    ['a chunk by another name', { op: 'PUB', subject: chunk.replace('0', 'z'), reply: `${inbox}.A`, payload: empty }],
    [
      'headers',
      { op: 'HPUB', subject: desired, reply: `${inbox}.A`, headers: 'NATS/1.0\r\nx: y\r\n\r\n', payload: empty },
    ],
    ['a report', { op: 'PUB', subject: 'ow.v1.rpt.s1.n1', reply: `${inbox}.A`, payload: bytes('x') }],
  ])('%s', (_, frame) => {
    expect(matchTemplate(frame, self)).toBeNull();
  });

  it('an HTTP request with anything but the path', () => {
    expect(matchTemplate({ op: 'HTTP', method: 'GET', path: '/health' }, self)).toBe('httpHealth');
    expect(matchTemplate({ op: 'HTTP', method: 'GET', path: '/health?x=1' }, self)).toBeNull();
    expect(matchTemplate({ op: 'HTTP', method: 'POST', path: '/health' }, self)).toBeNull();
  });
});

describe('a frame that the agent composed', () => {
  const id = '01234567-89ab-4cde-8f01-23456789abcd';
  const trace = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
  const report = (headers: string): ClientFrame => ({
    op: 'HPUB',
    subject: 'ow.v1.rpt.s1.n1',
    reply: `${inbox}.ABCDEFGH`,
    headers: `NATS/1.0\r\n${headers}\r\n`,
    payload: bytes('sealed'),
  });

  it('gives up its payload and what stands around it', () => {
    expect(composedFrame(report(`traceparent: ${trace}\r\nNats-Msg-Id: n1:${id}\r\n`), self)).toEqual({
      kind: 'report',
      id,
      traceparent: trace,
      payload: bytes('sealed'),
    });
    const call: ClientFrame = {
      op: 'PUB',
      subject: 'ow.v1.rpc.s1.n1.permit',
      reply: `${inbox}.ABCDEFGH`,
      payload: bytes('sealed'),
    };
    expect(composedFrame(call, self)).toEqual({ kind: 'rpc', operation: 'permit', payload: bytes('sealed') });
  });

  it.each([
    ['a header more', report(`Nats-Msg-Id: n1:${id}\r\nnote: x\r\n`)],
    ['no id', report('')],
    ["another node's id", report(`Nats-Msg-Id: n2:${id}\r\n`)],
    ['an id that is not random', report('Nats-Msg-Id: n1:patient\r\n')],
    ['a trace that carries text', report(`traceparent: 00-patient\r\nNats-Msg-Id: n1:${id}\r\n`)],
    ["another's subject", { ...report(`Nats-Msg-Id: n1:${id}\r\n`), subject: 'ow.v1.rpt.s1.n2' }],
    ['an operation that is none', { op: 'PUB', subject: 'ow.v1.rpc.s1.n1.leak', reply: `${inbox}.A`, payload: empty }],
  ] as [string, ClientFrame][])('is none with %s', (_, frame) => {
    expect(composedFrame(frame, self)).toBeNull();
  });
});
