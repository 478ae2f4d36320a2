"""Neighbours: the other nodes, and this node's copies of what they hold.

    receive      a beat, a diff, a snapshot or a goodbye of another node
    ask          what a stale copy needs
    lease_over   a node that is silent is gone with all it held
    heal         the bus was away: nobody is blamed for the silence, every copy is in doubt

A copy goes from version to version with each diff. One that stands behind what its node is known
to be at is stale, and so is one in doubt until a beat or a diff fits: stale copies are asked for
again and again, no more than once a second each. What a copy holds goes into the room's `View`.
`replica.py` owns this and tells what follows. Pure.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Set
from typing import Final, TypeAlias

from presence.messages import ROOMS_PER_BEAT, Ask, Beat, Diff, Gone, Held, Snapshot
from presence.peers import Copy, Peer
from presence.view import View
from presence.wakes import Wakes

BEAT_S: Final = 1.0
GONE_GRACE_S: Final = 5.0
"""How long the people of a node that stopped in good order have to come back elsewhere."""

ASK_AFTER_S: Final = 0.25
"""A version that is not here yet may just be on its way on the other channel."""

ASK_AGAIN_S: Final = 1.0
"""No more than one ask per node and room within this."""

UNSURE_S: Final = 1.5
"""After the bus was away: how long a beat has to confirm a copy before it is asked for."""

UNHEARD_S: Final = 6.0
"""A room that a node's beats have not named for this long has nobody there ..."""

UNHEARD_PER_ROOM_S: Final = 4 * BEAT_S / ROOMS_PER_BEAT
"""... and this much longer for each room that the node has, as a beat names only so many."""

MAX_NODES: Final = 64
MAX_DEPARTED: Final = 256

FromPeer: TypeAlias = Beat | Diff | Snapshot | Gone


class Neighbours:
    def __init__(
        self,
        node: str,
        *,
        lease_s: float,
        views: Mapping[str, View],
        watched: Set[str],
        wakes: Wakes,
        show_later: Callable[[View, float], None],
    ) -> None:
        """`views` and `watched` are the replica's own, and change; every watched room has a view.
        `show_later(view, now)` is called wherever a view may have changed."""
        self._node = node
        self._lease_s = lease_s
        self._views = views
        self._watched = watched
        self._wakes = wakes
        self._show_later = show_later
        self._peers: dict[str, Peer] = {}
        self._departed: OrderedDict[str, bool] = OrderedDict()
        """Nodes that were here; True where they said goodbye and never come back."""
        self._healed_at = float("-inf")

    # ---- what is known -------------------------------------------------------------------------

    def reported(self, room: str) -> int:
        """How many the nodes report in `room`, those left out whose people are in its view."""
        count = 0
        for peer in self._peers.values():
            report = peer.reports.get(room)
            if report is not None:
                copy = peer.copies.get(room)
                if copy is None or copy.version < 0:
                    count += report.count
        return count

    def add_reported(self, counts: dict[str, int]) -> None:
        """Add `reported` to `counts`, for all rooms at once."""
        for peer in self._peers.values():
            for room, report in peer.reports.items():
                copy = peer.copies.get(room)
                if copy is None or copy.version < 0:
                    counts[room] = counts.get(room, 0) + report.count

    # ---- what the replica tells ----------------------------------------------------------------

    def watch(self, room: str, now: float) -> None:
        """Copies of `room` are wanted; all nodes are being asked already."""
        for node, peer in self._peers.items():
            report = peer.reports.get(room)
            if report is not None and report.count > 0 and not peer.gone:
                copy = peer.copies[room] = Copy(asked_at=now)
                copy.wanted = report.version
                self._wakes.at(("ask", node, room), now + ASK_AGAIN_S)

    def unwatch(self, room: str) -> None:
        """Copies of `room` are not wanted any more."""
        view = self._views[room]
        for node, peer in self._peers.items():
            if peer.copies.pop(room, None) is not None:
                self._wakes.drop(("ask", node, room))
                view.forget(node)

    def heal(self, now: float) -> None:
        """The bus is back: full leases for all, and a moment for their beats to confirm the copies."""
        self._healed_at = now
        for node, peer in self._peers.items():
            peer.lease_until = now + (GONE_GRACE_S if peer.gone else self._lease_s)
            self._wakes.at(("lease", node), peer.lease_until)
            for room, copy in peer.copies.items():
                copy.sure = False
                self._wakes.at(("ask", node, room), now + UNSURE_S)

    def ask(self, node: str, room: str, now: float) -> Ask | None:
        """What is to be sent for the copy, if it is stale still; it is looked at again after that."""
        peer = self._peers.get(node)
        copy = peer.copies.get(room) if peer is not None and not peer.gone else None
        if copy is None or not copy.stale:
            return None
        due = now >= copy.asked_at + ASK_AGAIN_S
        if due:
            copy.asked_at = now
        self._wakes.at(("ask", node, room), copy.asked_at + ASK_AGAIN_S)
        return Ask(self._node, room, of=node) if due else None

    def lease_over(self, node: str, now: float) -> None:
        """Let `node` go, with all it held, unless it has been heard of since."""
        peer = self._peers[node]
        if peer.lease_until > now:
            self._wakes.at(("lease", node), peer.lease_until)
            return
        del self._peers[node]
        self._departed[node] = peer.gone
        if len(self._departed) > MAX_DEPARTED:
            self._departed.popitem(last=False)
        for room in peer.copies:
            self._forget(node, room, now)

    # ---- what the others say -------------------------------------------------------------------

    def receive(self, message: FromPeer, now: float) -> None:
        peer = self._peer(message, now)
        if peer is None:
            return
        match message:
            case Beat():
                self._on_beat(peer, message, now)
            case Diff():
                self._on_diff(peer, message, now)
            case Snapshot():
                self._on_snapshot(peer, message, now)
            case Gone():
                peer.gone = True
                peer.lease_until = min(peer.lease_until, now + GONE_GRACE_S)
                self._wakes.at(("lease", message.node), peer.lease_until)

    def _peer(self, message: FromPeer, now: float) -> Peer | None:
        """Who sent it, with a lease renewed; None where what they say does not count."""
        node = message.node
        peer = self._peers.get(node)
        if peer is not None:
            if peer.gone:
                return None
            peer.lease_until = now + self._lease_s
            return peer
        if isinstance(message, Gone) or len(self._peers) >= MAX_NODES:
            return None
        if node in self._departed:
            if self._departed[node] or not isinstance(message, Beat):
                return None  # a late word of a node that is gone does not bring it back
            del self._departed[node]
        peer = self._peers[node] = Peer(now + self._lease_s)
        self._wakes.at(("lease", node), peer.lease_until)
        return peer

    def _on_beat(self, peer: Peer, beat: Beat, now: float) -> None:
        for room, (count, version) in beat.rooms.items():
            if not peer.heard(room, count, version, now) or room not in self._watched:
                continue
            copy = peer.copies.get(room)
            if copy is None:
                if count == 0:
                    continue
                copy = peer.copies[room] = Copy()
            copy.wanted = max(copy.wanted, version)
            if count == 0 and version > copy.version:
                copy.version = version
                self._replace(beat.node, room, [], now)
            copy.sure = copy.sure or version == copy.version
            self._ask_if_stale(beat.node, room, copy, now)
        since = now - UNHEARD_S - UNHEARD_PER_ROOM_S * beat.total
        if since > self._healed_at:
            for room in peer.unheard(since):
                if peer.copies.pop(room, None) is not None:
                    self._forget(beat.node, room, now)

    def _on_diff(self, peer: Peer, diff: Diff, now: float) -> None:
        if diff.room not in self._watched:
            return
        copy = peer.copies.setdefault(diff.room, Copy())
        copy.wanted = max(copy.wanted, diff.version)
        if copy.version >= 0 and diff.version == copy.version + 1:
            copy.version = diff.version
            copy.sure = True
            view = self._views[diff.room]
            for handle in diff.left:
                view.drop(diff.node, handle)
            for held in diff.held:
                view.put(diff.node, held)
            self._show_later(view, now)
        self._ask_if_stale(diff.node, diff.room, copy, now)

    def _on_snapshot(self, peer: Peer, snapshot: Snapshot, now: float) -> None:
        peer.heard(snapshot.room, len(snapshot.held), snapshot.version, now)
        if snapshot.room not in self._watched:
            return
        copy = peer.copies.setdefault(snapshot.room, Copy())
        copy.wanted = max(copy.wanted, snapshot.version)
        if snapshot.version >= copy.version:
            copy.version = snapshot.version
            copy.sure = True
            self._replace(snapshot.node, snapshot.room, snapshot.held, now)
        self._ask_if_stale(snapshot.node, snapshot.room, copy, now)

    def _ask_if_stale(self, node: str, room: str, copy: Copy, now: float) -> None:
        if copy.stale:
            self._wakes.at(("ask", node, room), now + ASK_AFTER_S)
        else:
            self._wakes.drop(("ask", node, room))

    def _replace(self, node: str, room: str, held: list[Held], now: float) -> None:
        view = self._views[room]
        view.replace(node, held)
        self._show_later(view, now)

    def _forget(self, node: str, room: str, now: float) -> None:
        self._wakes.drop(("ask", node, room))
        view = self._views[room]
        view.forget(node)
        self._show_later(view, now)
