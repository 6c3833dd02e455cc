import type { Target } from "../src/config";
import patterns from "./patterns.json";

/** As the server would write it into a tag: tests/tag/test_pattern.py keeps patterns.json what dni/tag/pattern.py gives. */
export function target(e164: keyof typeof patterns): Target {
  const [country, pattern] = patterns[e164] as [string, string];
  return [e164, country, pattern];
}
