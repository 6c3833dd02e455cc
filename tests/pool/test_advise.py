import json

import pytest

from dni import cli
from dni.errors import BadArgument, UsageError
from dni.pool.advise import Advice, Given, advise, read
from dni.pool.measure import Measured
from dni.pool.sizing import AroundMean, AsMeasured
from dni.pool.sizing_text import as_json, as_text

MEASURED = Measured(
    pools=1, numbers=20, hold_seconds=60, leases=5_000, arrivals_per_hour=100, busiest_hour_ms=1_799_938_800_000,
    refused=3, visits=4_980, visit_seconds=90, calls=400, delays=tuple(float(10 * each) for each in range(100)),
)  # fmt: skip


def _advice(measured: Measured | None = None, **given: str) -> Advice:
    return advise(read(Given(from_ledger=measured is not None, **given)), measured)


@pytest.mark.parametrize(
    "option", ["arrivals_per_hour", "visit_seconds", "hold_seconds", "blocking", "call_delay_seconds"]
)
@pytest.mark.parametrize("text", ["-5", "nan", "inf", "-inf", "many", "", "1e999", "1%"])
def test_a_bad_argument_gets_one_line_that_names_it(option: str, text: str) -> None:
    good = {"arrivals_per_hour": "200", "visit_seconds": "180"}
    with pytest.raises(BadArgument) as refused:
        read(Given(**{**good, option: text}))  # type: ignore[arg-type]
    assert refused.value.detail.startswith("--" + option.replace("_", "-"))
    assert repr(text) in refused.value.detail
    assert "\n" not in refused.value.detail


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("arrivals_per_hour", "0"),
        ("visit_seconds", "0"),
        ("blocking", "0"),
        ("blocking", "1"),
        ("blocking", "1.5"),
        ("call_delay_seconds", "0"),
    ],
)
def test_bounds_are_part_of_what_is_refused_or_not(option: str, text: str) -> None:
    with pytest.raises(BadArgument):
        read(Given(**{"arrivals_per_hour": "200", "visit_seconds": "180", option: text}))  # type: ignore[arg-type]
    assert read(Given(arrivals_per_hour="200", visit_seconds="180", hold_seconds="0")).hold_seconds == 0


def test_what_is_missing_is_named() -> None:
    for given, words in (
        (Given(), "--arrivals-per-hour and --visit-seconds"),
        (Given(arrivals_per_hour="1"), "say --visit-seconds, or --from-ledger"),
        (Given(arrivals_per_hour="1", visit_seconds="1", pool="pol_1"), "--pool goes with --from-ledger"),
    ):
        with pytest.raises(BadArgument) as refused:
            read(given)
        assert words in refused.value.detail


def test_traffic_beyond_all_measure_is_refused() -> None:
    with pytest.raises(BadArgument) as refused:
        _advice(arrivals_per_hour="1e9", visit_seconds="1e6")
    assert "erlangs" in refused.value.detail


def test_the_command_says_18_and_93(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    visits = ["size", "--arrivals-per-hour", "200", "--visit-seconds", "180"]
    for more, count in ((["--hold-seconds", "0", "--blocking", "0.01"], 18), (["--hold-seconds", "1200"], 93)):
        assert _command([*visits, *more], monkeypatch) == 0
        assert capsys.readouterr().out.startswith(f"You need {count} numbers:")


@pytest.mark.parametrize("wrong", [["--blocking", "1"], ["--hold-seconds", "-1"], ["--visit-seconds", "nan"]])
def test_the_command_refuses_in_one_line_with_status_2(
    wrong: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _command(["size", "--arrivals-per-hour", "200", "--visit-seconds", "180", *wrong], monkeypatch) == 2
    out, told = capsys.readouterr()
    assert not out
    assert told.startswith(f"dni: {wrong[0]}: ")
    assert told.count("\n") == 1


def _command(words: list[str], patch: pytest.MonkeyPatch) -> int:
    """Exit status of `dni` with these words."""
    patch.setattr("sys.argv", ["dni", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


def test_a_pool_is_sized_from_arguments_alone() -> None:
    advice = _advice(arrivals_per_hour="200", visit_seconds="180", hold_seconds="0", blocking="0.01")
    assert advice.numbers == 18
    assert advice.demand.delay == AroundMean(600)
    assert advice.sources == {"arrivals_per_hour": "given", "visit_seconds": "given", "hold_seconds": "given",
                              "call_delay_seconds": "assumed"}  # fmt: skip
    assert [row.numbers for row in advice.rows] == [14, 16, 18, 20, 22, 27, 36, 54, 89]
    assert advice.numbers_for_few_late == 89
    assert _advice(arrivals_per_hour="200", visit_seconds="180").demand.hold_seconds == 120


def test_what_is_given_beats_what_is_measured() -> None:
    measured = _advice(MEASURED)
    assert measured.demand.arrivals_per_hour == 100
    assert measured.demand.visit_seconds == 90
    assert measured.demand.hold_seconds == 60
    assert measured.demand.delay == AsMeasured(MEASURED.delays or ())
    mixed = _advice(MEASURED, visit_seconds="30", hold_seconds="0", call_delay_seconds="40")
    assert mixed.demand.arrivals_per_hour == 100
    assert (mixed.demand.visit_seconds, mixed.demand.hold_seconds) == (30, 0)
    assert mixed.demand.delay == AroundMean(40)
    assert mixed.sources["arrivals_per_hour"] == "measured"
    assert mixed.sources["visit_seconds"] == "given"


def test_too_little_in_the_ledger_says_what_is_missing_and_what_helps() -> None:
    little = Measured(pools=1, numbers=20, hold_seconds=60, leases=7, arrivals_per_hour=None, busiest_hour_ms=None,
                      refused=0, visits=2, visit_seconds=None, calls=4, delays=None)  # fmt: skip
    with pytest.raises(UsageError) as refused:
        _advice(little)
    assert not isinstance(refused.value, BadArgument)
    for words in ("7 leases", "100", "2 finished visits", "30", "--arrivals-per-hour", "--visit-seconds"):
        assert words in refused.value.detail
    helped = _advice(little, arrivals_per_hour="20", visit_seconds="60")
    assert helped.demand.hold_seconds == 60
    assert "4 of 30 calls that it takes to measure" in as_text(helped)


@pytest.mark.parametrize(
    "given",
    [
        {"arrivals_per_hour": "200", "visit_seconds": "180", "hold_seconds": "0"},
        {"arrivals_per_hour": "0.001", "visit_seconds": "0.001", "call_delay_seconds": "31536000"},
        {"arrivals_per_hour": "1e9", "visit_seconds": "3.6", "hold_seconds": "0", "blocking": "1e-300"},
        {"arrivals_per_hour": "2e6", "visit_seconds": "180", "hold_seconds": "0", "blocking": "0.99"},
        {"arrivals_per_hour": "3", "visit_seconds": "31536000"},
    ],
)
def test_the_text_begins_with_the_number_and_fits_80_columns(given: dict[str, str]) -> None:
    advice = _advice(None, **given)
    text = as_text(advice)
    assert text.startswith(f"You need {advice.numbers:,} number")
    assert max(len(line) for line in text.splitlines()) <= 80
    assert text.isascii()


def test_the_text_of_a_measured_pool_says_what_was_measured() -> None:
    text = as_text(_advice(MEASURED))
    for words in ("Thu 2027-01-14 from 15:00 UTC (3 refused)", "400 calls; 1% during the visit", "20 numbers"):
        assert words in text, text
    assert max(len(line) for line in text.splitlines()) <= 80


def test_json_has_the_same_for_scripts() -> None:
    told = json.loads(as_json(_advice(MEASURED)))
    assert told["numbers"] == _advice(MEASURED).numbers
    assert told["inputs"]["arrivals_per_hour"] == 100
    assert told["measured"]["refused"] == 3
    assert {"numbers", "blocking", "rest_seconds", "calls_after_reuse"} == set(told["rows"][0])
