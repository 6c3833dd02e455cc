"""Pages that the tag once got wrong, as the fuzz found them: page, whether it comes after the tag, what happens."""

from tests.tag.fuzz.oracle import Plan


def _div(*children: Plan, **attributes: str) -> Plan:
    return ["div", attributes, list(children), None]


FOUND: dict[str, tuple[Plan, bool, list[Plan]]] = {
    "a part changes, the line writes no target any more": (_div("(415) 555-", "0100"), False, [["text", 1, "0199"]]),
    "a part is removed": (_div("(415) 555-", "0100"), False, [["remove", 2]]),
    "a part becomes a whole number": (
        _div("+1", " 415", ["code", {}, ["", "5"], None], "55 0100"),
        False,
        [["text", 2, "+1 415 555 0100"]],
    ),
    "numbers of two tags in one text": (_div("+44 20 7946 0123 & 415-555-0100"), True, []),
    "numbers of two tags in one text, originals back for a while": (
        _div("+44 20 7946 0123 & 415-555-0100"),
        True,
        [["hush"]],
    ),
    "numbers of two tags in one of several texts": (
        _div("+44 (0)20 7946 0", "123 & (415) 555-0100"),
        False,
        [],
    ),
    "numbers of two tags in one line, one over two texts": (
        _div("020 7946 0123 & 1 (415) 5", "55.0100"),
        False,
        [],
    ),
    "a vanity word behind a comment": (_div("1-800", ["#", ""], "-FLOWERS"), False, []),
    "an address of the web with a mark in it": (
        _div("https://example.com/p/", ["b", {}, ["4155550100"], None]),
        False,
        [],
    ),
    "an address of the web over many texts": (
        _div("https://example.co", ["b", {}, ["", "m/p/41", "5"], None], "5550100"),
        False,
        [],
    ),
    "a number with something that is off between its parts": (
        _div("415 ", ["span", {"data-dni": "off"}, [""], None], "  555", "/0100"),
        False,
        [],
    ),
    "a digit that follows in another text": (_div("a01", "( 415 ) 555 - 0100", ["#", ""], "0 & 415"), False, []),
    "a longer number over two texts": (_div("+1 415 555 0100", "55 & 5", "+1 415 555 0100"), False, []),
    "a plus in a text of its own": (_div("+", "49 30 23125 123"), False, []),
    "a plus in a text of its own, before digits that are joined": (
        _div(["b", {}, ["+"], None], ["b", {}, ["1415555"], None], "0100"),
        False,
        [],
    ),
    "something comes between the parts of a number": (
        _div("(800) 356-9", ["wbr", {}, [], None], "377"),
        False,
        [["insert", 1, ["hr", {}, [], None]]],
    ),
    "a shadow root where nothing is swapped": (
        ["div", {"data-dni": "off"}, [["p", {}, [], None]], None],
        False,
        [["shadow", 1, ["415-555-0100"]]],
    ),
    "a text that the page changes often": (
        _div("0 callers & 415-555-0100"),
        False,
        [["text", 0, f"{count} callers & 415-555-0100"] for count in range(1, 9)],
    ),
    "a text that was empty when its line was read": (
        _div("(415) 555-0100"),
        False,
        [
            ["content", 0, [["#", ""], "", "", ["a", {"data-dni": "off"}, ["415-555-0100"], None]]],
            ["text", 0, "( 415 ) 555 - 0100"],
        ],
    ),
    "the rest of a number goes": (
        _div("+", ["b", {}, [["b", {}, ["49 30 23125 123"], None]], None]),
        False,
        [["remove", 2]],
    ),
    "structured data goes into an editor": (
        _div(
            ["div", {"contenteditable": ""}, ["415-555-0100"], None],
            ["script", {"type": "application/ld+json"}, ['{"telephone": "415-555-0100"}'], None],
        ),
        False,
        [["move", 2, 1]],
    ),
    "a shadow root goes where nothing is swapped": (
        _div(["div", {}, [], [["img", {"alt": "415-555-0100"}, [], None]]], ["noscript", {}, [""], None]),
        False,
        [["move", 0, 2]],
    ),
}
