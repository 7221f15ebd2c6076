import { randomBytes } from 'node:crypto';
import { CHUNK_SIZE, digestOfBytes } from '@openward/contracts';
import { fetchChunk, publishChunk, natsServers, startNatsNetwork } from '@openward/testkit';
import { expect, it } from 'vitest';

it.each(natsServers())(
  'chunks come in buffers of their own, which are used again once given back, before and after a renewal: $version',
  async ({ path, version }) => {
    const network = await startNatsNetwork({ bin: path, version });
    try {
      const node = await network.enrol({ site: 's1', node: 'n1', families: ['nano'] });
      const chunks = [1, 2, 3, 4].map(() => new Uint8Array(randomBytes(CHUNK_SIZE)));
      for (const chunk of chunks) await publishChunk(network.engine, 'nano', chunk);
      const link = await node.connect('bulk');
      const bring = async (chunk: Uint8Array): Promise<Uint8Array> => {
        const bytes = await fetchChunk(link, 'nano', digestOfBytes(chunk));
        expect(digestOfBytes(bytes!)).toBe(digestOfBytes(chunk));
        return bytes!;
      };
      const first = await bring(chunks[0]!);
      const second = await bring(chunks[1]!);
      expect(second.buffer).not.toBe(first.buffer);
      link.giveBack(first);
      link.giveBack(first);
      await link.renew();
      const third = await bring(chunks[2]!);
      expect(third.buffer).toBe(first.buffer);
      expect(digestOfBytes(second)).toBe(digestOfBytes(chunks[1]!));
      expect((await bring(chunks[3]!)).buffer).not.toBe(third.buffer);
    } finally {
      await network.close();
    }
  },
);
