import assert from "node:assert/strict";
import { test } from "node:test";
import { makeFinder } from "../src/makeFinder";
import { target } from "./targets";
import written from "./written.json";

const CALL = target("+14155550100");
const targets = [CALL, target("+442079460123")];
const find = makeFinder(targets);

function words(text: string): string[] {
  return find(text)
    .sort(([one], [other]) => one - other)
    .map(([at, word]) => {
      assert.equal(text.slice(at, at + word.length), word);
      return word;
    });
}

for (const [e164, { found, stays }] of Object.entries(written)) {
  const one = makeFinder([target(e164 as keyof typeof written)]);

  test(`${e164} is found as Python finds it`, () => {
    for (const text of found) assert.deepEqual(one(text).map(([, word]) => word), [text]);
    for (const text of stays) assert.deepEqual(one(text), [], text);
  });
}

for (const [text, ...expected] of [
  ["Call (415) 555-0100!", "(415) 555-0100"],
  ["Open 24/7 415-555-0100", "415-555-0100"],
  ["415-555-0100 24/7", "415-555-0100"],
  ["Suite 100 (415) 555-0100", "(415) 555-0100"],
  ["T415.555.0100", "415.555.0100"],
  ["4155550100x12", "4155550100"],
  ["4155550100ext. 5", "4155550100"],
  ["\u96fb\u8a714155550100", "4155550100"],
  ["415-555-0177/415-555-0100", "415-555-0100"],
  ["415-555-0100/415-555-0177", "415-555-0100"],
  ["415-555-0100,415-555-0100", "415-555-0100", "415-555-0100"],
  ["415-555-0100 or 020 7946 0123", "415-555-0100", "020 7946 0123"],
] as const) {
  test(`in ${JSON.stringify(text)} it is found`, () => assert.deepEqual(words(text), expected));
}

for (const text of [
  "94155550100",
  "0415 555 0100",
  "2-415-555-0100",
  "+33 415 555 0100",
  "+44 (415) 555-0100",
  "$4155550100",
  "$ 415.555.0100",
  "\u20ac4155550100",
  "4155550100 EUR",
  "4155550100 \u20ac",
  "0.4155550100",
  "SKU4155550100",
  "SKU-4155550100",
  "id_4155550100",
  "https://example.com/?id=4155550100",
  "https://example.com/p/415-555-0100",
  "Invoice #4155550100",
  "550e8400-e29b-41d4-a716-4155550100ab",
]) {
  test(`${JSON.stringify(text)} is none`, () => assert.deepEqual(words(text), []));
}

test("which target it is", () => {
  assert.deepEqual(
    find("020 7946 0123, 415-555-0100")
      .map(([, word, [e164]]) => [word, e164])
      .sort(),
    [
      ["020 7946 0123", "+442079460123"],
      ["415-555-0100", "+14155550100"],
    ],
  );
});

test("a long page costs no time", () => {
  const started = performance.now();
  find(`415${" ".repeat(200_000)}555${"4155550100 ".repeat(2_000)}${"+1 (".repeat(20_000)}`);
  assert.ok(performance.now() - started < 500);
});
