"""A condition as lines that must all hold: a word, how it is compared, with what. Pure.

What is written as text in `dni.qualification.language` comes back as lines, and the other way round, with the same
meaning; what has `or`, brackets or a `not` around several terms cannot be lines.
"""

import re
from collections.abc import Mapping

import msgspec

from dni.dashboard.forms import Choice, Field
from dni.errors import FieldError, InvalidField
from dni.qualification import language
from dni.qualification.expression import ALWAYS, All, Expression, Not, Test, all_of, written
from dni.qualification.words import KEYWORDS, WORDS, quoted, span, text

MOST = 40
SPARE = 2
"""Empty lines below those that say something."""


class Row(msgspec.Struct, frozen=True):
    """As it is typed. `op`: of OPERATORS, empty: nobody chose."""

    word: str
    op: str = ""
    value: str = ""


# How a line compares, as people say it; where a word stands alone, `yes` and `no`.
OPERATORS = {
    "yes": "is so",
    "no": "is not so",
    "=": "is",
    "!=": "is not",
    ">=": "is at least",
    ">": "is more than",
    "<=": "is at most",
    "<": "is less than",
    "in": "is one of",
    "not in": "is none of",
}
# By word: under which head it is offered, what people call it, and what it asks.
ABOUT = {
    "talk": ("The call", "Talk time", "How long was talked: 90s, 2m."),
    "duration": ("The call", "Duration", "From the first ring to the end."),
    "answered": ("The call", "Answered", "Somebody took the call."),
    "status": ("The call", "Status", "How it ended, as lists of calls say it."),
    "destination": ("The call", "Destination", "Who was connected, by number."),
    "key": ("The call", "Key pressed", "In a menu of the routing."),
    "repeat": ("The caller", "Repeat caller", "The telephone rang within so long before, and that call counts: 30d."),
    "region": ("The caller", "Region", "State or province of the caller's area code."),
    "country": ("The caller", "Country", "Of the caller's number."),
    "phone": ("The caller", "Telephone", "What kind of telephone it is."),
    "during": ("When", "Hours", "Hours that the terms name, or written out: Mo-Fr 09:00-17:00."),
    "day": ("When", "Day", "Of the week, on the campaign's clock."),
    "hour": ("When", "Hour", "Of the day, from 0 to 23, on the campaign's clock."),
    "source": ("What brought it", "Source", "A * stands for anything."),
    "medium": ("What brought it", "Medium", "A * stands for anything."),
    "channel": ("What brought it", "Channel", "As reports group sources."),
    "campaign": ("What brought it", "Campaign name", "Of the advertisement."),
    "keyword": ("What brought it", "Keyword", "That was searched for."),
    "content": ("What brought it", "Content", "Which advertisement of several."),
    "publisher": ("What brought it", "Publisher", "By its id."),
    "confidence": ("What brought it", "Confidence", "How likely this publisher's visitor made the call."),
    "custom": ("What brought it", "The page told", "A field of the page: plan = gold."),
    "param": ("What brought it", "Address parameter", "Of the landing page's address: sub1 = 4711."),
    "sale": ("What became of it", "Sale", "Somebody told that something was sold."),
    "value": ("What became of it", "Sale's value", "In the campaign's currency."),
    "lead": ("What became of it", "Lead status", "As it was told."),
}
HEADS = tuple(dict.fromkeys(head for head, _, _ in ABOUT.values()))

# Where in a text an error stands is nothing that a line shows.
_PLACE = re.compile(r"^(?:line \d+, )?character \d+: ")
_WHOLE = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|[\w.+*%#:/@~$?-]+')
_VALUES = re.compile(r'\s*("(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|[^,]*?)\s*(?:,|$)')


class Told(msgspec.Struct, frozen=True):
    """A word, for people who write conditions."""

    word: str
    about: str
    example: str


def vocabulary() -> list[Told]:
    return [Told(name, " ".join(ABOUT[name][1:]).strip(), word.example) for name, word in WORDS.items()]


def fields(n: int) -> tuple[Field, ...]:
    """Of the line `n`, from 0."""
    offered = tuple(
        Choice(name, label, head) for head in HEADS for name, (its, label, _) in ABOUT.items() if its == head
    )
    compared = tuple(Choice(name, label) for name, label in OPERATORS.items())
    named, label = f"row/{n}", f"Line {n + 1}"
    return (
        Field(name=f"{named}/word", label=label, kind="select", choices=offered, empty="omit", placeholder="–"),
        Field(name=f"{named}/op", label=label, kind="select", choices=compared, empty="omit", default="yes"),
        Field(name=f"{named}/value", label=label, empty="omit"),
    )


def typed(found: list[Row]) -> dict[str, str]:
    """As it stands in the fields of a form."""
    return {f"row/{n}/{part}": getattr(row, part) for n, row in enumerate(found) for part in ("word", "op", "value")}


def sent(form: Mapping[str, str]) -> list[Row]:
    """The lines of a form that was sent, those without a word too."""
    found: list[Row] = []
    while len(found) < MOST and f"row/{len(found)}/word" in form:
        named = f"row/{len(found)}"
        found.append(Row(*(form.get(f"{named}/{part}", "").strip() for part in ("word", "op", "value"))))
    return found


def rows(expression: Expression) -> list[Row] | None:
    """None: it cannot be shown as lines."""
    parts = expression.parts if isinstance(expression, All) else (expression,)
    found = [_row(part) for part in parts]
    return None if len(found) > MOST else [row for row in found if row] if all(found) else None


def shown(when: str, hours: frozenset[str]) -> list[Row] | None:
    """The lines of a condition's text. None also for a text that is not right."""
    try:
        return rows(language.parse(when, hours=hours))
    except InvalidField:
        return None


def condition(found: list[Row], hours: frozenset[str]) -> Expression:
    """Of the lines that have a word. Raises InvalidField, each error with its line: `/row/2`."""
    parts: list[Expression] = []
    wrong: list[FieldError] = []
    for n, row in enumerate(found):
        if not row.word and not row.value:
            continue
        try:
            parts.append(_part(row, hours))
        except InvalidField as error:
            wrong.append(FieldError(f"/row/{n}/value", _PLACE.sub("", error.errors[0].message)))
    if wrong:
        raise InvalidField(wrong[0].path, wrong[0].message, *wrong[1:])
    return all_of(*parts) if parts else ALWAYS


def _row(part: Expression) -> Row | None:
    test, is_so = (part.part, False) if isinstance(part, Not) else (part, True)
    if not isinstance(test, Test):
        return None
    if not test.operator:
        if test.word == "repeat":
            value = span(int(test.values[0]))
        else:
            value = test.name or (str(test.values[0]) if test.values else "")
        return Row(test.word, "yes" if is_so else "no", value)
    if not is_so:
        return None
    subject = f"{test.word}({text(test.name)})" if test.name else test.word
    value = written(test)[len(subject) + len(test.operator) + 2 :]
    value = value[1:-1] if "in" in test.operator else _bared(value)
    return Row(test.word, test.operator, f"{text(test.name)} = {value}" if test.name else value)


def _part(row: Row, hours: frozenset[str]) -> Expression:
    """Raises InvalidField."""
    word = WORDS.get(row.word)
    if word is None:
        raise InvalidField("", "choose what is asked, or empty the value")
    denies = row.op == "no"
    if not word.kind.operators:
        if row.op not in ("yes", "no"):
            raise InvalidField("", "choose “is so” or “is not so”")
        if row.word in ("repeat", "during"):
            found = language.parse(f"{row.word}({_inner(row, hours)})", hours=hours)
        elif row.value:
            raise InvalidField("", f"{ABOUT[row.word][1]} has no value: empty it")
        else:
            found = language.parse(row.word, hours=hours)
        _is_one(found)
        return Not(found) if denies else found
    if row.op not in word.kind.operators:
        known = ", ".join(f"“{OPERATORS[one]}”" for one in word.kind.operators)
        raise InvalidField("", f"{ABOUT[row.word][1]} is compared by {known}")
    name, value = _split(row) if word.has_name else ("", row.value)
    if not value:
        raise InvalidField("", f"a value, as in {word.example}")
    subject = f"{row.word}({name})" if name else row.word
    values = _values(value) if "in" in row.op else [_quoted_where_needed(value)]
    found = language.parse(f"{subject} {row.op} " + (f"({', '.join(values)})" if "in" in row.op else values[0]))
    _is_one(found)
    return found


def _is_one(found: Expression) -> None:
    """Raises InvalidField for what came in by brackets of the value."""
    if not isinstance(found, Test):
        raise InvalidField("", "one condition a line")


def _inner(row: Row, hours: frozenset[str]) -> str:
    """What stands in the brackets of repeat(…) and during(…): hours that nothing is called are written out."""
    if not row.value:
        raise InvalidField("", f"a value, as in {WORDS[row.word].example}")
    is_name = row.value.lower() in hours or language.NAME.fullmatch(row.value.lower())
    return row.value if row.word == "repeat" or is_name or row.value[0] in "\"'" else quoted(row.value)


def _split(row: Row) -> tuple[str, str]:
    """The name and the value of `plan = gold`."""
    name, equals, value = row.value.partition("=")
    if not equals or not name.strip() or not value.strip():
        raise InvalidField("", "name = value, such as plan = gold")
    name = name.strip()
    return (name if name[0] in "\"'" else text(name)), value.strip()


def _values(value: str) -> list[str]:
    """Parted by commas that stand in no quotes."""
    found = [each[1] for each in _VALUES.finditer(value)]
    return [_quoted_where_needed(each) for each in found if each] or [quoted("")]


def _quoted_where_needed(value: str) -> str:
    """People write `Paid Search` without quotes; a value that is whole by itself stays as it is written."""
    return value if _WHOLE.fullmatch(value) and value.lower() not in KEYWORDS else quoted(value)


def _bared(value: str) -> str:
    """Without the quotes that are put around it again."""
    if len(value) > 2 and value[0] == value[-1] == '"':
        inner = value[1:-1]
        if inner == inner.strip() and "\\" not in inner and '"' not in inner and _quoted_where_needed(inner) == value:
            return inner
    return value
