// Digits, a decimal, a fraction, money or another country's code just before.
const PART_OF_LONGER = /\d[-.\u2010-\u2015]?$|(?:^|[^-.\d])\d{1,4}[,/]$|[$\u00a3\u20ac\u00a5]\s?$|\+\d{1,3}[-.()\s]*$/;

const INTERNET_ADDRESS = /^\d{1,3}(?:\.\d{1,3}){3}$/;

/**
 * Whether the digits found at `index` are a phone number by themselves, not a piece of something longer.
 * Digits without any separator also need free borders: "SKU4155550100", "?id=4155550100", "4155550100@x" are not calls.
 * (What may follow is in the pattern; what may precede is here, because Safari before 16.4 fails to read a script that
 * has a look-behind.)
 */
export function standsAlone(text: string, index: number, found: string): boolean {
  const before = text.slice(Math.max(0, index - 9), index);
  if (PART_OF_LONGER.test(before) || INTERNET_ADDRESS.test(found)) return false;
  const after = text.slice(index + found.length);
  return /\D/.test(found) || !(/[\w=#@]-?$/.test(before) || /^(?!x\d|ext)[a-z_@]/i.test(after));
}
