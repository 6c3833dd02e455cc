import assert from "node:assert/strict";
import { test } from "node:test";
import { checkId } from "../src/checkId";
import { cookieDomains } from "../src/cookieDomains";
import { formatIds } from "../src/formatIds";
import { parseIds } from "../src/parseIds";

const NOW = 1_760_000_000_000;
const MINUTE = 60_000;

test("the widest domain is tried first, this host alone last", () => {
  assert.deepEqual(cookieDomains("www.shop.example.com"), ["example.com", "shop.example.com", "www.shop.example.com", ""]);
  assert.deepEqual(cookieDomains("example.com"), ["example.com", ""]);
  assert.deepEqual(cookieDomains("www.example.co.uk"), ["co.uk", "example.co.uk", "www.example.co.uk", ""]);
});

test("an address or a single label has this host alone", () => {
  for (const host of ["localhost", "127.0.0.1", "[::1]", "10.0.0.255"]) assert.deepEqual(cookieDomains(host), [""]);
});

test("ids come back as written", () => {
  const ids = { visitor: "v-1_A", session: "s_2-B" };
  assert.deepEqual(parseIds(formatIds(ids, NOW), NOW + MINUTE), ids);
  assert.deepEqual(parseIds(formatIds({ visitor: "v", session: null }, NOW), NOW), { visitor: "v", session: null });
});

test("a session ends after 30 minutes without activity, the visitor does not", () => {
  const stored = formatIds({ visitor: "v", session: "s" }, NOW);
  assert.equal(parseIds(stored, NOW + 30 * MINUTE - 1).session, "s");
  assert.deepEqual(parseIds(stored, NOW + 30 * MINUTE), { visitor: "v", session: null });
});

test("what is not ours is nobody", () => {
  for (const stored of ["", "x", "a.b", "a.b.c", "a b.c.1", "a.b.1.2", ".b.1", "a.b.-1"]) {
    assert.deepEqual(parseIds(stored, NOW), { visitor: null, session: null });
  }
});

test("an id that a cookie cannot hold is refused", () => {
  assert.equal(checkId("aZ09_-"), "aZ09_-");
  for (const bad of ["", "a;b", "a.b", "a b", "\u00e9", null, 7, ["a"]]) assert.equal(checkId(bad), null);
});
