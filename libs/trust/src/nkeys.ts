import type { PublicKey } from '@openward/contracts';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** The Ed25519 key inside a public nkey: bytes 1 to 32 of its base32. Null for what is none. */
export function publicKeyOfNkey(nkey: string): PublicKey | null {
  const bytes: number[] = [];
  let buffer = 0;
  let bits = 0;
  for (const character of nkey) {
    const value = ALPHABET.indexOf(character);
    if (value < 0) return null;
    buffer = ((buffer << 5) | value) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((buffer >> bits) & 0xff);
    }
  }
  return bytes.length === 35 ? Buffer.from(bytes.slice(1, 33)).toString('base64url') : null;
}
