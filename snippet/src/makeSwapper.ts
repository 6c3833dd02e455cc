import type { Leased } from "./checkLease";
import { formatLike } from "./formatLike";
import { numberPattern } from "./numberPattern";
import type { PhoneNumber } from "./parseNumber";
import { replaceLink } from "./replaceLink";
import { replaceNumbers } from "./replaceNumbers";

/** What stands in one text node, or in the href of one link: both are nodes that carry their text as nodeValue. */
interface Place {
  readonly original: string;
  /** What we left there; when something else stands there now, the page has changed it. */
  shown: string;
  readonly targets: string[];
}

const LINKS = "[href^=tel i],[href^=sms i]";
const SKIPPED = "script,style,noscript,textarea,[data-dni=off],[contenteditable]:not([contenteditable=false])";

/** Finds the targets in the page's text and links, and shows other numbers there or puts the originals back. */
export function makeSwapper(targets: readonly PhoneNumber[]) {
  const pattern = numberPattern(targets);
  const places = new Map<Node, Place>();

  function rewrite(node: Node, text: string, write: (found: string, target: PhoneNumber) => string): string {
    return (node.nodeType === 3 ? replaceNumbers : replaceLink)(text, targets, pattern, write);
  }

  function look(node: Node): void {
    const text = node.nodeValue!;
    const known = places.get(node);
    if (known && known.shown === text) return;
    places.delete(node);
    const found: string[] = [];
    rewrite(node, text, (written, target) => {
      found.push(target.e164);
      return written;
    });
    if (found[0] && !(node.parentElement || (node as Attr).ownerElement!).closest(SKIPPED)) {
      places.set(node, { original: text, shown: text, targets: found });
    }
  }

  return {
    /** Looks through the page; gives the targets that it holds, each once. */
    find(): string[] {
      const walker = document.createTreeWalker(document.body, 4); // 4: text nodes
      while (walker.nextNode()) look(walker.currentNode);
      document.querySelectorAll(LINKS).forEach((link) => look(link.getAttributeNode("href")!));
      const found = new Set<string>();
      places.forEach((place) => place.targets.forEach(found.add, found));
      return [...found];
    },

    /** Shows these numbers (by target), and the original of every other target. What the page changed is left alone. */
    show(numbers: Readonly<Record<string, Leased>>): void {
      places.forEach((place, node) => {
        const text = rewrite(node, place.original, (found, target) => {
          const leased = numbers[target.e164];
          if (!leased) return found;
          return node.nodeType === 3 ? formatLike(found, target, leased.number, leased.national) : leased.number;
        });
        // Written only when it differs, so that the page's own observers see no change where there is none.
        if (node.nodeValue === place.shown && text !== place.shown) node.nodeValue = place.shown = text;
      });
    },

    /** The target that this link's address stood for, or "". */
    targetOf(link: Element): string {
      const href = link.getAttributeNode("href")!;
      const place = places.get(href);
      return place && place.shown === href.value ? place.targets[0]! : "";
    },

    /** How many places hold a target, how many of them show another number, and in how many the page put that away. */
    count(): { found: number; swapped: number; reverted: number } {
      let swapped = 0;
      let reverted = 0;
      places.forEach(({ shown, original }, node) => {
        if (node.nodeValue !== shown) reverted++;
        else if (shown !== original) swapped++;
      });
      return { found: places.size, swapped, reverted };
    },
  };
}
