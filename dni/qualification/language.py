"""The language of conditions: `talk >= 90s and region in (CA, NV) and not repeat(30d)`. Pure.

docs/terms.md tells it to people, with its grammar. Characters become tokens, and tokens the tree of
`dni.qualification.expression`, from the left to the right and with one token's look ahead.
"""

import re
from functools import lru_cache

import msgspec

from dni.errors import InvalidField
from dni.qualification import words
from dni.qualification.expression import ALWAYS, Expression, Not, Test, all_of, either_of
from dni.qualification.words import EQUAL, KEYWORDS, ORDERED, WORDS, Given, Word, near
from dni.routing import hours as opening

NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
LONGEST, DEEPEST, MOST_TERMS = 2_000, 20, 100
LONGEST_NAME = 100

_WORD, _QUOTED, _END = "word", "quoted", "end"
_BARE = re.compile(r"[\w.+*%#:/@~$?-]+")
_OPERATOR = re.compile(r"<=|>=|!=|=|<|>")
_BLANK = re.compile(r"[ \t\r\n]+")
_MEANT = {
    "==": "=",
    "<>": "!=",
    "=<": "<=",
    "=>": ">=",
    "&&": "and",
    "&": "and",
    "||": "or",
    "|": "or",
    "!": "not",
    "≥": ">=",
    "≤": "<=",
    "≠": "!=",
}
_QUOTES = {'"': '"', "'": "'"}
_ESCAPED = "\\\"'*"
_EXAMPLE = "such as talk >= 90s"


class Unreadable(InvalidField):
    """A condition that cannot be read. `at`, `until`: the characters that are wrong, from 0, `until` not among them."""

    def __init__(self, path: str, message: str, at: int, until: int) -> None:
        super().__init__(path, message)
        self.at, self.until = at, until


class _Token(msgspec.Struct, frozen=True):
    """`kind`: `word`, `quoted`, `end`, or itself: an operator, a bracket, a comma."""

    kind: str
    at: int
    until: int
    text: str = ""
    pattern: str = ""

    @property
    def keyword(self) -> str:
        return self.text.lower() if self.kind == _WORD else self.kind


class _Wrong(Exception):
    def __init__(self, at: int, until: int, message: str) -> None:
        self.at, self.until, self.message = at, until, message


def parse(text: str, path: str = "", hours: frozenset[str] = frozenset()) -> Expression:
    """The condition that `text` says, in its plain form. `hours`: names that `during` may take.

    Raises Unreadable with the position, what stands there, and what would be right.
    """
    try:
        return _parse(text, hours)
    except _Wrong as wrong:
        place = _place(text, wrong.at)
        raise Unreadable(path, f"{place}: {wrong.message}", wrong.at, wrong.until) from None


@lru_cache(4_096)
def _parse(text: str, hours: frozenset[str]) -> Expression:
    if len(text) > LONGEST:
        raise _Wrong(LONGEST, len(text), f"at most {LONGEST:,} characters")
    tokens = _tokens(text)
    return ALWAYS if tokens[0].kind == _END else _Parser(tokens, hours).whole()


def _place(text: str, at: int) -> str:
    line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
    return f"line {line}, character {column}" if "\n" in text.strip() else f"character {at + 1}"


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    at = 0
    while at < len(text):
        if blank := _BLANK.match(text, at):
            at = blank.end()
            continue
        found.append(_token(text, at))
        at = found[-1].until
    return [*found, _Token(_END, at, at)]


def _token(text: str, at: int) -> _Token:
    if bare := _BARE.match(text, at):
        return _Token(_WORD, at, bare.end(), bare[0], bare[0])
    if text[at] in "(),":
        return _Token(text[at], at, at + 1, text[at])
    if text[at] in _QUOTES:
        return _quoted(text, at)
    operator = _OPERATOR.match(text, at)
    for length in (2, 1):
        written = text[at : at + length]
        if written in _MEANT and not (operator and length == 1):
            raise _Wrong(at, at + len(written), f"write {_MEANT[written]} for {written}")
    if operator:
        return _Token(operator[0], at, operator.end(), operator[0])
    shown = repr(text[at]) if text[at].isprintable() else f"U+{ord(text[at]):04X}"
    raise _Wrong(at, at + 1, f"{shown} stands for nothing here; texts with such characters need quotes")


def _quoted(text: str, begin: int) -> _Token:
    plain: list[str] = []
    pattern: list[str] = []
    at = begin + 1
    while at < len(text):
        char = text[at]
        if char == text[begin]:
            return _Token(_QUOTED, begin, at + 1, "".join(plain), "".join(pattern))
        if char == "\\":
            char = text[at + 1 : at + 2]
            if not char or char not in _ESCAPED:
                raise _Wrong(at, min(at + 2, len(text)), "a \\ stands before \", ', * or another \\ only")
            at += 1
            pattern.append(char if char in _QUOTES else f"\\{char}")
        elif not char.isprintable():
            raise _Wrong(at, at + 1, f"a text has no control characters and line breaks, such as U+{ord(char):04X}")
        else:
            pattern.append(char)
        plain.append(char)
        at += 1
    raise _Wrong(begin, len(text), "the text that begins here has no closing quote")


class _Parser:
    """One function a rule of the grammar."""

    def __init__(self, tokens: list[_Token], hours: frozenset[str]) -> None:
        self._tokens, self._hours = tokens, hours
        self._place = self._depth = self._terms = 0

    @property
    def _now(self) -> _Token:
        return self._tokens[self._place]

    def _next(self) -> _Token:
        token = self._now
        self._place += token.kind != _END
        return token

    def whole(self) -> Expression:
        found = self._either()
        if self._now.kind != _END:
            token = self._now
            if token.kind == ")":
                raise _wrong(token, "this ) closes nothing")
            raise _wrong(token, f"'and' or 'or' was expected between two terms, not {_shown(token)}")
        return found

    def _either(self) -> Expression:
        parts = [self._all()]
        while self._now.keyword == "or":
            self._next()
            parts.append(self._all())
        return either_of(*parts)

    def _all(self) -> Expression:
        parts = [self._one()]
        while self._now.keyword == "and":
            self._next()
            parts.append(self._one())
        return all_of(*parts)

    def _one(self) -> Expression:
        token = self._now
        if token.keyword not in ("not", "("):
            return self._term()
        self._next()
        self._depth += 1
        if self._depth > DEEPEST:
            raise _wrong(token, f"brackets and not are nested at most {DEEPEST} deep")
        if token.keyword == "not":
            found: Expression = Not(self._one())
        else:
            found = self._either()
            if self._next().kind != ")":
                self._unclosed(token)
        self._depth -= 1
        return found

    def _unclosed(self, opening: _Token) -> None:
        token = self._tokens[self._place - 1] if self._now.kind != _END else self._now
        if token.kind == _END:
            raise _wrong(opening, "this ( is never closed")
        raise _wrong(token, f"'and', 'or' or ) was expected, not {_shown(token)}")

    def _term(self) -> Expression:
        token = self._next()
        self._terms += 1
        if self._terms > MOST_TERMS:
            raise _wrong(token, f"at most {MOST_TERMS} terms")
        name = token.text.lower() if token.kind == _WORD else ""
        word = WORDS.get(name)
        if word is None or name in KEYWORDS:
            raise _wrong(token, _no_word(token))
        if name == "repeat":
            return Test("repeat", values=(self._span(),))
        if name == "during":
            return self._during()
        if not word.kind.operators:
            if self._now.kind in (*EQUAL, *ORDERED) or self._now.keyword == "in":
                raise _wrong(self._now, f"{name} stands alone: write {name}, or not {name}")
            return Test(name)
        named = self._named(name, word) if word.has_name else ""
        operator = self._operator(name, word)
        values = self._values(name, word) if "in" in operator else self._value(name, word)
        if len(values) > 1 and "in" not in operator:  # a stretch of days
            operator = "in" if operator == "=" else "not in"
        return Test(name, operator, tuple(dict.fromkeys(values)), named)

    def _named(self, name: str, word: Word) -> str:
        """What stands in the brackets of custom(…) and param(…)."""
        self._expect("(", f"{name} needs a name in brackets, such as {word.example}")
        token = self._next()
        if token.kind not in (_WORD, _QUOTED) or not 0 < len(token.text) <= LONGEST_NAME:
            raise _wrong(token, f"a name of 1 to {LONGEST_NAME} characters was expected, such as {word.example}")
        self._expect(")", ") was expected behind the name")
        return token.text.lower() if name == "param" else token.text

    def _operator(self, name: str, word: Word) -> str:
        token = self._next()
        known = word.kind.operators
        operator = token.keyword
        if operator == "not" and self._now.keyword == "in":
            self._next()
            operator = "not in"
        elif operator == "is":
            raise _wrong(token, "write = for is")
        if operator in known:
            return operator
        if operator in (*EQUAL, *ORDERED, "in", "not in"):
            last = self._tokens[self._place - 1]
            raise _Wrong(token.at, last.until, f"{name} is compared by {_or(known)}, not by {operator}")
        raise _wrong(token, f"{name} needs a comparison, such as {word.example}, not {_shown(token)}")

    def _values(self, name: str, word: Word) -> tuple[words.Value, ...]:
        opening = self._expect("(", f"values in brackets were expected, such as {word.example}")
        found = list(self._value(name, word))
        while (token := self._next()).kind == ",":
            found += self._value(name, word)
        if token.kind == _END:
            raise _wrong(opening, "this ( is never closed")
        if token.kind != ")":
            raise _wrong(token, f", or ) was expected, not {_shown(token)}")
        return tuple(found)

    def _value(self, name: str, word: Word) -> tuple[words.Value, ...]:
        token = self._next()
        if token.kind not in (_WORD, _QUOTED):
            raise _wrong(token, f"a value was expected, such as {word.example}, not {_shown(token)}")
        try:
            return word.kind.read(Given(token.text, token.pattern, token.kind == _QUOTED))
        except ValueError as error:
            raise _wrong(token, f"{_shown(token)} does not fit {name}, which takes {error}") from None

    def _span(self) -> int:
        self._expect("(", "repeat needs a span of time in brackets: repeat(30d)")
        token = self._next()
        try:
            found = words.read_span(token.text)
        except ValueError as error:
            raise _wrong(token, f"{_shown(token)} does not fit repeat, which takes {error}") from None
        self._expect(")", ") was expected behind the span of time")
        return found

    def _during(self) -> Expression:
        self._expect("(", 'during needs hours in brackets: during(business), or during("Mo-Fr 09:00-17:00")')
        token = self._next()
        if token.kind == _QUOTED:
            try:
                opening.read(token.text)
            except InvalidField as error:
                raise _wrong(token, error.errors[0].message) from None
            found = Test("during", values=(token.text,))
        elif token.kind == _WORD and token.text.lower() in self._hours:
            found = Test("during", name=token.text.lower())
        else:
            raise _wrong(token, f"no hours are called {_shown(token)}{self._hours_known(token)}")
        self._expect(")", ") was expected behind the hours")
        return found

    def _hours_known(self, token: _Token) -> str:
        if guess := near(token.text, self._hours):
            return guess
        known = f": {_or(tuple(sorted(self._hours)))} are" if self._hours else ": none are named"
        return f'{known}. Or write them in quotes: during("Mo-Fr 09:00-17:00")'

    def _expect(self, kind: str, message: str) -> _Token:
        token = self._next()
        if token.kind != kind:
            raise _wrong(token, f"{message}; not {_shown(token)}")
        return token


def _no_word(token: _Token) -> str:
    if token.kind == _END:
        return f"the text ends where a term was expected, {_EXAMPLE}"
    if token.kind != _WORD or token.text.lower() in KEYWORDS:
        return f"a term was expected, {_EXAMPLE}, not {_shown(token)}"
    return (
        f"{_shown(token)} is no word of conditions{near(token.text, tuple(WORDS)) or f'; they are {_or(tuple(WORDS))}'}"
    )


def _wrong(token: _Token, message: str) -> _Wrong:
    return _Wrong(token.at, token.until, message)


def _shown(token: _Token) -> str:
    if token.kind == _END:
        return "the end of the text"
    return repr(token.text if len(token.text) <= 40 else f"{token.text[:40]}…")


def _or(words_known: tuple[str, ...]) -> str:
    *others, last = words_known
    return f"{', '.join(others)} or {last}" if others else last
