"""A condition as a tree of values, and its one way to be written. Pure."""

from collections.abc import Iterator

import msgspec

from dni.qualification.words import WORDS, Value, quoted, span, text


class Test(msgspec.Struct, frozen=True):
    """What a call is asked for: one term of a condition.

    word      of `dni.qualification.words`
    operator  `= != < <= > >= in` or `not in`; `""` where the word stands alone (`answered`, `repeat(30d)`)
    values    what it is compared with: seconds of `talk` and `repeat`, Decimals of percent and money, else texts, in
              which `*` is any run of characters where the word allows that, and `\\` makes the next one plain
    name      of `custom(name)`, `param(name)` and `during(name)`
    """

    __test__ = False

    word: str
    operator: str = ""
    values: tuple[Value, ...] = ()
    name: str = ""


class All(msgspec.Struct, frozen=True):
    """Every part holds; without parts it always holds."""

    parts: tuple["Expression", ...] = ()


class Either(msgspec.Struct, frozen=True):
    """At least one part holds."""

    parts: tuple["Expression", ...]


class Not(msgspec.Struct, frozen=True):
    part: "Expression"


Expression = All | Either | Not | Test

ALWAYS = All()


def all_of(*parts: Expression) -> Expression:
    """In its plain form: one part stands for itself, and what is in an inner `and` is in this one."""
    flat = tuple(each for part in parts for each in (part.parts if isinstance(part, All) else (part,)))
    return flat[0] if len(flat) == 1 else All(flat)


def either_of(first: Expression, *others: Expression) -> Expression:
    """In its plain form, as `all_of`."""
    parts = (first, *others)
    flat = tuple(each for part in parts for each in (part.parts if isinstance(part, Either) else (part,)))
    return flat[0] if len(flat) == 1 else Either(flat)


def tests(expression: Expression) -> Iterator[Test]:
    """Its terms, from left to right."""
    if isinstance(expression, Test):
        yield expression
    elif isinstance(expression, Not):
        yield from tests(expression.part)
    else:
        for part in expression.parts:
            yield from tests(part)


def words_of(expression: Expression) -> frozenset[str]:
    """Which words it speaks of: `{"talk", "repeat"}`."""
    return frozenset(test.word for test in tests(expression))


def written(expression: Expression) -> str:
    """`language.parse` reads the same expression from it, if it is in its plain form; `""` always holds."""
    if isinstance(expression, Test):
        return _test(expression)
    if isinstance(expression, Not):
        inner = written(expression.part)
        return f"not ({inner})" if isinstance(expression.part, All | Either) else f"not {inner}"
    word = " and " if isinstance(expression, All) else " or "
    return word.join(_part(part) for part in expression.parts)


def _part(part: Expression) -> str:
    return f"({written(part)})" if isinstance(part, All | Either) else written(part)


def _test(test: Test) -> str:
    if test.word == "repeat":
        return f"repeat({span(int(test.values[0]))})"
    if test.word == "during":
        return f"during({test.name or quoted(str(test.values[0]))})"
    subject = f"{test.word}({text(test.name)})" if test.name else test.word
    if not test.operator:
        return subject
    values = [WORDS[test.word].kind.write(value) for value in test.values]
    return f"{subject} {test.operator} " + (f"({', '.join(values)})" if "in" in test.operator else values[0])
