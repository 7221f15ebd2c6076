import { expect, it } from 'vitest';
import { z } from 'zod';
import {
  ArtifactManifest,
  chunkSubject,
  ChunkList,
  desiredSubject,
  DesiredState,
  digestOf,
  EnrolmentToken,
  EnrolReply,
  EnrolRequest,
  inboxPrefix,
  KeySet,
  OLDEST_PROTOCOL,
  PROTOCOL,
  Release,
  Report,
  reportSubject,
  RPC,
  rpcSubject,
  RpcOperation,
  RpcRefusal,
  SuiteDocument,
} from './index.ts';

// V1: what goes over a wire, or into a file that another version reads, beside the protocol's version. Shapes only: what a
// `.check` or a `.refine` adds is no part of a JSON schema, so whoever changes one thinks of older agents without this test.

const WIRE: Readonly<Record<string, z.ZodType>> = {
  ArtifactManifest,
  ChunkList,
  DesiredState,
  EnrolmentToken,
  EnrolReply,
  EnrolRequest,
  KeySet,
  Release,
  Report,
  RpcRefusal,
  SuiteDocument,
  ...Object.fromEntries(
    Object.entries(RPC).flatMap(([name, { request, reply }]) => [
      [`rpc.${name}.request`, request],
      [`rpc.${name}.reply`, reply],
    ]),
  ),
};

/** Of a site `s` and a node `n`. */
const SUBJECTS = [
  desiredSubject('s', 'n'),
  reportSubject('s', 'n'),
  ...RpcOperation.map((operation) => rpcSubject('s', 'n', operation)),
  chunkSubject('f', `sha256:${'0'.repeat(64)}`),
  inboxPrefix('s', 'n', 'control'),
  inboxPrefix('s', 'n', 'bulk'),
];

/** Sixteen digits of a digest for each, by the protocol's version. Those of a version that was released are never changed. */
const PINS: Readonly<Record<number, Readonly<Record<string, string>>>> = {
  1: {
    ArtifactManifest: '8e46b36d6256ee45',
    ChunkList: '50b6c64ae3c8318d',
    DesiredState: '75be9f6c7db4c92b',
    EnrolReply: '944440f3142211d7',
    EnrolRequest: '19dc4a7b397242a6',
    EnrolmentToken: '57d3380525da4a5d',
    KeySet: '7af9a973b37fcb18',
    Release: 'f12848ff1afeb006',
    Report: '07a2d8b52a7767b9',
    RpcRefusal: '4c78670cc246066c',
    SuiteDocument: '9c85148f6ca5f5a3',
    'rpc.acked.reply': '418f827498728acb',
    'rpc.acked.request': '2a49b7e0c799b350',
    'rpc.hello.reply': '3bdb5558e5e762e0',
    'rpc.hello.request': 'aa93fb3250d3f604',
    'rpc.permit.reply': '95cfb9f914e37593',
    'rpc.permit.request': '9103ac94c5af2c47',
    'rpc.refill.reply': '785809bddf71f82e',
    'rpc.refill.request': 'b41918e2dc47318c',
    'rpc.renew.reply': '340bbbc3116df238',
    'rpc.renew.request': '104ae419091474ce',
    subjects: '0e1162863e4b7d12',
  },
};

/** As a sender may write it: only so a strict object and one that lets unknown fields pass differ. Words about it do not count. */
const shapeOf = (schema: z.ZodType): unknown =>
  z.toJSONSchema(schema, { io: 'input', override: ({ jsonSchema }) => void delete jsonSchema.description });
const pinOf = (value: unknown): string => digestOf(value).slice('sha256:'.length, 'sha256:'.length + 16);
const pins = {
  ...Object.fromEntries(Object.entries(WIRE).map(([name, schema]) => [name, pinOf(shapeOf(schema))])),
  subjects: pinOf(SUBJECTS),
};

const WHAT_TO_DO = `The wire is not what PINS says of protocol ${PROTOCOL}. Was this meant?
- No: take the change back. If no schema changed at all, a new zod may write the same shape otherwise: then put the new pins in.
- Yes, and protocol ${PROTOCOL} was never in a release: put the new pins into PINS[${PROTOCOL}].
- Yes, and it was: raise PROTOCOL in protocol.ts by one, and OLDEST_PROTOCOL to the second before it; give PINS an entry of the new
  version and leave the old one alone; see that the control plane still reads what the two versions before send, and that a
  document on which an older agent must not act carries the new number as minProtocol. docs/protocol.md says the rest.`;

it('V1 a schema or a subject changes only with the version of the protocol', () => {
  expect(pins, WHAT_TO_DO).toEqual(PINS[PROTOCOL]);
});

it('V1 the control plane serves this version of the protocol and at most the two before it', () => {
  expect(OLDEST_PROTOCOL).toBeLessThanOrEqual(PROTOCOL);
  expect(OLDEST_PROTOCOL).toBeGreaterThanOrEqual(Math.max(1, PROTOCOL - 2));
});
