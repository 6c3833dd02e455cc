import type { PhoneNumber } from "./parseNumber";
import { standsAlone } from "./standsAlone";

/** Gives `text` with every place that writes one of `numbers` put through `write`; `pattern` is theirs. */
export function replaceNumbers(
  text: string,
  numbers: readonly PhoneNumber[],
  pattern: RegExp,
  write: (found: string, number: PhoneNumber) => string,
): string {
  return text.replace(pattern, (found: string, index: number) => {
    const digits = found.replace(/\D/g, "");
    const number = numbers.find(({ national }) => digits.endsWith(national));
    return number && standsAlone(text, index, found) ? write(found, number) : found;
  });
}
