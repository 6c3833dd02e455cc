"""The language of conditions: what is read, how it is written again, and where an error points."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dni.qualification.expression import ALWAYS, All, Either, Not, Test, all_of, either_of, words_of, written
from dni.qualification.language import Unreadable, parse
from dni.qualification.words import WORDS
from tests.qualification.conditions import expressions

HOURS = frozenset({"business", "late_2"})

# As people write it, and in its plain form; None: it is that already.
READ = [
    ("", None),
    (" \n\t", ""),
    ("talk >= 90s", None),
    ("talk >= 90", "talk >= 90s"),
    ("talk>=90s", "talk >= 90s"),
    ("TALK >= 90S", "talk >= 90s"),
    ("talk >= 2m", "talk >= 120s"),
    ("talk >= 1.5m", "talk >= 90s"),
    ("talk >= 1h", "talk >= 3600s"),
    ("talk > 0", "talk > 0s"),
    ("talk < 24h", "talk < 86400s"),
    ("talk = 5s", None),
    ("talk != 5s", None),
    ('talk >= "90s"', "talk >= 90s"),
    ("duration <= 10m", "duration <= 600s"),
    ("duration > 5", "duration > 5s"),
    ("answered", None),
    ("Answered", "answered"),
    ("not answered", None),
    ("NOT answered", "not answered"),
    ("not not answered", None),
    ("not (answered)", "not answered"),
    ("((answered))", "answered"),
    ("sale", None),
    ("not sale", None),
    ("status = completed", None),
    ("status in (no_answer, Busy)", "status in (no_answer, busy)"),
    ("region = CA", None),
    ("region = ca", "region = CA"),
    ("region = US-CA", None),
    ("region = us-ca", "region = US-CA"),
    ("region in (CA, NV)", None),
    ("region in(CA,NV)", "region in (CA, NV)"),
    ("region in (CA, CA, NV)", "region in (CA, NV)"),
    ("region in (OR, IN)", None),
    ('region in ("or", "in")', "region in (OR, IN)"),
    ("region not in (TX)", None),
    ("region NOT IN (TX)", "region not in (TX)"),
    ("region = ON", None),
    ("region != QC", None),
    ("country = US", None),
    ("country in (us, ca)", "country in (US, CA)"),
    ("country = NO", None),
    ("phone = mobile", None),
    ("phone in (Mobile, landline)", "phone in (mobile, landline)"),
    ("phone != voip", None),
    ("key = 1", None),
    ("key in (1, 2)", None),
    ("key in (*, #)", None),
    ("key = 12#", None),
    ("key not in (9)", None),
    ("source = google", None),
    ("source = Google", None),
    ('source = "google"', "source = google"),
    ("source = 'google'", "source = google"),
    ("source in (google, bing)", None),
    ('source = "(direct)"', None),
    ('source = "and"', None),
    ('source = "In"', None),
    ('keyword = ""', None),
    ("keyword = *free*", None),
    ('keyword = "*free trial*"', None),
    ('keyword = "100\\*"', None),
    ('keyword = "a\\\\b"', None),
    ('keyword = "say \\"hi\\""', None),
    ("keyword = 'say \"hi\"'", 'keyword = "say \\"hi\\""'),
    ("keyword = 'it\\'s'", 'keyword = "it\'s"'),
    ('keyword = "it\'s"', None),
    ('keyword = "naïve"', None),
    ("keyword = naïve", 'keyword = "naïve"'),
    ("keyword not in (*free*, *cheap*)", None),
    ("medium = cpc", None),
    ('channel = "Paid Search"', None),
    ("campaign = spring-2026_a.b", None),
    ("campaign != brand*", None),
    ("content = banner/1:2", None),
    ("content = a@b", None),
    ("content = 50%", 'content = "50%"'),
    ("content = what?", 'content = "what?"'),
    ("publisher = pub_0198c3", None),
    ("publisher not in (pub_1, pub_2)", None),
    ("destination = +14155550100", None),
    ('destination = "(415) 555-0100"', "destination = +14155550100"),
    ("custom(plan) = gold", None),
    ("custom( plan )=gold", "custom(plan) = gold"),
    ("CUSTOM(Plan) = gold", "custom(Plan) = gold"),
    ('custom("my plan") = gold', None),
    ('custom("a\\\\b") = gold', None),
    ('custom("or") = gold', None),
    ("custom(or) = gold", 'custom("or") = gold'),
    ("custom(plan) in (gold, silver)", None),
    ("custom(plan) not in (gold)", None),
    ("param(sub1) = 4711", None),
    ("param(SUB1) = 4711", "param(sub1) = 4711"),
    ("param(sub1) = 47*", None),
    ("confidence >= 80%", None),
    ('confidence >= "80 %"', "confidence >= 80%"),
    ("confidence > 99.50%", "confidence > 99.5%"),
    ("confidence < 100%", None),
    ("confidence = 0%", None),
    ("value >= 100.00", "value >= 100"),
    ("value >= 99.5", None),
    ("value < 0.005", None),
    ("value = 10000000000", None),
    ("value > 0", None),
    ("lead = appointment", None),
    ("lead in (appointment, quote)", None),
    ('lead = "no answer"', None),
    ("repeat(30d)", None),
    ("repeat(30)", "repeat(30d)"),
    ("repeat( 30D )", "repeat(30d)"),
    ("repeat(12h)", None),
    ("repeat(24h)", "repeat(1d)"),
    ("repeat(90m)", None),
    ("repeat(0.5d)", "repeat(12h)"),
    ("repeat(45s)", None),
    ("not repeat(7d)", None),
    ("during(business)", None),
    ("during(Business)", "during(business)"),
    ("during(late_2)", None),
    ('during("Mo-Fr 09:00-17:00")', None),
    ("during('Mo-Fr 09:00-17:00; PH off')", 'during("Mo-Fr 09:00-17:00; PH off")'),
    ('during("24/7")', None),
    ("not during(business)", None),
    ("day = Sa", None),
    ("day in (Sa, Su)", None),
    ("day in (sa, SUN)", "day in (Sa, Su)"),
    ("day = saturday", "day = Sa"),
    ("day = Mo-Fr", "day in (Mo, Tu, We, Th, Fr)"),
    ("day != Fr-Su", "day not in (Fr, Sa, Su)"),
    ("day in (Sa-Mo, We)", "day in (Sa, Su, Mo, We)"),
    ("hour >= 9", None),
    ("hour in (9, 10)", None),
    ("hour < 17 and hour >= 09", "hour < 17 and hour >= 9"),
    ("answered and sale", None),
    ("answered AND sale", "answered and sale"),
    ("answered\nand\r\n\tsale", "answered and sale"),
    ("answered or sale", None),
    ("answered and sale or talk > 5s", "(answered and sale) or talk > 5s"),
    ("answered or sale and talk > 5s", "answered or (sale and talk > 5s)"),
    ("(answered or sale) and talk > 5s", None),
    ("answered and (sale and talk > 5s)", "answered and sale and talk > 5s"),
    ("answered or (sale or talk > 5s)", "answered or sale or talk > 5s"),
    ("not (answered and sale)", None),
    ("not (answered or sale) and talk > 5s", None),
    ("not answered and sale", None),
    ("not source = google", None),
    (
        "talk >= 90s and region in (CA, NV) and not repeat(30d) and during(business)",
        None,
    ),
]

# What is between ⟦ and ⟧ is what the error points at; and a part of what it says.
WRONG = [
    ("⟦regoin⟧ = CA", "did you mean region?"),
    ("⟦talks⟧ >= 5", "did you mean talk?"),
    ("answered and ⟦slae⟧", "did you mean sale?"),
    ("⟦xyzzy⟧", "they are talk, duration, answered"),
    ("⟦talk_s⟧ >= 5", "did you mean talk?"),
    ("⟦campaign_name⟧ = x", "did you mean campaign?"),
    ("⟦90s⟧ <= talk", "is no word"),
    ('⟦"talk"⟧ >= 90s', "a term was expected"),
    ("⟦and⟧ answered", "a term was expected, such as talk >= 90s, not 'and'"),
    ("answered and⟦⟧", "the text ends where a term was expected"),
    ("answered and ⟦or⟧ sale", "a term was expected"),
    ("not⟦⟧", "the text ends where a term was expected"),
    ("(⟦)⟧", "a term was expected"),
    ("talk⟦⟧", "talk needs a comparison, such as talk >= 90s, not the end of the text"),
    ("talk ⟦90s⟧", "talk needs a comparison"),
    ("talk ⟦is⟧ 90s", "write = for is"),
    ("talk ⟦==⟧ 90s", "write = for =="),
    ("talk ⟦<>⟧ 90s", "write != for <>"),
    ("talk ⟦=>⟧ 90s", "write >= for =>"),
    ("talk ⟦=<⟧ 90s", "write <= for =<"),
    ("talk ⟦≥⟧ 90s", "write >= for ≥"),
    ("answered ⟦&&⟧ sale", "write and for &&"),
    ("answered ⟦||⟧ sale", "write or for ||"),
    ("⟦!⟧answered", "write not for !"),
    ("talk >=⟦⟧", "a value was expected, such as talk >= 90s, not the end of the text"),
    ("talk >= ⟦)⟧", "a value was expected"),
    ("talk >= ⟦x⟧", "'x' does not fit talk, which takes a length of time"),
    ("talk >= ⟦-5⟧", "does not fit talk"),
    ("talk >= ⟦90x⟧", "90s, 2m or 1h"),
    ("talk >= ⟦0.3s⟧", "90s, 2m or 1h"),
    ("talk >= ⟦25h⟧", "up to 24h"),
    ("talk >= ⟦99999999999999999999s⟧", "does not fit talk"),
    ("talk >= ⟦٣s⟧", "does not fit talk"),
    ("talk >= 90 ⟦seconds⟧", "'and' or 'or' was expected between two terms, not 'seconds'"),
    ("talk ⟦in⟧ (90s)", "talk is compared by =, !=, <, <=, > or >=, not by in"),
    ("talk ⟦not in⟧ (90s)", "not by not in"),
    ("talk ⟦not⟧ 90s", "talk needs a comparison"),
    ("source ⟦>=⟧ google", "source is compared by =, !=, in or not in, not by >="),
    ("answered ⟦=⟧ yes", "answered stands alone: write answered, or not answered"),
    ("sale ⟦in⟧ (yes)", "sale stands alone"),
    ("answered ⟦sale⟧", "'and' or 'or' was expected between two terms, not 'sale'"),
    ("answered⟦)⟧", "this ) closes nothing"),
    ("answered⟦,⟧ sale", "'and' or 'or' was expected"),
    ("⟦(⟧answered", "this ( is never closed"),
    ("sale and ⟦(⟧answered or (talk > 5)", "this ( is never closed"),
    ("(answered ⟦sale⟧)", "'and', 'or' or ) was expected, not 'sale'"),
    ("region in ⟦CA⟧", "values in brackets were expected, such as region in (CA, NV); not 'CA'"),
    ("region in (⟦)⟧", "a value was expected"),
    ("region in (CA,⟦)⟧", "a value was expected"),
    ("region in (CA ⟦NV⟧)", ", or ) was expected, not 'NV'"),
    ("region in ⟦(⟧CA, NV", "this ( is never closed"),
    ("region = ⟦XX⟧", "a state or province that area codes tell of"),
    ("region = ⟦US-ZZ⟧", "such as CA or US-CA"),
    ("region = ⟦GB-LND⟧", "a state or province"),
    ("region = ⟦USCA⟧", "did you mean US-CA?"),
    ("country = ⟦UK⟧", "did you mean GB?"),
    ("country = ⟦usa⟧", "did you mean US?"),
    ("country = ⟦Q1⟧", "a country's two letters"),
    ("phone = ⟦mobil⟧", "did you mean mobile?"),
    ("phone = ⟦fax⟧", "mobile, landline, voip, tollfree, payphone"),
    ("status = ⟦complete⟧", "did you mean completed?"),
    ("key = ⟦A⟧", "keys of a telephone"),
    ("key in (1, ⟦one⟧)", "keys of a telephone"),
    ('publisher = ⟦"my friend"⟧', "an id, such as"),
    ("destination = ⟦911x⟧", "a telephone number"),
    ("source = ⟦in⟧", 'if in is meant as one, write "in"'),
    ("source = ⟦and⟧ medium = cpc", 'write "and"'),
    ("custom ⟦=⟧ gold", "custom needs a name in brackets, such as custom(plan) = gold"),
    ("custom(⟦)⟧ = gold", "a name of 1 to 100 characters"),
    ('custom(⟦""⟧) = gold', "a name of 1 to 100 characters"),
    ("custom(a ⟦b⟧) = gold", ") was expected behind the name; not 'b'"),
    ("param(sub1)⟦⟧", "param needs a comparison"),
    ("confidence >= ⟦0.8⟧", "a share from 0% to 100%, such as 80%"),
    ("confidence >= ⟦101%⟧", "a share from 0% to 100%"),
    ("value >= ⟦$100⟧", "an amount in the campaign's currency, such as 100.00"),
    ("value >= 1⟦,⟧000", "'and' or 'or' was expected"),
    ("value >= ⟦1.0001⟧", "an amount"),
    ("value >= ⟦99999999999⟧", "an amount"),
    ("repeat⟦⟧", "repeat needs a span of time in brackets: repeat(30d); not the end of the text"),
    ("repeat ⟦30d⟧", "repeat needs a span of time in brackets"),
    ("repeat(⟦)⟧", "a span of time, up to 3650d"),
    ("repeat(⟦x⟧)", "30d, 12h or 90m"),
    ("repeat(⟦0d⟧)", "a span of time"),
    ("repeat(⟦3651d⟧)", "up to 3650d"),
    ("repeat(30d⟦⟧", ") was expected behind the span of time"),
    ("during(⟦busines⟧)", "did you mean business?"),
    ("during(⟦zzz⟧)", "no hours are called 'zzz': business or late_2 are"),
    ('during(⟦"Mo 9-5"⟧)', "no span of time"),
    ('during(⟦"Xx 09:00-17:00"⟧)', "is no day"),
    ('during(⟦""⟧)', "no hours"),
    ("during ⟦business⟧", "during needs hours in brackets"),
    ("during(business ⟦x⟧)", ") was expected behind the hours"),
    ("day = ⟦Xx⟧", "a day: Mo, Tu, We"),
    ("day = ⟦S⟧", "a day"),
    ("day = ⟦saterday⟧", "did you mean saturday?"),
    ("day in (⟦Mo-⟧)", "a day"),
    ("day ⟦>=⟧ Mo", "day is compared by"),
    ("hour >= ⟦24⟧", "an hour of the day"),
    ("hour >= ⟦9:00⟧", "an hour of the day"),
    ('source = ⟦"google⟧', "no closing quote"),
    ("source = ⟦'google\"⟧", "no closing quote"),
    ('source = "a⟦\\n⟧b"', "a \\ stands before"),
    ('source = "a⟦\\⟧', "a \\ stands before"),
    ('source = "a⟦\n⟧b"', "no control characters and line breaks"),
    ('source = "a⟦\x00⟧"', "such as U+0000"),
    ("source = a⟦\x00⟧", "U+0000 stands for nothing here"),
    ("source = ⟦“⟧google”", "texts with such characters need quotes"),
    ("talk >= 90s⟦;⟧", "';' stands for nothing here"),
    ("⟦\ufeff⟧talk >= 90s", "U+FEFF stands for nothing here"),
    ("answered\nand talk >= ⟦bla⟧\nand sale", "line 2, character 13: 'bla' does not fit talk"),
    ("answered\nand⟦⟧", "line 2, character 4: the text ends"),
]


@pytest.mark.parametrize(("text", "plain"), READ)
def test_what_people_write_has_one_plain_form(text: str, plain: str | None) -> None:
    found = parse(text, hours=HOURS)
    assert written(found) == (text if plain is None else plain)
    assert parse(written(found), hours=HOURS) == found


@pytest.mark.parametrize(("marked", "said"), WRONG)
def test_an_error_points_at_what_is_wrong(marked: str, said: str) -> None:
    at, until = marked.index("⟦"), marked.index("⟧") - 1
    text = marked.replace("⟦", "").replace("⟧", "")
    with pytest.raises(Unreadable) as caught:
        parse(text, "/payout/base/when", HOURS)
    error = caught.value
    assert (error.at, error.until) == (at, until), error.detail
    [field] = error.errors
    assert field.path == "/payout/base/when"
    assert said in field.message
    if "\n" not in text:
        assert field.message.startswith(f"character {at + 1}: ")


def test_what_the_tree_is_like() -> None:
    assert parse("") == ALWAYS
    assert parse("talk >= 90s and (region in (CA, nv) or not sale)") == All(
        (
            Test("talk", ">=", (90,)),
            Either((Test("region", "in", ("CA", "NV")), Not(Test("sale")))),
        )
    )
    assert parse("repeat(30d)") == Test("repeat", values=(2_592_000,))
    assert parse("during(business)", hours=HOURS) == Test("during", name="business")


def test_which_words_it_speaks_of() -> None:
    assert words_of(parse("not (answered or repeat(2d)) and custom(x) = 1")) == {"answered", "repeat", "custom"}
    assert words_of(parse("")) == frozenset()


def test_every_word_has_an_example_that_is_read() -> None:
    for name, word in WORDS.items():
        assert words_of(parse(word.example)) == {name}


def test_bounds() -> None:
    parse(" and ".join(["sale"] * 100))
    with pytest.raises(Unreadable, match="at most 100 terms"):
        parse(" and ".join(["sale"] * 101))
    parse("(" * 20 + "sale" + ")" * 20)
    for deep in ("(" * 900 + "sale", "not " * 400 + "sale", "(not " * 300):
        with pytest.raises(Unreadable, match="at most 20 deep"):
            parse(deep)
    with pytest.raises(Unreadable, match="at most 2,000 characters") as caught:
        parse("sale" + " " * 2_000)
    assert caught.value.at == 2_000
    with pytest.raises(Unreadable, match="at most 200 characters"):
        parse(f"source = {'a' * 201}")
    with pytest.raises(Unreadable, match="a name of 1 to 100"):
        parse(f"custom({'a' * 101}) = 1")


def test_a_long_wrong_word_is_not_told_whole() -> None:
    with pytest.raises(Unreadable) as caught:
        parse("x" * 1_000)
    assert len(caught.value.errors[0].message) < 400


@given(expressions())
def test_what_is_written_is_read_as_the_same(expression: All | Either | Not | Test) -> None:
    text = written(expression)
    found = parse(text, hours=HOURS)
    assert found == expression
    assert written(found) == text


@given(st.lists(expressions(), min_size=1, max_size=3))
def test_inner_wholes_of_one_kind_are_taken_in(parts: list[All | Either | Not | Test]) -> None:
    for join, kind in ((all_of, All), (either_of, Either)):
        whole = join(*parts)
        if isinstance(whole, kind):
            assert not any(isinstance(part, kind) for part in whole.parts)


_PIECES = [
    *WORDS,
    *("and", "or", "not", "in", "(", ")", ",", "=", "!=", "<", "<=", ">", ">=", "==", '"', "'", "\\", "*", " ", "\n"),
    *("90s", "30d", "80%", "100.00", "CA", "US-CA", "business", "Mo-Fr 09:00-17:00", "google", "é", "\x00", "\ud800"),
]


@settings(max_examples=500)
@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(_PIECES), max_size=30).map(" ".join)))
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    _read_or_refused(text)


@settings(max_examples=500)
@given(
    st.one_of(expressions().map(written), st.sampled_from([text for text, _ in READ])),
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 4), st.sampled_from([*_PIECES, ""])), max_size=3),
)
def test_a_broken_text_is_read_or_refused_with_a_place(text: str, changes: list[tuple[int, int, str]]) -> None:
    for at, gone, put in changes:
        place = at % (len(text) + 1)
        text = text[:place] + put + text[place + gone :]
    _read_or_refused(text)


def _read_or_refused(text: str) -> None:
    error: Unreadable | None = None
    try:
        found = parse(text, "/when", HOURS)
        assert parse(written(found), hours=HOURS) == found
    except Unreadable as raised:
        error = raised
    if error:
        assert 0 <= error.at <= error.until <= len(text)
        assert re.match(r"(line \d+, )?character \d+: .", error.errors[0].message)
