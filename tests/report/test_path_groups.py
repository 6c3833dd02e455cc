"""Groups of paths against plain tuples, also of paths that come later."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dni.report.path_groups import PathGroups, extended, grouped

Path = tuple[int, int, int]

paths = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 70_000), st.integers(0, 3)), min_size=1, max_size=40)


def columns(some: list[Path]) -> list[np.ndarray]:
    return [np.array([path[at] for path in some], np.int32) for at in range(3)]


def told(groups: PathGroups) -> list[Path]:
    return [tuple(int(code) for code in groups.told[:, number]) for number in groups.numbers]  # type: ignore[misc]


@given(paths)
def test_paths_are_of_one_group_when_they_are_the_same(some: list[Path]) -> None:
    groups = grouped(columns(some))
    assert told(groups) == some
    assert groups.many == len(set(some))


@given(paths, paths, paths)
def test_paths_that_come_later_find_their_groups(some: list[Path], later: list[Path], latest: list[Path]) -> None:
    known = grouped(columns(some))
    groups = extended(known, columns(later + some[:3]))
    assert told(groups) == some + later + some[:3]
    assert groups.many == len({*some, *later})
    # Who holds only the first ones begins from them again.
    again = extended(groups.first(len(some)), columns(latest))
    assert told(again) == some + latest
