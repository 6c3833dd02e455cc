from dni.pool.plot import plot


def test_a_curve_stands_where_its_shares_are() -> None:
    lines = plot({"o": lambda count: 1 / count}, 1, 100, 50)
    assert all(len(line) <= 80 and line.isascii() for line in lines)
    rows = {line[:8].strip(" |"): line[8:] for line in lines[:10]}
    assert rows["100%"].startswith("o")
    assert rows["1%"].rstrip().endswith("o")
    assert not rows["0.1%"].strip(" |")
    at = {line[8:].find("|") for line in lines[:10] if "|" in line[8:]}
    assert at == {lines[-1].find("50") - 8 + 1}


def test_two_curves_that_meet_are_told() -> None:
    lines = plot({"o": lambda _: 0.5, "+": lambda count: 0.5 if count < 5 else 0.0}, 1, 9, 5)
    half = next(line for line in lines if line.startswith("   50%"))
    assert "*" in half
    assert "o" in half
    assert "+" not in "".join(lines[:10])


def test_ends_that_would_touch_the_answer_are_left_out() -> None:
    assert plot({}, 99_091, 150_000, 99_092)[-1].split() == ["99092", "150000"]
