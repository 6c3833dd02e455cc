import type { PhoneNumber } from "./parseNumber";
import { replaceNumbers } from "./replaceNumbers";

/** Gives a `tel:` or `sms:` address with what it dials put through `write`, if that is exactly one of `numbers`. */
export function replaceLink(
  href: string,
  numbers: readonly PhoneNumber[],
  pattern: RegExp,
  write: (dialled: string, number: PhoneNumber) => string,
): string {
  return href.replace(/^(\s*(?:tel|sms):)([^;?&,]*)/i, (whole: string, scheme: string, dialled: string) => {
    // Percent signs are dropped as a pair: "tel:(415)%20555-0100" has no digits 2 and 0.
    const digits = dialled.replace(/%[\da-f]{2}|\D/gi, "");
    let address = whole;
    replaceNumbers(digits, numbers, pattern, (found, number) => {
      if (found === digits) address = scheme + write(dialled, number);
      return found;
    });
    return address;
  });
}
