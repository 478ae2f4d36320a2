"""What somebody may ask of a session, as strategies: the people, and all that a facilitator may say."""

from hypothesis import strategies as st

from rooms.commands import RoomCommand
from rooms.session import Phase
from rooms.session_commands import (
    EndRound,
    EndTurn,
    Extend,
    Hide,
    Lock,
    Move,
    PauseAll,
    Pin,
    Recall,
    Restrict,
    Resume,
    SetFloor,
    StartRound,
)
from tests.rooms.sessions import GUIDE, NAMES, PEOPLE, ROOM, SECOND

NODES = 3
nodes = st.integers(0, NODES - 1)
people = st.sampled_from(PEOPLE)
handles = st.sampled_from(NAMES)
guides = st.sampled_from((GUIDE, SECOND))
flags = st.booleans()
restrictions = st.builds(
    Restrict,
    id=st.just(1),
    room=st.just(ROOM),
    whose=handles,
    limit=st.sampled_from(("mute", "hold", "remove")),
    on=st.sampled_from((True, True, False)),
)

MOVES: tuple[Phase, ...] = (
    "opening",
    "open",
    "open",
    "open",
    "winding_down",
    "closing_round",
    "lobby",
    "closed",
)

led: st.SearchStrategy[RoomCommand] = st.one_of(
    st.builds(Move, id=st.just(1), room=st.just(ROOM), phase=st.sampled_from(MOVES)),
    st.builds(Move, id=st.just(1), room=st.just(ROOM), item=st.integers(0, 7)),
    st.builds(Extend, id=st.just(1), room=st.just(ROOM), minutes=st.integers(1, 30)),
    st.builds(PauseAll, id=st.just(1), room=st.just(ROOM), seconds=st.sampled_from((None, 10, 60))),
    st.just(Resume(id=1, room=ROOM)),
    st.just(Resume(id=1, room=ROOM)),
    st.builds(SetFloor, id=st.just(1), room=st.just(ROOM), by_hand=flags, unheard_first=flags),
    st.just(StartRound(id=1, room=ROOM, key="r", prompt="One word")),
    st.just(EndRound(id=1, room=ROOM)),
    st.builds(EndTurn, id=st.just(1), room=st.just(ROOM), whose=st.none() | handles),
    st.builds(
        Hide, id=st.just(1), room=st.just(ROOM), seq=st.integers(1, 9), rule=st.just("other"), on=flags
    ),
    st.builds(Pin, id=st.just(1), room=st.just(ROOM), seq=st.integers(1, 9), on=flags),
    restrictions,
    restrictions,
    st.builds(Lock, id=st.just(1), room=st.just(ROOM), on=flags),
    st.just(Recall(id=1, room=ROOM)),
)
"""What a facilitator may ask, but for what has a key of its own."""
