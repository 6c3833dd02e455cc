"""Pages and what happens to them, made by hypothesis. The form of a plan is in oracle.py, of an act in page.html."""

from itertools import chain

from hypothesis import strategies as st

from tests.tag.fuzz.oracle import INLINE, SWAPPED_ATTRIBUTES, Plan
from tests.tag.fuzz.words import CRUMBS, LINKS, SHOWN, STAYS

_BLOCKS = ("div", "p", "li", "section", "h2", "button")
_TEXTS = st.sampled_from(sorted(SHOWN))
_soup = st.lists(st.sampled_from(CRUMBS), min_size=1, max_size=7).map("".join)
_nearly = st.tuples(st.sampled_from(CRUMBS), _TEXTS, st.sampled_from(CRUMBS)).map("".join)
_word = _TEXTS | st.sampled_from(STAYS) | _TEXTS | _soup | _nearly
line = st.lists(_word, min_size=1, max_size=4).map(" & ".join)

_value = st.sampled_from((*SHOWN, *STAYS))
_attributes: st.SearchStrategy[dict[str, str]] = st.one_of(
    st.just({}),
    st.just({}),
    st.dictionaries(st.sampled_from((*SWAPPED_ATTRIBUTES, "data-x", "placeholder")), _value, max_size=2),
    st.just({"data-dni": "off"}),
)


@st.composite
def _pieces(draw: st.DrawFn, text: str, depth: int = 0) -> list[Plan]:
    """One line's text over nodes that stand side by side, some in inline elements."""
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=4)))
    made: list[Plan] = []
    for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        piece = text[start:end]
        kind = draw(st.integers(0, 5))
        if kind == 0 and depth < 2:
            tag = draw(st.sampled_from(INLINE[:-1]))
            attributes = draw(_attributes)
            if tag == "a":
                attributes = {**attributes, "href": draw(st.sampled_from(sorted(LINKS)))}
            made.append([tag, attributes, draw(_pieces(piece, depth + 1)), None])
            continue
        if kind == 1:
            made.append(
                draw(
                    st.sampled_from((["#", "415-555-0100"], ["#", ""], "", ["wbr", {}, [], None], ["b", {}, [], None]))
                )
            )
        made.append(piece)
    return made


lines: st.SearchStrategy[list[Plan]] = line.flatmap(_pieces)


def _skipped(text: str) -> st.SearchStrategy[Plan]:
    return st.sampled_from(
        (
            ["script", {"type": "text/plain"}, [text], None],
            ["style", {}, [text], None],
            ["textarea", {}, [text], None],
            ["noscript", {}, [text], None],
            ["div", {"contenteditable": ""}, [text, ["b", {}, [text], None]], None],
            ["div", {"class": "CodeMirror"}, [text], None],
            ["div", {"data-dni": "off"}, [["p", {"title": text}, [text], None]], None],
        )
    )


_alone: st.SearchStrategy[Plan] = st.one_of(
    st.sampled_from((["br", {}, [], None], ["hr", {}, [], None])),
    _value.map(lambda value: ["img", {"alt": value}, [], None]),
    _value.map(lambda value: ["input", {"value": value, "placeholder": value}, [], None]),
    _value.map(
        lambda value: ["script", {"type": "application/ld+json"}, [f'{{"x": "{value}", "telephone": "{value}"}}'], None]
    ),
    _TEXTS.flatmap(_skipped),
    lines.map(lambda inside: ["svg", {}, [["g", {}, [["text", {}, inside, None]], None]], None]),
)


def _grown(inner: st.SearchStrategy[list[Plan]]) -> st.SearchStrategy[list[Plan]]:
    """Lists of nodes around lists of nodes."""
    block = st.tuples(st.sampled_from(_BLOCKS), _attributes, inner).map(lambda one: [*one, None])
    host = st.tuples(st.sampled_from(("div", "p", "span")), st.just({}), lines | st.just([]), inner).map(list)
    link = st.tuples(
        st.just("a"), st.sampled_from(sorted(LINKS)).map(lambda href: {"href": href}), inner, st.none()
    ).map(list)
    one = st.one_of(block, block, host, link, _alone).map(lambda plan: [plan])
    lists = st.lists(st.one_of(one, lines, inner), min_size=1, max_size=3)
    return lists.map(lambda some: list(chain.from_iterable(some)))


_content = st.recursive(lines | _alone.map(lambda plan: [plan]), _grown, max_leaves=6)
page: st.SearchStrategy[Plan] = _content.map(lambda children: ["div", {}, children, None])

_index = st.integers(0, 40)
_act: st.SearchStrategy[list[Plan]] = st.one_of(
    st.tuples(st.just("text"), _index, line),
    st.tuples(st.just("again"), _index),
    st.tuples(st.just("content"), _index, lines),
    st.tuples(st.just("insert"), _index, line | _content.map(lambda plans: plans[0])),
    st.tuples(st.just("remove"), _index),
    st.tuples(st.just("back")),
    st.tuples(st.just("blink"), _index),
    st.tuples(st.just("move"), _index, _index),
    st.tuples(st.just("attribute"), _index, st.just("title"), _value),
    st.tuples(st.just("attribute"), _index, st.just("href"), st.sampled_from(sorted(LINKS))),
    st.tuples(st.just("shadow"), _index, lines),
    st.tuples(st.just("count")),
    st.tuples(st.just("hush")),
).map(list)
acts = st.lists(_act, max_size=4)
