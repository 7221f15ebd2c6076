import { createCipheriv, createHash } from 'node:crypto';
import { CHUNK_SIZE, type Digest, digestOfBytes } from '@openward/contracts';
import { buildManifest, type BuiltArtifact, cutFile, parseGguf } from '@openward/distribution';
import { buildGguf, modelKeys } from '../../../libs/distribution/src/gguf-builder.fixture.ts';
import { MIB } from '../options.ts';

/** A file as the control plane would have it: every piece by its digest. */
export interface Published {
  readonly built: Omit<BuiltArtifact, 'gguf'>;
  readonly pieces: {
    keys(): Iterable<Digest>;
    get(digest: Digest): Uint8Array | undefined;
  };
}

export interface Artifact extends Published {
  readonly bytes: Uint8Array;
}

/** Bytes that nothing compresses, the same for the same seed. */
export function noise(seed: number, size: number): Uint8Array {
  const key = Buffer.alloc(16, `bench ${seed} `);
  return new Uint8Array(createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(size)));
}

const WIDTH = 1024;
const TENSOR_BYTES = 8 * MIB;

/** How many tensors a model of about this size has. */
export const tensorCount = (size: number): number => Math.max(2, Math.round(size / tensorBytes(size)));
export const tensorBytes = (size: number): number =>
  Math.min(TENSOR_BYTES, Math.max(2 * WIDTH, Math.floor(size / 8 / (2 * WIDTH)) * 2 * WIDTH));

/** A GGUF of about `size` bytes in equal tensors. Those in `changed` differ from the model of the same size without. */
export function makeModel(size: number, changed: ReadonlySet<number> = new Set(), name = 'bench'): Uint8Array {
  const each = tensorBytes(size);
  return buildGguf({
    keys: modelKeys([['general.name', { type: 'string', value: name }]]),
    tensors: Array.from({ length: tensorCount(size) }, (_, i) => ({
      name: `blk.0.ffn_up.part-${i}.weight`,
      dims: [WIDTH, each / 2 / WIDTH],
      type: 'F16',
      fill: noise(changed.has(i) ? 10_000 + i : i, each),
    })),
  });
}

/** Cut as the product does, or at the same places into chunks of another size. */
export function describe(bytes: Uint8Array, chunkSize = CHUNK_SIZE): Artifact {
  const chunks = [...cutFile(bytes.length, parseGguf(bytes), chunkSize)].map(({ offset, size }) => {
    return { offset, size, digest: digestOfBytes(bytes.subarray(offset, offset + size)) };
  });
  const built = buildManifest('gguf', digestOfBytes(bytes), chunks);
  const pieces = new Map<Digest, Uint8Array>([
    ...[built.manifest, ...built.lists].map((piece) => [piece.digest, piece.bytes] as const),
    ...chunks.map(({ digest, offset, size }) => [digest, bytes.subarray(offset, offset + size)] as const),
  ]);
  return { bytes, built, pieces };
}

/** A file of any size that nobody holds as a whole: each chunk is made when it is asked for. No GGUF. */
export function describeLarge(size: number): Published {
  const whole = createHash('sha256');
  const numbers = new Map<Digest, number>();
  const chunkOf = (number: number): Uint8Array =>
    noise(1_000_000 + number, Math.min(CHUNK_SIZE, size - number * CHUNK_SIZE));
  const chunks = [...cutFile(size)].map((cut, number) => {
    const bytes = chunkOf(number);
    whole.update(bytes);
    const digest = digestOfBytes(bytes);
    numbers.set(digest, number);
    return { ...cut, digest };
  });
  const built = buildManifest('document', `sha256:${whole.digest('hex')}`, chunks);
  const lists = new Map([built.manifest, ...built.lists].map((piece) => [piece.digest, piece.bytes]));
  return {
    built,
    pieces: {
      keys: () => [...lists.keys(), ...numbers.keys()],
      get(digest) {
        const number = numbers.get(digest);
        return number === undefined ? lists.get(digest) : chunkOf(number);
      },
    },
  };
}
