import type { ClientFrame } from '@openward/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClientStreamParser, WireError, parseClientStream } from './wire.ts';

const token = fc.stringMatching(/^[A-Za-z0-9_$.*>-]{1,20}$/);
const payload = fc.uint8Array({ maxLength: 200 });
const frames: fc.Arbitrary<ClientFrame> = fc.oneof(
  fc.constant<ClientFrame>({ op: 'PING' }),
  fc.constant<ClientFrame>({ op: 'PONG' }),
  fc.json().map<ClientFrame>((body) => ({ op: 'CONNECT', body: JSON.stringify(JSON.parse(body)) })),
  fc.record(
    { op: fc.constant('SUB' as const), subject: token, sid: token, queue: token },
    { requiredKeys: ['op', 'subject', 'sid'] },
  ),
  fc.record(
    { op: fc.constant('UNSUB' as const), sid: token, max: fc.nat().map(String) },
    { requiredKeys: ['op', 'sid'] },
  ),
  fc.record(
    { op: fc.constant('PUB' as const), subject: token, reply: token, payload },
    { requiredKeys: ['op', 'subject', 'payload'] },
  ),
  fc.record(
    {
      op: fc.constant('HPUB' as const),
      subject: token,
      reply: token,
      headers: fc.constant('NATS/1.0\r\na: b\r\n\r\n'),
      payload,
    },
    { requiredKeys: ['op', 'subject', 'headers', 'payload'] },
  ),
);

function written(frame: ClientFrame): Buffer {
  const line = (...parts: (string | number | undefined)[]): Buffer =>
    Buffer.from(`${parts.filter((part) => part !== undefined).join(' ')}\r\n`);
  switch (frame.op) {
    case 'PING':
    case 'PONG':
      return line(frame.op);
    case 'CONNECT':
      return line('CONNECT', frame.body);
    case 'SUB':
      return line('SUB', frame.subject, frame.queue, frame.sid);
    case 'UNSUB':
      return line('UNSUB', frame.sid, frame.max);
    case 'PUB':
      return Buffer.concat([line('PUB', frame.subject, frame.reply, frame.payload.length), frame.payload, line()]);
    case 'HPUB': {
      const head = Buffer.from(frame.headers);
      const length = head.length + frame.payload.length;
      return Buffer.concat([
        line('HPUB', frame.subject, frame.reply, head.length, length),
        head,
        frame.payload,
        line(),
      ]);
    }
  }
}
const plain = (list: readonly ClientFrame[]): unknown =>
  list.map((frame) => ('payload' in frame ? { ...frame, payload: [...frame.payload] } : frame));

describe('a client’s bytes', () => {
  it('read back as the frames that were written, however they are cut', () => {
    fc.assert(
      fc.property(fc.array(frames, { maxLength: 8 }), fc.integer({ min: 1, max: 50 }), (list, size) => {
        const bytes = Buffer.concat(list.map(written));
        const parser = new ClientStreamParser();
        const read: ClientFrame[] = [];
        for (let at = 0; at < bytes.length; at += size) read.push(...parser.push(bytes.subarray(at, at + size)));
        expect(plain(read)).toEqual(plain(list));
        expect(parser.pending).toBe(0);
      }),
    );
  });

  it.each([
    'HELLO\r\n',
    'PUB a 3\r\nabcd\r\n',
    'HPUB a 9 3\r\nabc\r\n',
    'PING\r\nPUB a 3\r\nab',
    'PUB a b c 1\r\nx\r\n',
    'SUB a\r\n',
  ])('that are no whole protocol are refused: %j', (text) => {
    expect(() => parseClientStream(Buffer.from(text))).toThrow(WireError);
  });

  it('without an end are refused before they fill the memory', () => {
    expect(() => new ClientStreamParser().push(Buffer.alloc(70_000, 'a'))).toThrow(WireError);
  });
});
