"""Who sees what of a session's log: every place, and no more than theirs."""

from typing import get_args

import pytest

from rooms.audience import DIFFERS, LateView, PrivateWord, seen_by, shown
from rooms.events import AnyEvent, Posted
from rooms.session_events import PRIVATE, UNSEEN, Hidden, Moderated, Restricted

ROOM = "quiet-hour"
MUTED = Restricted(
    room=ROOM, seq=4, at=60, handle="mild-otter", whose="calm-heron", limit="mute", on=True, rule="other"
)
HIDDEN = Hidden(
    room=ROOM, seq=5, at=60, handle="mild-otter", target=3, rule="other", reason="a ward", on=True
)
SAID = Posted(room=ROOM, seq=3, at=60, handle="calm-heron", text="on ward 7", reply_to=1)


def test_facilitators_see_everything_as_it_is() -> None:
    for event in (MUTED, HIDDEN, SAID):
        assert seen_by(event, facilitator=True) is event


def test_what_is_private_keeps_its_place_and_says_nothing() -> None:
    assert seen_by(MUTED, facilitator=False) == Moderated(room=ROOM, seq=4, at=60, handle="")


def test_why_a_post_was_hidden_is_not_for_all() -> None:
    seen = seen_by(HIDDEN, facilitator=False)
    assert isinstance(seen, Hidden)
    assert (seen.reason, seen.rule, seen.target, seen.seq) == ("", "other", 3, 5)


def test_nothing_else_differs_and_no_kind_is_forgotten() -> None:
    assert frozenset((*PRIVATE, *UNSEEN, Hidden)) == DIFFERS
    assert set(get_args(AnyEvent)) >= DIFFERS
    assert seen_by(SAID, facilitator=False) is SAID


@pytest.mark.parametrize(
    ("handle", "facilitator", "text"),
    [("calm-heron", False, "on ward 7"), ("mild-otter", True, "on ward 7"), ("warm-lamp", False, "")],
    ids=["the author", "a facilitator", "anybody else"],
)
def test_a_hidden_post_in_what_was_said(handle: str, facilitator: bool, text: str) -> None:
    post, _, private = shown([SAID, HIDDEN, MUTED], handle, facilitator=facilitator, hidden={3})
    assert isinstance(post, Posted)
    assert (post.text, post.hidden, post.seq, post.handle, post.reply_to) == (text, True, 3, "calm-heron", 1)
    assert isinstance(private, Restricted) is facilitator
    assert shown([SAID], handle, facilitator=facilitator, hidden=frozenset()) == [SAID]


@pytest.mark.parametrize(
    ("handle", "facilitator", "reads"),
    [("calm-heron", False, True), ("mild-otter", True, True), ("tall-pine", True, False)],
    ids=["whose line it is", "whose word it was", "another facilitator"],
)
def test_a_private_word_stays_between_two(handle: str, facilitator: bool, reads: bool) -> None:
    line = [Posted(room=ROOM, seq=seq, at=60, handle="calm-heron", text=f"{seq}") for seq in range(1, 8)]
    words = [PrivateWord("mild-otter", 1, 3), PrivateWord("mild-otter", 5)]
    seen = shown(line, handle, facilitator=facilitator, hidden=frozenset(), words=words)
    assert [event.seq for event in seen] == [event.seq for event in line]
    between = [event.seq for event in seen if isinstance(event, Moderated)]
    assert between == ([] if reads else [2, 6, 7])
    assert all(event.handle == "" for event in seen if isinstance(event, Moderated))


def test_how_far_back_one_looks_who_comes_late() -> None:
    assert LateView.first([], 6000) == 1
    said = [(seq, 6000) for seq in range(3, 3 + LateView.POSTS)]
    assert LateView.first(said, 6000) == 1, "all of twenty"
    assert LateView.first([(2, 6000), *said], 6000) == 3, "and not the one before them"
    assert LateView.first([(2, 5340), (5, 5400)], 6000) == 3, "nor what was said more than ten minutes ago"
    assert LateView.first([(2, 5340), (5, 5340)], 6000) == 6
