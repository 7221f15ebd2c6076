import { open } from 'node:fs/promises';
import { Refusal } from '@openward/contracts';
import type { ByteSource } from '@openward/distribution';

export interface OpenFile extends ByteSource {
  close(): Promise<void>;
}

/** A file that can be read at any place. One that grows shorter meanwhile is refused as `ggufCutShort` where it is read. */
export async function openFile(path: string): Promise<OpenFile> {
  const handle = await open(path).catch((cause: NodeJS.ErrnoException) => {
    const why = cause.code === 'ENOENT' ? 'there is no such file' : cause.message;
    throw new Refusal('badRequest', `${path} cannot be read: ${why}.`, { cause });
  });
  const stat = await handle.stat();
  if (!stat.isFile()) {
    await handle.close();
    throw new Refusal('badRequest', `${path} is not a file.`);
  }
  const { size } = stat;
  return {
    size,
    async read(offset, length) {
      const bytes = Buffer.allocUnsafe(length);
      let done = 0;
      while (done < length) {
        const { bytesRead } = await handle.read(bytes, done, length - done, offset + done);
        if (bytesRead === 0) {
          const at = offset + done;
          throw new Refusal('ggufCutShort', `${path} ended at byte ${at} while it was read; it had ${size} before.`);
        }
        done += bytesRead;
      }
      return bytes;
    },
    close: () => handle.close(),
  };
}
