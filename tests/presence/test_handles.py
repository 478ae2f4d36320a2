"""Handles: enough of them, kind ones, told apart at a glance, the same for the same pseudonym."""

import re
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from presence.handles import COMBINATIONS, FIRST, MAX_CANDIDATES, SECOND, candidates

pseudonyms = st.binary(max_size=200)

FORBIDDEN = {
    "gender and age": """
        boy girl man men woman women male female lady gentleman sir madam king queen prince princess
        lord dame bull cow hen cock stag doe buck mare ram ewe drake bitch young old elder baby
        senior junior
    """,
    "names that are people's": """
        robin martin jay rose lily iris daisy violet holly ivy heather hazel ruby pearl jade amber
        opal coral olive ginger sandy rusty misty dusty dawn summer autumn april may june rowan
        willow brook cliff glen dale heath reed wren laurel myrtle fern basil sage rosemary poppy
        marigold aurora bryony jasper jack
    """,
    "nation, people and place": """
        polish finnish turkish turkey china japan jersey creek crow kiwi kangaroo moor gypsy roman
        norman native tribal tartan cashmere damask savanna spaniel thistle maple eagle bear
        cherokee
    """,
    "colour of people": """
        white black brown yellow red pale dark fair tan tawny olive ebony ivory bronze dusky swarthy
        cinnamon mocha caramel coconut banana cotton raccoon ape monkey gorilla baboon lemur
    """,
    "rank": """
        noble royal regal imperial major general private admiral captain colonel bishop cardinal
        monarch emperor chief master supreme prime ermine crown throne knight peer peasant slave
        servant skipper
    """,
    "religion": """
        holy sacred divine heavenly blessed angelic saint temple altar dove lamb lotus lama priest
        monk nun god devil demon hell grace ark hyssop muslin pious pastoral celestial
    """,
    "illness, medicine and body": """
        ill sick sore acute chronic benign stable critical vital patient ward orderly nurse shingles
        thrush cancer crab tonic bitter colic gauze plaster stitch cell spine vein palm sole calf
        heel chest mole pupil temple drum canal joint marrow tender numb lame mute blind deaf dumb
        fat thin slim plump heavy obese novel delta corona pangolin leech tick louse zebra valerian
        lichen digitalis foxglove sallow mottled
    """,
    "frightening or about death": """
        grave grim ghost ghoul spider snake viper wolf shark raven vulture bat rat hemlock
        nightshade yew cypress late still ledge bridge rail rope razor drown burn bleeding scarlet
        corpse bone skull avalanche storm thunder monsoon hurricane cut hollow lone lonely weary
        gloomy weeping
    """,
    "insulting or crude": """
        dull dense thick slow silly daft batty loony nutty cuckoo loon goose donkey ass pig swine
        sheep shrew toad worm slug sloth weasel skunk tit booby beaver pansy fruity queer gay
        straight naughty randy horny wet moist lush dodo turnip lemon hussy butt butte bum trump
        squash drongo gannet magpie urchin prawn mean vain sly shady shifty crooked cheap plain
        homely coarse crude vulgar common wild feral tame
    """,
    "drugs": """
        high stoned baked wired spiced grass weed crystal speed crack dope smack poppy hash snow
        coke drunk tipsy
    """,
}


@pytest.mark.parametrize("words", [FIRST, SECOND], ids=["first", "second"])
def test_words_are_short_lower_case_sorted_and_single(words: tuple[str, ...]) -> None:
    assert all(re.fullmatch(r"[a-z]{3,9}", word) for word in words)
    assert all(before < after for before, after in pairwise(words))


def test_there_are_more_than_a_hundred_thousand() -> None:
    assert COMBINATIONS == len(FIRST) * len(SECOND) > 100_000
    assert not set(FIRST) & set(SECOND)


@pytest.mark.parametrize("kind", FORBIDDEN)
def test_no_word_can_be_taken_amiss(kind: str) -> None:
    assert not set(FORBIDDEN[kind].split()) & {*FIRST, *SECOND}


def test_no_word_is_one_letter_from_another() -> None:
    def shapes(word: str) -> set[str]:
        """Two words share one of these exactly when one change of a letter makes one the other."""
        gaps = {word[:at] + "?" + word[at + 1 :] for at in range(len(word))}
        return gaps | {word[:at] + "?" + word[at:] for at in range(len(word) + 1)}

    owners: dict[str, str] = {}
    for word in (*FIRST, *SECOND):
        for shape in shapes(word):
            assert owners.setdefault(shape, word) == word


@pytest.mark.parametrize("words", [FIRST, SECOND], ids=["first", "second"])
def test_no_two_words_of_a_list_begin_alike(words: tuple[str, ...]) -> None:
    begins = Counter(word[:5] for word in words)
    assert [begin for begin, often in begins.items() if often > 1] == []


@given(pseudonyms, st.integers(0, 60), st.integers(0, 2**70))
def test_candidates_are_different_handles_and_always_the_same(pseudonym: bytes, n: int, draw: int) -> None:
    drawn = candidates(pseudonym, n, draw)
    assert len(set(drawn)) == len(drawn) == n
    assert {word for handle in drawn for word in handle.split("-")} <= {*FIRST, *SECOND}
    assert all(re.fullmatch(r"[a-z]+-[a-z]+", handle) for handle in drawn)
    assert drawn == candidates(pseudonym, n, draw)
    assert candidates(pseudonym, n + 5, draw)[:n] == drawn


def test_candidates_stay_what_they_are() -> None:
    """Who comes back gets the same handle, after an upgrade too."""
    assert candidates(b"pseudonym", 3) == ("reliable-greenwood", "ochre-finch", "mindful-island")
    assert candidates(b"pseudonym", 1, 1) == ("witty-coppice",)


def test_every_pseudonym_and_every_draw_is_a_list_of_its_own() -> None:
    lists = {
        candidates(pseudonym, 4, draw)
        for pseudonym in (b"", b"a", b"b", b"a" * 64, b"a" * 65)
        for draw in range(5)
    }
    assert len(lists) == 25


def test_all_combinations_are_equally_likely() -> None:
    """Chi-square over 40,000 first candidates, each list by itself: within five standard deviations."""
    drawn = [candidates(number.to_bytes(4, "big"), 1)[0].split("-") for number in range(40_000)]
    for place, words in enumerate((FIRST, SECOND)):
        often = Counter(pair[place] for pair in drawn)
        expected = len(drawn) / len(words)
        chi_square = sum((often[word] - expected) ** 2 / expected for word in words)
        degrees = len(words) - 1
        assert abs(chi_square - degrees) < 5 * (2 * degrees) ** 0.5


@pytest.mark.parametrize(("n", "draw"), [(-1, 0), (MAX_CANDIDATES + 1, 0), (1, -1)])
def test_arguments_out_of_bounds_are_refused(n: int, draw: int) -> None:
    with pytest.raises(ValueError, match="0"):
        candidates(b"pseudonym", n, draw)


def test_as_many_as_allowed_can_be_drawn() -> None:
    assert len(set(candidates(b"pseudonym", MAX_CANDIDATES))) == MAX_CANDIDATES
