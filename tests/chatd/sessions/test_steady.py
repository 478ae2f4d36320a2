"""The time of day in small steps: followed where it is mended, doubted where it jumps."""

from itertools import pairwise

from chatd.steady import BELIEVE_S, NEAR_S, SteadyClock


class Clocks:
    """A system's two clocks, as a test sets them."""

    def __init__(self) -> None:
        self.monotonic_s = 100.0
        self.wall_s = 1_000_000.0
        self.steady = SteadyClock(lambda: self.wall_s, lambda: self.monotonic_s)

    def passes(self, seconds: float) -> list[float]:
        """What the clock says, second by second."""
        said = []
        for _ in range(round(seconds)):
            self.monotonic_s += 1
            self.wall_s += 1
            said.append(self.steady())
        return said


def test_it_says_what_the_system_says() -> None:
    clocks = Clocks()
    assert clocks.steady() == 1_000_000.0
    assert clocks.passes(5)[-1] == 1_000_005.0
    assert clocks.steady.doubted_s == 0


def test_what_is_mended_bit_by_bit_is_followed_at_once() -> None:
    clocks = Clocks()
    for _ in range(100):
        clocks.wall_s += NEAR_S / 2
        clocks.passes(1)
    assert clocks.steady() == clocks.wall_s == 1_000_100.0 + 50 * NEAR_S


def test_a_jump_that_is_taken_back_was_none() -> None:
    for jump_s in (3_600.0, -3_600.0):
        clocks = Clocks()
        clocks.wall_s += jump_s
        said = clocks.passes(BELIEVE_S - 2)
        assert said[0] == 1_000_001.0
        assert clocks.steady.doubted_s == jump_s
        clocks.wall_s -= jump_s
        said += clocks.passes(BELIEVE_S + 5)
        assert all(later - sooner == 1 for sooner, later in pairwise(said))
        assert clocks.steady.doubted_s == 0


def test_a_jump_that_stands_is_believed() -> None:
    for jump_s in (3_600.0, -3_600.0):
        clocks = Clocks()
        clocks.passes(10)
        clocks.wall_s += jump_s
        clocks.passes(BELIEVE_S + 2)
        assert clocks.steady() == clocks.wall_s
        assert clocks.steady.doubted_s == 0


def test_a_clock_that_jumps_again_and_again_is_not_believed() -> None:
    clocks = Clocks()
    for n in range(20):
        clocks.wall_s += 1_000 if n % 2 else -2_000
        clocks.passes(BELIEVE_S / 2)
    assert clocks.steady() == 100.0 + 1_000_000 - 100 + 20 * BELIEVE_S / 2
