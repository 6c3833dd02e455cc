import type { Options, Target } from "./config";
import { formatLike } from "./formatLike";
import type { Numbers } from "./leased";
import { makeFinder, type Hit } from "./makeFinder";
import { safely } from "./safely";

/** One tag's part in the page. */
interface Share {
  /** The targets that were met so far. */
  readonly found_: Set<string>;
  /** What the tag shows, by target. */
  numbers_: Numbers;
}

type Known = readonly [e164: string, country: string, pattern: string, tag: Share];

/** What stands in one text node or attribute: both carry their text as nodeValue. */
interface Place {
  original_: string;
  /** What we left there; when something else stands there now, the page has changed it. */
  shown_: string;
  /** How often the page put away what we showed. */
  fights_: number;
  /** The targets that begin here; none where only the rest of one stands. */
  begins_: readonly Known[];
}

const MOST_FIGHTS = 5;
const MOST_TURNS = 99;
const LONG = 2e3; // characters, of which to ask the parts instead

// Elements within a line of text: a number may be split over them.
const INLINE = /^(a|abbr|b|bd[io]|big|cite|code|data|em|font|i|ins|kbd|label|mark|q|s|samp|small|span|strong|su[bp]|time|tt|u|var|wbr|#text|#comment)$/i;
const SKIPPED =
  "script,style,noscript,textarea,title,[data-dni=off],[contenteditable]:not([contenteditable=false]),.CodeMirror,.cm-editor,.monaco-editor,.ace_editor";

// What a link dials, and what structured data says: head and number.
const LINK =
  /^(\s*(?:tel|sms|imessage):(?:\/\/)?|https?:\/\/wa\.me\/|(?=.*whatsapp)\w+:.*[?&]phone=)([^;?&,#]*?)(?=\s*(?:x|ext\W*)\d+$|\/?[;?&,#]|\/?$)/i;
// What may hold a page of its own, or structured data.
const HOSTS = ":not(a,b,i,img,li,path,td,tr)";
const STRUCTURED = /("telephone"\s*:\s*)("[^"]*|\[[^\]]*)/g;

/**
 * Finds targets in the page's text, links and attributes, also in what is added later, and shows other numbers there or
 * puts the originals back. One for all tags of a page: they may have targets in the same line.
 */
export function makeSwapper() {
  const places = new Map<Node, Place>();
  // The text that was shown in an element last: a page may put numbers back by making new ones.
  const latest = new WeakMap<Node, Node>();
  let turns = 0; // of the observer within one task of the page: without a bound, two that answer each other never end it
  // What we show somewhere -> what stood there: a copy that the page made of it is known again.
  const twins = new Map<string, string>();
  const known: Known[] = [];
  const names = ["href"];
  const rules: (readonly [css: string, e164: string])[] = [];
  // How targets and what was shown for them end: a block without any of these digits needs no closer look.
  const ends = new Set<string>();
  const askHeld: (() => boolean)[] = [];
  const tell: (() => void)[] = [];
  let find = makeFinder(known);
  let looked = false; // at the whole page

  // The line that is being gathered: its text, where elements begin or end in it, its nodes; and roots met on the way.
  let text = "";
  let borders: number[] = [];
  let nodes: Node[] = [];
  let shown = false; // something of ours stands in it
  let roots: Node[] = [];

  const { prototype } = Element;
  const { attachShadow } = prototype;
  // A form's field may be named "matches".
  const matches = (element: Element, css: string): boolean => prototype.matches.call(element, css);
  const isInline = (node: Node | null): boolean => !!node && INLINE.test(node.nodeName);

  function written(word: string, target: Known): string {
    const [e164, , , tag] = target;
    tag.found_.add(e164);
    return tag.numbers_[e164] ? formatLike(word, target, tag.numbers_[e164]) : word;
  }

  function original(node: Node): string {
    const place = places.get(node);
    const value = node.nodeValue!;
    return place ? (place.shown_ === value ? place.original_ : value) : (twins.size && twins.get(value)) || value;
  }

  function put(node: Node, value: string, begins: readonly Known[]): void {
    const now = original(node);
    const parent = node.parentNode || node;
    const before = latest.get(parent)!;
    let place = places.get(node);
    if (!place) {
      place = { original_: now, shown_: now, fights_: 0, begins_: begins };
      const replaced = before && !before.isConnected && places.get(before);
      if (replaced && replaced.original_ === now) place.fights_ = replaced.fights_ + 1;
    }
    latest.set(parent, node);
    places.set(node, place);
    place.begins_ = begins;
    if (turns > MOST_TURNS) place.fights_ = MOST_FIGHTS;
    if (place.shown_ !== node.nodeValue) {
      if (place.shown_ !== place.original_ && place.original_ === now) place.fights_++;
      place.original_ = place.shown_ = now;
    }
    // Written only when it differs, so that the page's own observers see no change where there is none.
    if (place.fights_ < MOST_FIGHTS) {
      if (node.nodeValue !== value) node.nodeValue = value;
      place.shown_ = value;
      if (twins.size > 999) twins.clear(); // a page that shows the time beside the number
      if (value !== now && /(\d\D*){7}/.test(value)) twins.set(value, now);
    }
  }

  /** A text by itself: an attribute, or structured data. */
  function single(node: Node, part: RegExp): void {
    const begins: Known[] = [];
    const value = original(node).replace(part, (all: string, head: string, dialled: string) => {
      // Percent signs are dropped as a pair: "tel:(415)%20555-0100" has no digits 2 and 0. But %2B is a plus.
      const digits =
        part === LINK && dialled.replace(/%2b/gi, "+").replace(/%[\da-f]{2}|[^\w+]/gi, "").toUpperCase();
      let changed = "";
      find(digits || dialled).forEach(([at, word, target]) => {
        if (digits && digits !== word) return;
        const said = written(word, target);
        begins.push(target);
        if (!digits) changed = head + (dialled = dialled.slice(0, at) + said + dialled.slice(at + word.length));
        else if (said !== word) changed = head + target[3].numbers_[target[0]]!.number.slice(/^h|=$/i.test(head) ? 1 : 0);
      });
      return changed || all;
    });
    if (begins[0]) put(node, value, begins);
  }

  /** The line ends here: shows what it is to show. `rule`: all of it stands for this target. */
  function endLine(rule?: Known): void {
    if (!nodes[0] && !rule) return;
    const hits: readonly Hit<Known>[] = rule ? [[Math.max(0, text.search(/\S/)), text.trim(), rule]] : find(text, borders);
    let start = 0;
    if (hits[0] || shown) {
      nodes.forEach((node, index) => {
        const was = original(node);
        const begins: Known[] = [];
        let now = was;
        // What was shown in a line that writes no target any more goes back.
        let mine = places.get(node)?.shown_ === node.nodeValue;
        for (const [at, word, target] of hits) {
          const from = at - start;
          const to = from + word.length;
          if (word ? to <= 0 || from >= was.length : index) continue;
          let said = written(word, target);
          if (rule && !/^[^a-z]*\d[^a-z]*$/i.test(word)) said = rule[3].numbers_[rule[0]]?.national || word;
          // Digit for digit where only digits differ, so that the markup stays where it was; else all in the first node.
          const apart = /[a-z]/i.test(word) || said.replace(/\d/g, "") === word.replace(/\d/g, "");
          now =
            now.slice(0, Math.max(from, 0)) +
            (apart ? said.slice(Math.max(-from, 0), to > was.length ? was.length - from : undefined) : from < 0 ? "" : said) +
            (to > was.length ? "" : now.slice(to));
          if (from >= 0) begins.push(target);
          mine = true;
        }
        if (mine) put(node, now, begins);
        start += was.length;
      });
    }
    text = "";
    borders = [];
    nodes = [];
    shown = false;
  }

  function gather(node: Node): void {
    const { nodeType } = node;
    if (nodeType === 3) {
      nodes.push(node);
      text += original(node);
      shown = shown || places.has(node);
      return;
    }
    const element = node as Element;
    let border = !isInline(node);
    if (nodeType !== 1 || (border && isQuiet(element))) {
      if (border) endLine();
      return;
    }
    const skipped = matches(element, SKIPPED);
    const rule = !skipped && rules.find(([css]) => matches(element, css));
    border = border || skipped || !!rule;
    if (border) endLine();
    if (skipped) return;
    borders.push(text.length);
    if (rule && !node.firstChild) node.appendChild(new Text());
    for (let child = node.firstChild; child; child = child.nextSibling) gather(child);
    borders.push(text.length);
    if (border) endLine(rule ? known.find(([e164]) => e164 === rule[1]) : undefined);
  }

  /** Whether nothing is swapped there. That it is a script does not turn a script off: structured data stands in one. */
  function isOff(element: Element | null): unknown {
    return element?.closest(element.nodeName === "SCRIPT" ? SKIPPED.slice(7) : SKIPPED);
  }

  /** Also where shadow roots are between. */
  const isWithin = (outer: Node, inner?: Node): boolean =>
    !!inner && (outer.contains(inner) || isWithin(outer, (inner.getRootNode() as ShadowRoot).host));

  /** Most of a page says no number, which the browser tells sooner than a walk. Of a long text the parts are asked. */
  function isQuiet(element: Element): boolean {
    const said = element.textContent!;
    if (said.length > LONG) return false;
    const digits = said.replace(/\D+/g, "");
    for (const end of ends) if (digits.includes(end)) return false;
    return !rules.some(([css]) => matches(element, css) || element.querySelector(css));
  }

  /** What the element and those in it have beside their text. */
  function sweep(element: Element): void {
    if (element.nodeType !== 1) return;
    const each = (css: string, act: (one: any) => void) => [element, ...element.querySelectorAll(css)].forEach(act);
    // A link without a colon dials nothing.
    names.forEach((name, index) => each(`[${name}${index ? "" : "*=':'"}]`, (one) => attribute(one, name)));
    each(HOSTS, (one) => {
      const inner = one.shadowRoot || one.contentDocument;
      if (inner && !one.closest(SKIPPED)) roots.push(inner);
      if (one.firstChild && /ld\+json/.test(one.type) && !isOff(one)) single(one.firstChild, STRUCTURED);
    });
  }

  function attribute(element: Element, name: string): void {
    const part = name === "href" ? LINK : /^()(.*)/s;
    const value = element.getAttribute(name);
    if (value && part.test(value) && !element.closest(SKIPPED)) single(element.getAttributeNode(name)!, part);
  }

  /** Looks at nodes that stand side by side. */
  function run(list: Iterable<Node>): void {
    for (const node of list) {
      gather(node);
      sweep(node as Element);
    }
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
      rules.forEach(([css]) => (node = element?.closest(css) || node));
      if (element?.nodeName === "SCRIPT") node = element;
      if (isOff(element)) {
        // What was moved to where nothing is swapped.
        return places.forEach((_, at) => isWithin(node, (at as Attr).ownerElement || at) && put(at, original(at), []));
      }
      while (isInline(node)) {
        while (isInline(node.previousSibling)) node = node.previousSibling!;
        if (!isInline(node.parentNode)) break;
        node = node.parentNode!;
      }
      starts.add(node);
    };
    records.forEach(({ type, target, addedNodes, previousSibling, nextSibling, attributeName }) => {
      if (type === "characterData") start(target);
      else if (attributeName) attribute(target as Element, attributeName);
      else {
        // What came or went may have parted a number, or joined one.
        [...addedNodes, previousSibling, nextSibling, target].forEach((node, index) => {
          if (node && (addedNodes[index] || isInline(node))) start(node);
        });
      }
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
      if (!turns++) setTimeout(() => (turns = 0));
      if (askHeld.some((held) => held())) looked = false;
      else look(records);
      tell.forEach((changed) => changed());
    }) as MutationCallback,
  );

  // A frame's document is there only once it has loaded.
  document.addEventListener("load", safely(({ target }) => look([{ addedNodes: [target] } as never])), true);
  prototype.attachShadow = function (init) {
    const root = attachShadow.call(this, init);
    if (init.mode === "open" && !this.closest(SKIPPED)) safely(watch)(root);
    return root;
  };

  return {
    /**
     * A tag that has targets here. While `held`, what is added waits for the next `show_`; `changed` is called after each
     * change of the page.
     */
    join_(targets: readonly Target[], { attributes, selectors }: Options, held: () => boolean, changed: () => void) {
      const tag: Share = { found_: new Set(), numbers_: {} };
      for (const [e164, country, pattern] of targets) {
        if (known.some(([other]) => e164 === other)) continue;
        known.push([e164, country, pattern, tag]);
        ends.add(/[A-Z]/.test(pattern) ? "" : e164.slice(-4));
      }
      find = makeFinder(known);
      names.push(...(attributes || []));
      // A selector may be wrong.
      rules.push(...(selectors || []).filter(([css]) => safely(matches)(document.body, css) !== undefined));
      askHeld.push(held);
      tell.push(changed);
      looked = false;
      return {
        /** Shows these numbers (by target), and the original of every other target. What the page changed is left alone. */
        show_(leased: Numbers): void {
          look(observer.takeRecords());
          tag.numbers_ = leased;
          Object.values(leased).forEach(({ number }) => ends.add(number.slice(-4)));
          if (!looked) watch(document);
          // Another answer changes what is known, and nothing else.
          else look([...places.keys()].map((node) => ({ type: "characterData", target: (node as Attr).ownerElement || node, attributeName: (node as Attr).name }) as never));
          looked = true;
          observer.takeRecords();
        },

        found_: tag.found_,

        /** The target that this link's address stood for, or undefined. */
        targetOf_: (link: Element): string | undefined => places.get(link.getAttributeNode("href")!)?.begins_[0]?.[0],

        /** How many places hold a target, how many of them show another number, and in how many the page put that away. */
        count_(): { found: number; swapped: number; reverted: number } {
          let found = 0;
          let swapped = 0;
          let reverted = 0;
          places.forEach(({ shown_, original_, fights_, begins_ }, node) => {
            if (!((node as Attr).ownerElement || node).isConnected) {
              // Whoever puts it back on the page finds it as it was, and so do we.
              if (node.nodeValue === shown_) node.nodeValue = original_;
              places.delete(node);
            } else if (begins_.some(([, , , owner]) => owner === tag)) {
              found++;
              if (node.nodeValue !== shown_ || fights_ >= MOST_FIGHTS) reverted++;
              else if (shown_ !== original_) swapped++;
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
    },
  };
}
