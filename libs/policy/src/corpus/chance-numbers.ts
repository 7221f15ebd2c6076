import type { IdentifierKind } from '@openward/contracts';
import { fold } from '../fold.ts';
import { finderOf } from '../identifiers/index.ts';
import { NO_SITE_TERMS } from '../model.ts';
import { type Chance, chanceOf } from './chance.ts';
import { padded } from './specimen.ts';

// Numbers of laboratories, stores and devices, drawn at random and with no word before: how often check digits agree by chance.

const date = (chance: Chance): string => padded(chance.below(28) + 1) + padded(chance.below(12) + 1);

const SHAPES: readonly (readonly [name: string, draw: (chance: Chance) => string])[] = [
  ...[8, 9, 10, 11, 12, 13, 14, 15, 16, 19].map(
    (count) => [`${count} digits`, (chance: Chance) => chance.digits(count)] as const,
  ),
  ['4 groups of 4 digits', (chance) => [4, 4, 4, 4].map((count) => chance.digits(count)).join(' ')],
  ['a date of 6 digits, `-`, 4 digits', (chance) => `24${date(chance)}-${chance.digits(4)}`],
  ['a date of 8 digits and 8 more', (chance) => `2024${date(chance)}${chance.digits(8)}`],
  ['a letter and 9 digits', (chance) => `${chance.of(['A', 'B', 'S', 'X'])}${chance.digits(9)}`],
  ['8 digits and a letter', (chance) => `${chance.digits(8)}${chance.of(['A', 'B', 'S', 'Z'])}`],
];

const KINDS = ['phone', 'cardNumber', 'nationalId'] as const satisfies readonly IdentifierKind[];
const EACH = 2_000;

export const chanceTable = (seed: number, today: string): string => {
  const rows = SHAPES.map(([name, draw], index) => {
    const chance = chanceOf(seed * 2_000 + index);
    const texts = Array.from({ length: EACH }, () => fold(`Ref ${draw(chance)}, reviewed.`, { today, language: 'en' }));
    const hits = KINDS.map((kind) => {
      const finder = finderOf(kind, NO_SITE_TERMS);
      return 'refused' in finder ? EACH : texts.filter((text) => finder.find(text).length > 0).length;
    });
    return `| ${name} | ${hits.map((count) => `${((count / EACH) * 100).toFixed(1)} %`).join(' | ')} |`;
  });
  return [
    `| ${EACH.toLocaleString('en')} numbers of | ${KINDS.map((kind) => `\`${kind}\``).join(' | ')} |`,
    `|---|${KINDS.map(() => '---:').join('|')}|`,
    ...rows,
  ].join('\n');
};
