import type { Target } from "./config";

/** Where a text writes a target, and how. */
export type Hit<T extends Target> = readonly [at: number, word: string, target: T];

// What may not stand just before: digits, a decimal, a fraction, money, another country's code, an address of the web.
const LONGER =
  /(\d[-.(\u2010-\u2013]?|(^|[^-.)\d\s]|(^|[^-.)\d])\s)\d{1,4}[,/]|(^|[^\d\s])\s*\p{Sc}\s?(1\W?)?\(?|\+|(\+|(^|[^\d,.:])0(0|11)[-\s]*)\d{1,3}[-.()\s]*\d?[-.()\s]*|(\.\w+\/|\/\/)\S*|@[\w.-]*)$/u;
// What may not follow: more digits; a short number after a comma or slash ("0100/01"); an e-mail address; letters of a code.
const LASTS = /^(\d|[-.\u2010-\u2013]\d|[,/]\d{1,4}(?!\W{0,2}\d)|[.\w-]*@|-[A-Z]{1,2}\d*\b)/;
// Digits without any separator need free borders: "SKU4155550100", "Code 4155550100", "?id=4155550100", "4155550100-B",
// "4155550100.example", "4155550100 EUR" are not calls.
const JOINED = /([\w=#@]-?|\b(eur|usd|gbp|code|sku|id|ref|item|part)\W{1,3})$/i;
const GOES_ON = /^(?!x\d|ext)([A-Za-z_]|[-.,]?\d|[-.][a-z]|-[A-Z]|\s?((EUR|USD|GBP|eur|usd|gbp)\b|\p{Sc}(?!\d)))/u;

/** Gives a function that finds the targets in a text, the last one first. `borders`: where elements begin or end in it. */
export function makeFinder<T extends Target>(targets: readonly T[]): (text: string, borders?: readonly number[]) => Hit<T>[] {
  // Whether a target's digits are there at all is soon seen; few texts then need its pattern, or one that knows letters.
  const known = targets.map((target) => {
    const [e164, country, source] = target;
    return { target_: target, source_: source, national_: /[A-Z]/.test(source) ? "" : e164.slice(1 + country.length) };
  });
  // Made when it is needed: a browser takes a while to read one. Many targets have the same.
  const patterns: Record<string, RegExp> = {};
  return (text, borders = []) => {
    const hits: Hit<T>[] = [];
    const digits = text.replace(/\D+/g, "");
    for (const one of digits[2] ? known : []) {
      if (!digits.includes(one.national_)) continue;
      const pattern = (patterns[one.source_] ||= RegExp(one.source_, "g"));
      pattern.lastIndex = 0;
      for (let match; (match = pattern.exec(text)); ) {
        const { index, 0: word } = match;
        const end = index + word.length;
        let before = text.slice(Math.max(0, index - 99), index).replace(/.*u002b$/i, ""); // JSON may write a plus as an escape
        let after = text.slice(end, end + 40);
        // An element that begins or ends parts two numbers that stand side by side, but not a number that is itself in
        // several, nor what a sign joins.
        if (!borders.some((at) => at > index && at < end)) {
          if (borders.includes(index) && /\w$/.test(before)) before += " ";
          if (borders.includes(end) && /^\w/.test(after)) after = " " + after;
        }
        const joined = LASTS.test(after) || (!/\D/.test(word) && (JOINED.test(before) || GOES_ON.test(after)));
        if (!joined && !LONGER.test(before) && word.replace(/\D/g, "").endsWith(one.national_)) hits.push([index, word, one.target_]);
        // "2024-05-01 415-555-0100": the 1 was not its country.
        else pattern.lastIndex = index + 1;
      }
    }
    return hits.sort((one, other) => other[0] - one[0]);
  };
}
