import type { Target } from "./config";
import type { Leased } from "./leased";

/**
 * Writes `number` (E.164) the way the page wrote `target`: digit for digit when it is of the same country and length,
 * else as `national`, or as E.164 where the page wrote the country's code. Letters become digits, the last seven 3-4.
 */
export function formatLike(found: string, [e164, country]: Target, { number, national }: Leased): string {
  const like = found.replace(/^(.*?)(\W*)((?:\w\W?){6}[a-z])$/i, (_, head: string, gap: string, word: string) =>
    head + gap + word.replace(/\W/g, "").replace(/^.../, `$&${/[.]/.exec(gap) || "-"}`),
  );
  const digits = like.replace(/\W/g, "").length;
  const first = country.length + 1;
  if (number.length === e164.length && number.startsWith("+" + country) && digits >= number.length - first) {
    // The digits before the national ones are a country's code or a trunk zero: they stay.
    let at = number.length - digits;
    return like.replace(/\w/g, (digit) => (at++ < first ? digit : number[at - 1]!));
  }
  // "(415-555-0100 daytime)": the parenthesis belongs to the sentence.
  return found.replace(/^(\((?=[^)]*$))?.*/s, `$1${/^\(?(\+|00|011)/.test(found) ? number : national}`);
}
