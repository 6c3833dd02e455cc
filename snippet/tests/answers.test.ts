import assert from "node:assert/strict";
import { test } from "node:test";
import { checkLease } from "../src/checkLease";
import { checkMs } from "../src/checkMs";
import { makeClock } from "../src/makeClock";
import { protectedMs } from "../src/protectedMs";
import { wellFormed } from "../src/wellFormed";

const POOL = { number: "+14155550123", national: "(415) 555-0123", lease: "L1", kind: "pool" };

test("a pooled and a static number may be shown", () => {
  assert.deepEqual(checkLease(POOL), { number: "+14155550123", national: "(415) 555-0123", lease: "L1" });
  assert.equal(checkLease({ ...POOL, kind: "static", lease: null })!.lease, "");
});

test("an answer that is not a number, or a pooled one without a lease, leaves the page as it is", () => {
  for (const change of [
    { kind: "original" },
    { kind: "other" },
    { lease: null },
    { number: "<b>" },
    { number: "+1415555O123" },
    { number: "4155550123" },
    { number: null },
  ]) {
    assert.equal(checkLease({ ...POOL, ...change }), null);
  }
});

test("a national form with anything but digits and separators is not used", () => {
  for (const national of ["call now", "<i>1</i>", null, undefined, ""]) {
    assert.equal(checkLease({ ...POOL, national })!.national, "+14155550123");
  }
});

test("a duration that would spin a timer is not used", () => {
  for (const bad of [0, -1, NaN, Infinity, 1e12, "20000", null, undefined]) assert.equal(checkMs(bad, 7), 7);
  assert.equal(checkMs(20_000, 7), 20_000);
});

test("a shown number is ours for one and a half beats and the hold", () => {
  assert.equal(protectedMs("view", 20_000, 120_000), 150_000);
  assert.equal(protectedMs("beat", 60_000, 120_000), 210_000);
});

test("a hidden page's number is ours for five minutes or the hold, a left one's for the hold", () => {
  assert.equal(protectedMs("hide", 20_000, 120_000), 150_000);
  assert.equal(protectedMs("hide", 14_400_000, 120_000), 300_000);
  assert.equal(protectedMs("hide", 14_400_000, 900_000), 900_000);
  assert.equal(protectedMs("leave", 20_000, 120_000), 120_000);
});

test("the clock counts sleep and never steps back", () => {
  let wall = 1_000;
  const clock = makeClock(() => wall);
  assert.equal(clock(), 1_000);
  wall = 9_000;
  assert.equal(clock(), 9_000);
  wall = 5_000; // somebody set the time back
  assert.equal(clock(), 9_000);
  wall = 5_500;
  assert.equal(clock(), 9_500);
});

test("half an emoji is cut from a title", () => {
  assert.equal(wellFormed("Plumber \ud83d\udd27 now"), "Plumber \ud83d\udd27 now");
  assert.equal(wellFormed("Plumber \ud83d"), "Plumber ");
  assert.equal(wellFormed("x".repeat(255) + "\ud83d\udd27"), "x".repeat(255));
});
