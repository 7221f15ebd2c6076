import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MessageJoiner } from './whole-messages.ts';

const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1');
const message = (payload: string): string => `MSG _INBOX.x.1 1 ${payload.length}\r\n${payload}\r\n`;
const withHeaders = (headers: string, payload: string): string =>
  `HMSG _INBOX.x.1 1 reply ${headers.length} ${headers.length + payload.length}\r\n${headers}${payload}\r\n`;

function pushAll(joiner: MessageJoiner, stream: Buffer, cuts: readonly number[]): Buffer[] {
  const ends = [...new Set([...cuts.map((cut) => Math.min(cut, stream.length)), stream.length])].toSorted(
    (a, b) => a - b,
  );
  let from = 0;
  return ends.flatMap((end) => {
    // A read of its own, as a socket gives.
    const read = Buffer.from(stream.subarray(from, end));
    from = end;
    return joiner.push(read).map((one) => Buffer.from(one));
  });
}

const payload = fc.string({ unit: fc.constantFrom('a', '\r', '\n', 'M', 'S', 'G', ' ', '9', '\0'), maxLength: 300 });
const frame = fc.oneof(
  payload.map(message),
  fc.tuple(payload, payload).map(([headers, rest]) => withHeaders(headers, rest)),
  fc.constantFrom('PING\r\n', 'PONG\r\n', '+OK\r\n', "-ERR 'Stale Connection'\r\n", 'INFO {"headers":true}\r\n'),
);

describe('messages in one piece', () => {
  it('are the same bytes in the same order, however they were cut, and no message is', () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 12 }), fc.array(fc.nat(4000), { maxLength: 40 }), (frames, cuts) => {
        const stream = bytesOf(frames.join(''));
        const given = pushAll(new MessageJoiner(), stream, cuts);
        expect(Buffer.concat(given).equals(stream)).toBe(true);
        // What is given ends where a frame does.
        let at = 0;
        const ends = new Set(frames.map((one) => (at += one.length)));
        let end = 0;
        for (const one of given) expect(ends).toContain((end += one.length));
      }),
    );
  });

  it('go to the client as they came when a line is not understood, and all that follows too', () => {
    for (const bad of [
      'MSG a 1 x\r\nyz',
      'MSG a 1 99999999999999999999\r\nyz',
      'MSG a 1 9000000\r\nyz',
      'x'.repeat(70_000),
    ]) {
      const joiner = new MessageJoiner();
      expect(Buffer.concat(pushAll(joiner, bytesOf(`PING\r\n${bad}`), [3])).toString('latin1')).toBe(`PING\r\n${bad}`);
      expect(joiner.push(bytesOf('MSG a 1 5\r\nab'))).toHaveLength(1);
    }
  });
});
