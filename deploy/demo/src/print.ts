import { styleText } from 'node:util';

const began = performance.now();
const isTty = process.stdout.isTTY;
const styled = (style: Parameters<typeof styleText>[0], text: string): string =>
  isTty ? styleText(style, text) : text;

const at = (): string => styled('dim', `${((performance.now() - began) / 1000).toFixed(1).padStart(5)} s`);

export const heading = (text: string): void => console.log(`\n${styled('bold', text)}`);
export const line = (text: string): void => console.log(`${at()}  ${text}`);
export const good = (text: string): void => line(`${styled('green', '✓')} ${text}`);
export const bad = (text: string): void => line(`${styled('red', '✗')} ${text}`);
/** What a person at a hospital types. */
export const typed = (site: string, text: string): void => line(`${styled('cyan', `${site} $`)} ${text}`);
export const note = (text: string): void => console.log(`         ${styled('dim', text)}`);
