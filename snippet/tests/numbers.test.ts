import assert from "node:assert/strict";
import { test } from "node:test";
import { formatLike } from "../src/formatLike";
import { numberPattern } from "../src/numberPattern";
import { parseNumber } from "../src/parseNumber";
import { replaceNumbers } from "../src/replaceNumbers";

const numbers = ["+14155550100", "+12025550100", "+442079460123"].map((number) => parseNumber(number)!);
const pattern = numberPattern(numbers);
const shown: Record<string, [string, string]> = {
  "+14155550100": ["+14155550123", "(415) 555-0123"],
  "+12025550100": ["+12125550199", "(212) 555-0199"],
  "+442079460123": ["+442079460987", "020 7946 0987"],
};
const swap = (text: string): string =>
  replaceNumbers(text, numbers, pattern, (found, target) => formatLike(found, target, ...shown[target.e164]!));

const WRITTEN: [string, string][] = [
  ["4155550100", "4155550123"],
  ["+14155550100", "+14155550123"],
  ["14155550100", "14155550123"],
  ["+1 415 555 0100", "+1 415 555 0123"],
  ["+1-415-555-0100", "+1-415-555-0123"],
  ["1-415-555-0100", "1-415-555-0123"],
  ["001 415 555 0100", "001 415 555 0123"],
  ["011 1 415 555 0100", "011 1 415 555 0123"],
  ["(+1) 415 555 0100", "(+1) 415 555 0123"],
  ["1 (415) 555-0100", "1 (415) 555-0123"],
  ["(415) 555-0100", "(415) 555-0123"],
  ["(415)555-0100", "(415)555-0123"],
  ["( 415 ) 555 - 0100", "( 415 ) 555 - 0123"],
  ["415.555.0100", "415.555.0123"],
  ["415/555/0100", "415/555/0123"],
  ["415/555-0100", "415/555-0123"],
  ["415 5550100", "415 5550123"],
  ["415\u00a0555\u00a00100", "415\u00a0555\u00a00123"],
  ["415\u2009555\u202f0100", "415\u2009555\u202f0123"],
  ["415\u2010555\u20110100", "415\u2010555\u20110123"],
  ["415\u2013555\u20140100", "415\u2013555\u20140123"],
  ["415\u2212555\uff0d0100", "415\u2212555\uff0d0123"],
  ["415\u00b7555\u20220100", "415\u00b7555\u20220123"],
  ["415\u200b555\u00ad0100", "415\u200b555\u00ad0123"],
  ["(415)\n        555-0100", "(415)\n        555-0123"],
  ["Call (415) 555-0100!", "Call (415) 555-0123!"],
  ["(call 415-555-0100)", "(call 415-555-0123)"],
  ["T 415.555.0100", "T 415.555.0123"],
  ["T415.555.0100", "T415.555.0123"],
  ["Tel:+14155550100", "Tel:+14155550123"],
  ["\u96fb\u8a714155550100", "\u96fb\u8a714155550123"],
  ["415-555-0100 x12", "415-555-0100 x12".replace("0100", "0123")],
  ["4155550100x12", "4155550123x12"],
  ["4155550100ext. 5", "4155550123ext. 5"],
  ["Open 24/7 415-555-0100", "Open 24/7 415-555-0123"],
  ["415-555-0100 24/7", "415-555-0123 24/7"],
  ["Suite 100 (415) 555-0100", "Suite 100 (415) 555-0123"],
  ["Fax 415-555-0177, phone 415-555-0100.", "Fax 415-555-0177, phone 415-555-0123."],
  ["415-555-0177/415-555-0100", "415-555-0177/415-555-0123"],
  ["415-555-0100/415-555-0177", "415-555-0123/415-555-0177"],
  ["415-555-0100,415-555-0100", "415-555-0123,415-555-0123"],
  ["415-555-0100 or 202-555-0100", "415-555-0123 or 212-555-0199"],
  ["415-555-0100. 24 hours", "415-555-0123. 24 hours"],
  ["+44 20 7946 0123", "+44 20 7946 0987"],
  ["+44 (0)20 7946 0123", "+44 (0)20 7946 0987"],
  ["0044 20 7946 0123", "0044 20 7946 0987"],
  ["020 7946 0123", "020 7946 0987"],
  ["(020) 7946-0123", "(020) 7946-0987"],
  ["02079460123", "02079460987"],
];

const TRAPS = [
  "415-555-0177", // another number
  "94155550100",
  "41555501009",
  "0415 555 0100",
  "2-415-555-0100",
  "415-555-0100-7",
  "415.555.0100.9",
  "+33 415 555 0100",
  "+44 (415) 555-0100",
  "202.55.50.100", // an internet address with a target's digits
  "20.255.50.100",
  "2025-55-01 00",
  "20255-50100", // a postal code
  "$4155550100",
  "$ 415.555.0100",
  "\u20ac4155550100",
  "4,155,550,100",
  "0.4155550100",
  "4155550100.00",
  "4155550100,00",
  "415-555-0100/01",
  "SKU4155550100",
  "SKU-4155550100",
  "id_4155550100",
  "https://example.com/?id=4155550100",
  "4155550100@example.com",
  "Invoice #4155550100",
  "3f4155550100ab",
  "550e8400-e29b-41d4-a716-4155550100ab",
  "415, 555, 0100",
  "415:555:0100",
  "415 + 555 + 0100",
  "4111 4155 5501 00",
  "207.94.60.123",
];

for (const [written, expected] of WRITTEN) {
  test(`a target written ${JSON.stringify(written)} is swapped digit for digit`, () => {
    assert.equal(swap(written), expected);
  });
}

for (const trap of TRAPS) {
  test(`${JSON.stringify(trap)} stays`, () => assert.equal(swap(trap), trap));
}

test("what was swapped is not swapped again", () => {
  for (const [written] of WRITTEN) assert.equal(swap(swap(written)), swap(written));
});

test("a number of another length or country is written as national, or as E.164 where the page has a country's code", () => {
  const us = numbers[0]!;
  const other = (found: string): string => formatLike(found, us, "+442079460987", "020 7946 0987");
  assert.equal(other("(415) 555-0100"), "020 7946 0987");
  assert.equal(other("1-415-555-0100"), "020 7946 0987");
  assert.equal(other("+1 (415) 555-0100"), "+442079460987");
  assert.equal(other("001 415 555 0100"), "+442079460987");
  assert.equal(other("(415-555-0100"), "(020 7946 0987");
});

test("a long run of white space costs no time", () => {
  const started = performance.now();
  swap(`415${" ".repeat(200_000)}555${"4155550100 ".repeat(2_000)}`);
  assert.ok(performance.now() - started < 500);
});

test("only E.164 is a number", () => {
  assert.deepEqual(parseNumber("+14155550100"), { e164: "+14155550100", country: "1", national: "4155550100" });
  assert.deepEqual(parseNumber("+35312345678"), { e164: "+35312345678", country: "353", national: "12345678" });
  assert.equal(parseNumber("+442079460123")!.country, "44");
  for (const bad of ["4155550100", "+04155550100", "+1 415 555 0100", "+1", "", null, undefined, {}, 14155550100]) {
    assert.equal(parseNumber(bad), null);
  }
});
