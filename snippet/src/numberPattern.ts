import type { PhoneNumber } from "./parseNumber";

// Between two groups: white space (also nbsp, thin spaces, and the line break and indent of an HTML source), dots,
// slashes, parentheses, bullets, zero-width characters and every dash there is: shorter said by what may not be there.
const GAP = "[^\\w+,:;=#$%&@]{0,20}";

// What may not follow: more digits, at once or after a dash or dot; a short number after a comma or slash ("0100/01"),
// unless that is itself the start of a phone number.
const END = "(?!\\d|[-.\\u2010-\\u2015]\\d|[,/]\\d{1,4}(?![-.\\d]))";

/**
 * A global pattern for the usual ways to write any of these numbers: +1, 1-, 001, (+1), trunk zero, national.
 * North American numbers are grouped 3-3-4 only, so that an address like 202.55.50.100 is not one; others are grouped
 * differently in every town, so a gap may stand between any two of their digits.
 */
export function numberPattern(numbers: readonly PhoneNumber[]): RegExp {
  const ways = numbers.map(({ country, national }) => {
    const american = country === "1";
    const digits = national.split(american ? /(?=.{7}$)|(?=.{4}$)/ : "").join(GAP);
    return `(?:[+(]{0,2}(?:(?:00|011)[\\s-]?)?${country}${GAP})?\\(?${american ? "" : `(?:0${GAP})?`}${digits}${END}`;
  });
  return RegExp(ways.join("|"), "g");
}
