import assert from "node:assert/strict";
import { test } from "node:test";
import { makeClock } from "../src/makeClock";

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
