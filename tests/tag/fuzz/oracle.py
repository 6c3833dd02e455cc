"""What the tag may make of a page, decided slowly and without its expressions, from the page as it is without the tag.

A line is text with nothing but inline elements and comments around its pieces. Its words are joined by " & ", which no
number goes over. A word that writes a target must be shown as words.py says, one that only looks like it must stay; in
any other word, a target's digits in their order may become the other number's, and nothing else may change. Where an
element begins or ends between two digits, they may be one number or two ("24", "415-555-0100" side by side).
"""

import re
from itertools import chain
from typing import Any

from tests.tag.fuzz.words import AMERICAN, BRITISH, GERMAN, LINKS, NATIONAL, NUMBER, OTHER_NUMBER, SHOWN, STAYS, VANITY

INLINE = ("a", "b", "code", "em", "i", "label", "mark", "small", "span", "strong", "wbr")
SWAPPED_ATTRIBUTES = ("title", "alt", "aria-label")
_SKIPPED = ("script", "style", "noscript", "textarea")
_SAME_LENGTH = ((AMERICAN, "1", NUMBER), (VANITY, "1", NUMBER), (BRITISH, "44", OTHER_NUMBER))
_GAP = r"[^0-9A-Za-z&]{0,60}"
_TELEPHONE = re.compile(r'("telephone": ")([^"]*)')

Plan = Any
"""A text, ["#", comment] or [tag, attributes, children, children of its shadow root or None]."""


def faults(live: Plan, twin: Plan) -> list[str]:
    """What is wrong with the page `live` that would be `twin` without the tag."""
    check = _Check()
    check.walk([live], [twin], skipped=False)
    check.end_line()
    return check.faults


class _Check:
    def __init__(self) -> None:
        self.faults: list[str] = []
        self._line: list[tuple[str, str]] = []
        self._borders: list[int] = []  # places in the line's list where an element begins or ends

    def walk(self, live: list[Plan], twin: list[Plan], skipped: bool) -> None:
        if len(live) != len(twin):
            self.faults.append(f"other nodes: {live} for {twin}")
            return
        for is_there, was in zip(live, twin, strict=True):
            if isinstance(was, str) and isinstance(is_there, str):
                if not skipped:
                    self._line.append((is_there, was))
                elif is_there != was:
                    self.faults.append(f"{is_there!r} for {was!r} where nothing is swapped")
            elif isinstance(was, str) or was[0] != is_there[0] or was[0] == "#":
                if is_there != was:
                    self.faults.append(f"{is_there} for {was}")
            else:
                self._element(is_there, was, skipped)

    def end_line(self) -> None:
        line, self._line = self._line, []
        borders, self._borders = self._borders, []
        if any(was for _, was in line):
            starts = {sum(len(was) for _, was in line[:place]) for place in borders}
            self.faults += _line_faults([one for one, _ in line], [one for _, one in line], starts)

    def _element(self, live: Plan, twin: Plan, skipped: bool) -> None:
        tag, attributes, children, shadow = twin
        skips = skipped or tag in _SKIPPED or "contenteditable" in attributes or attributes.get("data-dni") == "off"
        skips = skips or attributes.get("class") == "CodeMirror"
        wanted = attributes if skips else {name: _attribute(name, value) for name, value in attributes.items()}
        if live[1] != wanted:
            self.faults.append(f"<{tag}> has {live[1]}, not {wanted}")
        if tag == "script" and not skipped and "ld+json" in attributes.get("type", ""):
            children = [_TELEPHONE.sub(lambda found: found[1] + SHOWN.get(found[2], found[2]), one) for one in children]
            if live[2] != children:
                self.faults.append(f"{live[2]} for {children}")
            children = live[2]
        border = tag not in INLINE or (skips and not skipped)
        if border:
            self.end_line()
        self._borders.append(len(self._line))
        self.walk(live[2], children, skips)
        self._borders.append(len(self._line))
        if border:
            self.end_line()
        if shadow is not None:
            outer, self._line, self._borders = (self._line, self._borders), [], []
            self.walk(live[3] or [], shadow, skips)
            self.end_line()
            self._line, self._borders = outer


def _attribute(name: str, value: str) -> str:
    if name == "href":
        return LINKS.get(value, value)
    return SHOWN.get(value, value) if name in SWAPPED_ATTRIBUTES else value


def _line_faults(live: list[str], twin: list[str], borders: set[int]) -> list[str]:
    """Each list: the texts of one line's nodes; `borders`: offsets in the line where an element begins or ends."""
    before, after = "".join(twin), "".join(live)
    changes = _changes(before, borders)
    pattern, at = "", 0
    for start, end, ways in changes:
        pattern += re.escape(before[at:start]) + "(" + "|".join(map(re.escape, ways)) + ")"
        at = end
    match = re.fullmatch(pattern + re.escape(before[at:]), after)
    if match is None:
        return [f"{live} for {twin}"]
    made = [
        (start, end, now)
        for (start, end, _), now in zip(changes, match.groups(), strict=True)
        if now != before[start:end]
    ]
    at = 0
    for is_there, was in zip(live, twin, strict=True):
        start, at = at, at + len(was)
        here = [one for one in made if one[0] < at and one[1] > start]
        if all(len(now) == there - at_ for at_, there, now in here):
            text = list(before)
            for at_, there, now in here:
                text[at_:there] = now
            if is_there != "".join(text[start:at]):
                return [f"{live} for {twin}: digits moved to another node"]
    return []


def _changes(line: str, borders: set[int]) -> list[tuple[int, int, list[str]]]:
    """Where a line may change: from, to, and every text that may stand there."""
    places = []
    at = 0
    for part in line.split("&"):
        word = part.strip(" \n")
        start = at + part.find(word)
        if word in SHOWN:
            places.append((start, start + len(word), [SHOWN[word]]))
        else:
            chances = _chances(part, {border - at for border in borders})
            never = _chances(part, set()) if word in STAYS else []
            places += [(at + one, at + other, ways) for one, other, ways in chances if (one, other, ways) not in never]
        at += len(part) + 1
    return places


def _chances(part: str, borders: set[int]) -> list[tuple[int, int, list[str]]]:
    """Places of a word that may or may not be a target: its digits in order, not within a longer one or money."""
    places = []
    for target, country, number in _SAME_LENGTH:
        for found in re.finditer(_GAP.join(target[1 + len(country) :]), part):
            if _stands_alone(part, found.start(), found.end(), country, borders):
                others = re.sub(r"\d", "{}", found[0]).split("{}")
                now = "".join(chain.from_iterable(zip(others, [*number[1 + len(country) :], ""], strict=True)))
                places.append((found.start(), found.end(), [found[0], now]))
    for found in re.finditer(r"(1-)?800-FLOWERS(?![A-Za-z])", part):
        if found[1] or found.start() in borders or not part[: found.start()][-1:].isdigit():
            now = SHOWN["1-800-FLOWERS"].removeprefix("" if found[1] else "1-")
            places.append((found.start(), found.end(), [found[0], now]))
    for found in re.finditer(_GAP.join(GERMAN[3:]), part):
        if _stands_alone(part, found.start(), found.end(), "49", borders):
            # What is another number's is not this one's head.
            since = max([end for _, end, _ in places if end <= found.start()] + [found.start() - 30, 0])
            head = re.search(r"[-+()\d\s./]*\Z", part[since : found.start()])
            assert head
            start = found.start() - len(head[0])
            ways = [
                head[0][:cut] + opens + new
                for cut in range(len(head[0]) + 1)
                for opens in ("", "(")
                for new in (NUMBER, NATIONAL)
            ]
            places.append((start, found.end(), [part[start : found.end()], *ways]))
    places.sort(key=lambda place: place[0])
    return [place for index, place in enumerate(places) if not index or places[index - 1][1] <= place[0]]


def _stands_alone(part: str, start: int, end: int, country: str, borders: set[int]) -> bool:
    if re.match(r"@" if end in borders else r"\d|@", part[end:]):
        return False
    head = rf"[+(]*((00|011)[\s-]?)?{country}{_GAP}(0{_GAP})?|0{_GAP}"
    begins = [border for border in borders if 0 <= border <= start and re.fullmatch(head, part[border:start])]
    before = part[: max(begins)] if begins else re.sub(rf"(?<!\d)({head})\Z", "", part[:start])
    if re.search(r"\d\Z", before) and borders.isdisjoint(range(len(before), start + 1)):
        return False
    # "20 \u20ac 415-555-0100": the sign may belong to what is before it.
    return not re.search(r"(^|[^\d\s])\s*[$\u20ac]\s?\Z", before)
