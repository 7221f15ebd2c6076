import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

// Looks for a text in everything that a run has written, in each form that a program could have given it.

/** One that no escaping changes, and one that every escaping changes. */
export const makeMarkers = (): readonly string[] => [
  `mk${randomBytes(12).toString('hex')}`,
  `m"k\\${randomBytes(8).toString('hex')}\té`,
];

/** What stands of a text in base64 wherever it begins in the encoded bytes: the characters that its neighbours do not change. */
function inBase64(bytes: Buffer): Buffer[] {
  return [0, 1, 2].flatMap((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    const from = before === 0 ? 0 : before + 1;
    const whole = encoded.slice(from, (before + bytes.length) % 3 === 0 ? undefined : -1);
    return [whole, whole.replaceAll('+', '-').replaceAll('/', '_')].map((text) => Buffer.from(text));
  });
}

/** Every form of the text that is looked for. */
export function formsOf(text: string): Buffer[] {
  const json = JSON.stringify(text).slice(1, -1);
  const ascii = json.replaceAll(/[\u0080-\uffff]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`);
  const texts = [text, json, ascii, JSON.stringify(json).slice(1, -1), encodeURIComponent(text)];
  return [...new Set(texts)].flatMap((form) => {
    const bytes = Buffer.from(form);
    const wide = Buffer.from(form, 'utf16le');
    const hex = bytes.toString('hex');
    return [
      bytes,
      wide,
      Buffer.from(wide).swap16(),
      ...inBase64(bytes),
      Buffer.from(hex),
      Buffer.from(hex.toUpperCase()),
    ];
  });
}

/** Every file below a folder; sockets and links are no files. */
export function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** The files that hold a text in any of its forms. */
export function filesThatTell(files: readonly string[], texts: readonly string[]): string[] {
  const forms = texts.flatMap(formsOf);
  return files.filter((file) => {
    const bytes = readFileSync(file);
    return forms.some((form) => bytes.includes(form));
  });
}
