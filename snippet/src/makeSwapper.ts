import type { Options, Target } from "./config";
import { formatLike } from "./formatLike";
import type { Numbers } from "./leased";
import { makeFinder, type Hit } from "./makeFinder";
import { safely } from "./safely";

/** What stands in one text node or attribute: both carry their text as nodeValue. */
interface Place {
  original_: string;
  /** What we left there; when something else stands there now, the page has changed it. */
  shown_: string;
  /** How often the page put away what we showed. */
  fights_: number;
  /** 1 where a number begins, 2 where it is another one now; 0 where only the rest of one stands. */
  counts_: number;
  /** The target of a link. */
  target_?: string;
}

const MOST_FIGHTS = 5;

// Elements within a line of text: a number may be split over them.
const INLINE = /^(a|abbr|b|bd[io]|big|cite|code|data|em|font|i|ins|kbd|label|mark|q|s|samp|small|span|strong|su[bp]|time|tt|u|var|wbr|#text|#comment)$/i;
const SKIPPED =
  "script,style,noscript,textarea,title,[data-dni=off],[contenteditable]:not([contenteditable=false]),.CodeMirror,.cm-editor,.monaco-editor,.ace_editor";

// What a link dials, and what structured data says: head and number.
const LINK =
  /^(\s*(?:tel|sms|imessage):(?:\/\/)?|https?:\/\/wa\.me\/|(?=.*whatsapp)\w+:.*[?&]phone=)([^;?&,#]*?)(?=\s*(?:x|ext\W*)\d+$|\/?[;?&,#]|\/?$)/i;
const BORDER = "\ufeff"; // where an element begins or ends within a line: "24" and "415-555-0100" side by side are two numbers
const STRUCTURED = /("telephone"\s*:\s*)("[^"]*|\[[^\]]*)/g;

/**
 * Finds the targets in the page's text, links and attributes, also in what is added later, and shows other numbers there
 * or puts the originals back. While `held`, what is added waits for the next `show_`. `changed` is called after each change.
 */
export function makeSwapper(targets: readonly Target[], options: Options, held: () => boolean, changed: () => void) {
  const find = makeFinder(targets);
  const places = new Map<Node, Place>();
  // What we show somewhere -> what stood there: a copy that the page made of it is known again.
  const twins = new Map<string, string>();
  const found = new Set<string>();
  const names = ["href", ...(options.attributes || [])];
  let numbers: Numbers = {};
  let looked = false; // at the whole page

  // The line that is being gathered: its text, its nodes with where they begin; and roots met on the way.
  let text = "";
  let nodes: [node: Node, start: number][] = [];
  let roots: Node[] = [];

  // A selector may be wrong, and a form's field may be named "matches".
  const matches = safely((element: Element, css: string) => Element.prototype.matches.call(element, css));
  const closest = safely((element: Element, css: string) => element.closest(css));
  const isInline = (node: Node | null): boolean => !!node && INLINE.test(node.nodeName);

  function written(word: string, target: Target): string {
    const [e164] = target;
    found.add(e164);
    return numbers[e164] ? formatLike(word, target, numbers[e164]) : word;
  }

  function original(node: Node): string {
    const place = places.get(node);
    const value = node.nodeValue!;
    return place ? (place.shown_ === value ? place.original_ : value) : twins.get(value) || value;
  }

  function put(node: Node, value: string, counts: number): Place {
    const now = original(node);
    const place = places.get(node) || { original_: now, shown_: now, fights_: 0, counts_: 0 };
    places.set(node, place);
    place.counts_ = counts;
    if (place.shown_ !== node.nodeValue) {
      if (place.shown_ !== place.original_ && place.original_ === now) place.fights_++;
      place.original_ = place.shown_ = now;
    }
    // Written only when it differs, so that the page's own observers see no change where there is none.
    if (place.fights_ < MOST_FIGHTS) {
      if (node.nodeValue !== value) node.nodeValue = value;
      place.shown_ = value;
      if (twins.size > 999) twins.clear(); // a page that shows the time beside the number
      if (/(\d\D*){7}/.test(value)) twins.set(value, now);
    }
    return place;
  }

  /** A text by itself: an attribute, or structured data. */
  function single(node: Node, part: RegExp): void {
    let counts: number | undefined;
    let dials = "";
    const value = original(node).replace(part, (all: string, head: string, dialled: string) => {
      // Percent signs are dropped as a pair: "tel:(415)%20555-0100" has no digits 2 and 0. But %2B is a plus.
      const digits =
        part === LINK && dialled.replace(/%2b/gi, "+").replace(/%[\da-f]{2}|[^\w+]/gi, "").toUpperCase();
      let changed = "";
      find(digits || dialled).forEach(([at, word, target]) => {
        if (digits && digits !== word) return;
        const said = written(word, target);
        [dials] = target;
        counts = said === word ? 1 : 2;
        if (!digits) changed = head + (dialled = dialled.slice(0, at) + said + dialled.slice(at + word.length));
        else if (counts > 1) changed = head + numbers[target[0]]!.number.slice(/^h|=$/i.test(head) ? 1 : 0);
      });
      return changed || all;
    });
    if (counts) put(node, value, counts).target_ = dials;
  }

  /** The line ends here: shows what it is to show. `rule`: all of it stands for this target. */
  function endLine(rule?: Target): void {
    const hits: readonly Hit[] = rule ? [[Math.max(1, text.search(/\S/)), text.trim(), rule]] : find(text);
    // What was shown in a line that writes no target any more goes back.
    const edits = nodes.map(([node]) => [original(node), places.get(node)?.shown_ === node.nodeValue ? 0 : -1] as [string, number]);
    for (const [at, word, target] of hits) {
      let said = written(word, target);
      if (rule && !/^[^a-z]*\d[^a-z]*$/i.test(word)) said = numbers[rule[0]]?.national || word;
      nodes.forEach(([node, start], index) => {
        const entry = edits[index]!;
        const stop = start + original(node).length;
        const from = Math.max(at, start);
        const to = Math.min(at + word.length, stop);
        if (word ? from >= to : index) return;
        // Digit for digit where only digits differ, so that the markup stays where it was; else all in the first node.
        const apart = /[a-z]/i.test(word) || said.replace(/\d/g, "") === word.replace(/\d/g, "");
        const piece = apart ? said.slice(from - at, to < at + word.length ? to - at : undefined) : start > at ? "" : said;
        entry[0] = entry[0].slice(0, from - start) + piece + entry[0].slice(to - start);
        entry[1] = start > at ? Math.max(entry[1], 0) : said === word ? 1 : 2;
      });
    }
    edits.forEach(([value, counts], index) => counts < 0 || put(nodes[index]![0], value, counts));
    text = "";
    nodes = [];
  }

  function gather(node: Node): void {
    const { nodeType, nodeName } = node;
    if (nodeType === 3) {
      nodes.push([node, text.length]);
      text += original(node);
      return;
    }
    let skipped = false;
    let rule: readonly string[] | undefined;
    if (nodeType === 1) {
      const element = node as HTMLScriptElement & HTMLIFrameElement;
      skipped = !!matches(element, SKIPPED);
      if (!skipped) {
        names.forEach((name) => attribute(element, name));
        rule = options.selectors?.find(([css]) => matches(element, css!));
        const inner = element.shadowRoot || (nodeName === "IFRAME" && element.contentDocument);
        if (inner) roots.push(inner);
      } else if (node.firstChild && /ld\+json/.test(element.type) && !element.closest("[data-dni=off]")) {
        single(node.firstChild, STRUCTURED);
      }
    }
    const border = rule || skipped || !isInline(node);
    if (border && text) endLine();
    if (nodeType === 8) return;
    text += BORDER;
    if (rule && !node.firstChild) node.appendChild(new Text());
    if (!skipped) for (let child = node.firstChild; child; child = child.nextSibling) gather(child);
    text += BORDER;
    if (border) endLine(rule && targets.find(([e164]) => e164 === rule![1]));
  }

  function attribute(element: Element, name: string): void {
    const node = element.getAttributeNode(name);
    if (node) single(node, name === "href" ? LINK : /^()(.*)/s);
  }

  /** Looks at nodes that stand side by side. */
  function run(list: Iterable<Node>): void {
    for (const node of list) gather(node);
    endLine();
    for (let root; (root = roots.pop()); ) watch(root);
  }

  function watch(root: Node): void {
    observer.observe(root, { subtree: true, childList: true, characterData: true, attributeFilter: names });
    run(root.childNodes);
  }

  function look(records: MutationRecord[]): void {
    const starts = new Set<Node>();
    const start = (node: Node): void => {
      const element = node.nodeType === 1 ? (node as Element) : node.parentElement;
      if (!node.isConnected) return;
      options.selectors?.forEach(([css]) => (node = (element && closest(element, css)) || node));
      if (element?.nodeName === "SCRIPT") node = element;
      else if (element?.closest(SKIPPED)) return;
      while (isInline(node)) {
        while (isInline(node.previousSibling)) node = node.previousSibling!;
        if (!isInline(node.parentNode)) break;
        node = node.parentNode!;
      }
      starts.add(node);
    };
    records.forEach(({ type, target, addedNodes, previousSibling, nextSibling, attributeName }) => {
      if (type === "characterData") start(target);
      else if (!attributeName) {
        // What came or went may have parted a number, or joined one.
        [...addedNodes, previousSibling, nextSibling].forEach((node, index) => {
          if (node && (addedNodes[index] || isInline(node))) start(node);
        });
      }
      else if (!(target as Element).closest(SKIPPED)) attribute(target as Element, attributeName);
    });
    starts.forEach((node) => {
      const list = [node];
      if (isInline(node)) while (isInline(node.nextSibling)) list.push((node = node.nextSibling!));
      run(list);
    });
    observer.takeRecords(); // our own writes
  }

  const observer = new MutationObserver(
    safely((records: MutationRecord[]) => {
      if (held()) looked = false;
      else look(records);
      changed();
    }) as MutationCallback,
  );

  // A frame's document is there only once it has loaded.
  document.addEventListener("load", safely(({ target }) => look([{ addedNodes: [target] } as never])), true);
  const { prototype } = Element;
  const { attachShadow } = prototype;
  prototype.attachShadow = function (init) {
    const root = attachShadow.call(this, init);
    if (init.mode === "open" && !this.closest(SKIPPED)) safely(watch)(root);
    return root;
  };

  return {
    /** Shows these numbers (by target), and the original of every other target. What the page changed is left alone. */
    show_(leased: Numbers): void {
      look(observer.takeRecords());
      numbers = leased;
      if (!looked) watch(document);
      // Another answer changes what is known, and nothing else.
      else look([...places.keys()].map((node) => ({ type: "characterData", target: (node as Attr).ownerElement || node, attributeName: (node as Attr).name }) as never));
      looked = true;
      observer.takeRecords();
    },

    /** The targets that were met so far. */
    found_: found,

    /** The target that this link's address stood for, or undefined. */
    targetOf_: (link: Element): string | undefined => places.get(link.getAttributeNode("href")!)?.target_,

    /** How many places hold a target, how many of them show another number, and in how many the page put that away. */
    count_(): { found: number; swapped: number; reverted: number } {
      let found = 0;
      let swapped = 0;
      let reverted = 0;
      places.forEach(({ shown_, original_, fights_, counts_ }, node) => {
        if (!((node as Attr).ownerElement || node).isConnected) {
          // Whoever puts it back on the page finds it as it was, and so do we.
          if (node.nodeValue === shown_) node.nodeValue = original_;
          places.delete(node);
        } else if (counts_) {
          found++;
          if (node.nodeValue !== shown_ || fights_ >= MOST_FIGHTS) reverted++;
          else if (counts_ > 1) swapped++;
        }
      });
      return { found, swapped, reverted };
    },

    /** Looks no further. */
    stop_(): void {
      observer.disconnect();
      prototype.attachShadow = attachShadow;
    },
  };
}
