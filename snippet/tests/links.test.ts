import assert from "node:assert/strict";
import { test } from "node:test";
import { numberPattern } from "../src/numberPattern";
import { parseNumber } from "../src/parseNumber";
import { replaceLink } from "../src/replaceLink";

const numbers = ["+14155550100", "+442079460123"].map((number) => parseNumber(number)!);
const pattern = numberPattern(numbers);
const swap = (href: string): string => replaceLink(href, numbers, pattern, () => "+14155550123");

const SWAPPED: [string, string][] = [
  ["tel:+14155550100", "tel:+14155550123"],
  ["TEL:4155550100", "TEL:+14155550123"],
  ["tel:1-415-555-0100", "tel:+14155550123"],
  ["tel:+1(415)555.0100", "tel:+14155550123"],
  ["tel:(415)%20555-0100", "tel:+14155550123"],
  ["tel:%2B14155550100", "tel:+14155550123"],
  ["tel://4155550100", "tel:+14155550123"],
  ["tel: +1 415 555 0100", "tel:+14155550123"],
  ["tel:0014155550100", "tel:+14155550123"],
  ["tel:+14155550100;ext=5", "tel:+14155550123;ext=5"],
  ["tel:+14155550100,,5", "tel:+14155550123,,5"],
  ["sms:+14155550100?body=Hi%204155550100", "sms:+14155550123?body=Hi%204155550100"],
  ["sms:4155550100&body=Hi", "sms:+14155550123&body=Hi"],
  ["tel:02079460123", "tel:+14155550123"],
];

for (const [href, expected] of SWAPPED) {
  test(`${href} is swapped`, () => assert.equal(swap(href), expected));
}

for (const href of [
  "tel:+14155550177",
  "tel:94155550100",
  "tel:41555501005",
  "tel:555-0100",
  "tel:",
  "tel:%E0%A4%A",
  "https://example.com/4155550100",
  "mailto:4155550100@example.com",
  "telnet:4155550100",
]) {
  test(`${href} stays`, () => assert.equal(swap(href), href));
}
