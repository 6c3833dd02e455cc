import type { PhoneNumber } from "./parseNumber";

/**
 * Writes `number` (E.164) the way the page wrote `target`: digit for digit when it is of the same country and length,
 * else as `national`, or as E.164 where the page wrote the country's code.
 */
export function formatLike(found: string, target: PhoneNumber, number: string, national: string): string {
  if (number.length === target.e164.length && number.startsWith("+" + target.country)) {
    // The digits before the national ones are a country's code or a trunk zero: they stay.
    let at = number.length - found.replace(/\D/g, "").length;
    const first = number.length - target.national.length;
    return found.replace(/\d/g, (digit) => (at++ < first ? digit : number[at - 1]!));
  }
  // "(415-555-0100 daytime)": the parenthesis belongs to the sentence.
  return found.replace(/^(\((?=[^)]*$))?.*/s, `$1${/^\(?(\+|00|011)/.test(found) ? number : national}`);
}
