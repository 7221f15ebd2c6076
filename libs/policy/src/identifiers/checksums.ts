// Check digits of card numbers and national identifiers. Each takes digits alone (the caller has checked that) and says whether
// they agree. None says that the number was ever given to anybody.

const digitsOf = (text: string): number[] => Array.from(text, Number);

const weighted = (digits: readonly number[], weights: readonly number[]): number =>
  weights.reduce((sum, weight, at) => sum + weight * (digits[at] ?? 0), 0);

/** ISO/IEC 7812-1 annex B: payment cards, South African identity numbers, Swedish personnummer. */
export const holdsLuhn = (text: string): boolean => {
  let sum = 0;
  for (let at = 0; at < text.length; at += 1) {
    const digit = Number(text[text.length - 1 - at]);
    const doubled = at % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
};

const DIHEDRAL = [
  '0123456789',
  '1234067895',
  '2340178956',
  '3401289567',
  '4012395678',
  '5987604321',
  '6598710432',
  '7659821043',
  '8765932104',
  '9876543210',
] as const;

const PERMUTED = [
  '0123456789',
  '1576283094',
  '5803796142',
  '8916043527',
  '9453126870',
  '4286573901',
  '2793806415',
  '7046913258',
] as const;

/** Verhoeff's dihedral check: Aadhaar. */
export const holdsVerhoeff = (text: string): boolean => {
  let check = 0;
  for (let at = 0; at < text.length; at += 1) {
    const digit = Number(text[text.length - 1 - at]);
    const permuted = Number(PERMUTED[at % 8]?.[digit]);
    check = Number(DIHEDRAL[check]?.[permuted]);
  }
  return check === 0;
};

/** Ten digits of the NHS in England, Wales and the Isle of Man: weights 10 to 2, modulo 11, 10 is never given. */
export const holdsNhs = (text: string): boolean => {
  const digits = digitsOf(text);
  const check = 11 - (weighted(digits, [10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11);
  return check !== 10 && (check === 11 ? 0 : check) === digits[9];
};

/** Thirteen digits and a key of two: 97 less the remainder. A department of Corsica is `2A` or `2B`. */
export const holdsNir = (text: string): boolean => {
  const number = text.slice(0, 13).replace('2A', '19').replace('2B', '18');
  return 97 - (Number(number) % 97) === Number(text.slice(13));
};

/** Dutch eleven-test: the last digit counts minus one. */
export const holdsBsn = (text: string): boolean =>
  weighted(digitsOf(text), [9, 8, 7, 6, 5, 4, 3, 2, -1]) % 11 === 0 && !/^0+$/.test(text);

/** Two check digits modulo 11; eleven like digits agree and are never given. */
export const holdsCpf = (text: string): boolean => {
  const digits = digitsOf(text);
  const check = (count: number): number => {
    const sum = digits.slice(0, count).reduce((total, digit, at) => total + digit * (count + 1 - at), 0);
    return ((sum * 10) % 11) % 10;
  };
  return !/^(\d)\1+$/.test(text) && check(9) === digits[9] && check(10) === digits[10];
};

const DNI_LETTERS = 'TRWAGMYFPDXBNJZSQVHLCKE';

/** Spanish DNI, and NIE with its X, Y or Z for 0, 1 or 2. */
export const holdsDni = (text: string): boolean => {
  const upper = text.toUpperCase();
  const number = upper.slice(0, -1).replace('X', '0').replace('Y', '1').replace('Z', '2');
  return DNI_LETTERS[Number(number) % 23] === upper.at(-1);
};

/** ISO/IEC 7064 MOD 11,10, and one digit among the first ten that stands there two or three times: German tax number. */
export const holdsSteuerId = (text: string): boolean => {
  const counts = digitsOf(text.slice(0, 10)).reduce<Record<number, number>>(
    (seen, digit) => ({ ...seen, [digit]: (seen[digit] ?? 0) + 1 }),
    {},
  );
  const repeated = Object.values(counts).filter((count) => count > 1);
  if (repeated.length !== 1 || (repeated[0] ?? 0) > 3) return false;
  let product = 10;
  for (const digit of digitsOf(text.slice(0, 10))) {
    const sum = (digit + product) % 10 || 10;
    product = (sum * 2) % 11;
  }
  return (11 - product) % 10 === Number(text[10]);
};

/** German health insurance: the letter as two digits, weights 1 and 2 in turn, digit sums, modulo 10. */
export const holdsKvnr = (text: string): boolean => {
  const letter = String(text.toUpperCase().charCodeAt(0) - 64).padStart(2, '0');
  const sum = digitsOf(letter + text.slice(1, 9)).reduce((total, digit, at) => {
    const product = at % 2 === 1 ? digit * 2 : digit;
    return total + (product > 9 ? product - 9 : product);
  }, 0);
  return sum % 10 === Number(text[9]);
};

export const holdsPesel = (text: string): boolean =>
  weighted(digitsOf(text), [1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]) % 10 === 0;

/** Portuguese tax number: weights 9 to 2, modulo 11. */
export const holdsNif = (text: string): boolean => {
  const digits = digitsOf(text);
  const check = 11 - (weighted(digits, [9, 8, 7, 6, 5, 4, 3, 2]) % 11);
  return (check > 9 ? 0 : check) === digits[8];
};

/** Belgian national number: 97 less the remainder; a 2 goes before for who was born from 2000 on. */
export const holdsBelgian = (text: string): boolean => {
  const key = Number(text.slice(9));
  return [text.slice(0, 9), `2${text.slice(0, 9)}`].some((number) => 97 - (Number(number) % 97) === key);
};

const FINNISH = '0123456789ABCDEFHJKLMNPRSTUVWXY';

/** Finnish identity code: birth date and number, modulo 31. */
export const holdsHetu = (text: string): boolean =>
  FINNISH[Number(text.slice(0, 6) + text.slice(7, 10)) % 31] === text.at(-1)?.toUpperCase();

/** Of the codice fiscale's odd places, in the order of 0 to 9 and of A to Z alike up to J. */
const ITALIAN_ODD = [
  1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23,
] as const;

export const holdsCodiceFiscale = (text: string): boolean => {
  const upper = text.toUpperCase();
  let sum = 0;
  for (let at = 0; at < 15; at += 1) {
    const code = upper.charCodeAt(at);
    const value = code < 65 ? code - 48 : code - 65;
    sum += at % 2 === 0 ? (ITALIAN_ODD[value] ?? 0) : value;
  }
  return String.fromCharCode(65 + (sum % 26)) === upper[15];
};
