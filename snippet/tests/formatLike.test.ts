import assert from "node:assert/strict";
import { test } from "node:test";
import { formatLike } from "../src/formatLike";
import type { Leased } from "../src/leased";
import { target } from "./targets";

const leased = (number: string, national: string): Leased => ({
  kind: "static",
  number,
  national,
  lease: null,
  reason: null,
  protected_ms: 0,
  retry_ms: null,
});
const AMERICAN = leased("+12125550187", "(212) 555-0187");
const BRITISH = leased("+442079460987", "020 7946 0987");

for (const [e164, shown, found, expected] of [
  ["+14155550100", AMERICAN, "4155550100", "2125550187"],
  ["+14155550100", AMERICAN, "+14155550100", "+12125550187"],
  ["+14155550100", AMERICAN, "(415)\u00a0555\u20110100", "(212)\u00a0555\u20110187"],
  ["+14155550100", AMERICAN, "(+1) 415.555.0100", "(+1) 212.555.0187"],
  ["+14155550100", AMERICAN, "001 415 555 0100", "001 212 555 0187"],
  ["+14155550100", AMERICAN, "011 1 415 555 0100", "011 1 212 555 0187"],
  ["+18003569377", AMERICAN, "1-800-FLOWERS", "1-212-555-0187"],
  ["+18003569377", AMERICAN, "1 800 FLOWERS", "1 212 555-0187"],
  ["+18003569377", AMERICAN, "1.800.FLO.WERS", "1.212.555.0187"],
  ["+18003569377", AMERICAN, "(800) flo-wers", "(212) 555-0187"],
  ["+18003569377", AMERICAN, "1800FLOWERS", "1212555-0187"],
  ["+442079460123", BRITISH, "+44 (0)20 7946 0123", "+44 (0)20 7946 0987"],
  ["+442079460123", BRITISH, "0044 20 7946 0123", "0044 20 7946 0987"],
  ["+442079460123", BRITISH, "020 7946 0123", "020 7946 0987"],
  ["+442079460123", BRITISH, "(020) 7946-0123", "(020) 7946-0987"],
] as const) {
  test(`${found} becomes ${expected}`, () => assert.equal(formatLike(found, target(e164), shown), expected));
}

for (const [found, expected] of [
  ["(415) 555-0100", "020 7946 0987"],
  ["1-415-555-0100", "020 7946 0987"],
  ["+1 (415) 555-0100", "+442079460987"],
  ["(+1) 415 555 0100", "+442079460987"],
  ["001 415 555 0100", "+442079460987"],
  ["(415-555-0100", "(020 7946 0987"],
] as const) {
  test(`${found} becomes a number of another country, ${expected}`, () => {
    assert.equal(formatLike(found, target("+14155550100"), BRITISH), expected);
  });
}
