"""Invariants 1, 2 and 3 on three nodes, with everything going wrong that can. Hypothesis decides what.

The judge is `chatd.checker`, after every path has been healed: then everybody must have seen the
same events in one order without a hole, what was acknowledged must be there, and nothing twice.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.stateful.cluster import Cluster

NODES = 3
CLIENTS = 4
nodes = st.integers(0, NODES - 1)
clients = st.integers(0, CLIENTS - 1)


def ignore(_: object) -> None:
    """A step of the cluster returns nothing."""


class BadWeather(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self._folder = TemporaryDirectory()
        self.cluster = Cluster(NODES, CLIENTS, Path(self._folder.name))
        self.words = 0

    @initialize()
    def everybody_comes(self) -> None:
        for number in range(CLIENTS):
            self.somebody_comes(number, number % NODES)

    @rule(client=clients, node=nodes)
    def somebody_comes(self, client: int, node: int) -> None:
        who, where = self.cluster.clients[client], self.cluster.nodes[node]
        if where is not None and who.receiver is None:
            self.cluster.run(lambda: who.comes(where))

    @rule(client=clients, count=st.integers(1, 4))
    def somebody_posts(self, client: int, count: int) -> None:
        who = self.cluster.clients[client]
        if who.joined:

            def post() -> None:
                for _ in range(count):
                    self.words += 1
                    who.post(f"line {self.words}")

            self.cluster.run(post)

    @rule(client=clients)
    def somebody_sends_again(self, client: int) -> None:
        self.cluster.run(self.cluster.clients[client].send_unanswered)

    @rule(client=clients)
    def a_connection_breaks(self, client: int) -> None:
        self.cluster.run(self.cluster.clients[client].lose_connection)

    @rule(client=clients)
    def a_connection_breaks_while_a_post_is_under_way(self, client: int) -> None:
        who = self.cluster.clients[client]
        if who.joined:

            def post_and_break() -> None:
                self.words += 1
                who.post(f"line {self.words}")
                who.lose_connection()

            self.cluster.run(post_and_break)

    @rule(client=clients, node=nodes)
    def somebody_goes_over_to_a_node_that_may_know_less(self, client: int, node: int) -> None:
        who, where = self.cluster.clients[client], self.cluster.nodes[node]
        if who.joined and where is not None:

            def post() -> None:
                self.words += 1
                who.post(f"line {self.words}")

            def go_over() -> None:
                who.lose_connection()
                who.comes(where)

            self.cluster.run(post)
            self.cluster.run(go_over)

    @rule(node=nodes)
    def a_node_dies(self, node: int) -> None:
        self.cluster.kill(node)

    @rule(node=nodes)
    def a_node_comes_back(self, node: int) -> None:
        if self.cluster.nodes[node] is None:
            self.cluster.boot(node)

    @rule()
    def the_log_breaks_before_the_commit(self) -> None:
        self.cluster.log.breaks("append")

    @rule()
    def the_log_breaks_after_the_commit(self) -> None:
        self.cluster.log.breaks("append", after=True)

    @rule(what=st.sampled_from(["deliver", "repeat", "lose"]), which=st.integers(0, 1_000_000))
    def the_bus_misbehaves(self, what: str, which: int) -> None:
        network = self.cluster.network
        act = {"deliver": network.deliver, "repeat": network.duplicate, "lose": network.drop}[what]
        self.cluster.run(lambda: ignore(act(which)))

    @rule()
    def the_bus_delivers_all(self) -> None:
        network = self.cluster.network
        self.cluster.run(lambda: ignore(network.deliver_all()))

    @rule(seconds=st.sampled_from([0.1, 1.0, 3.0]))
    def time_passes(self, seconds: float) -> None:
        def pass_time() -> None:
            self.cluster.now += seconds

        self.cluster.run(pass_time)

    @rule(node=nodes)
    def the_bus_is_cut(self, node: int) -> None:
        where = self.cluster.nodes[node]
        if where is not None:
            self.cluster.cut(where)

    @rule(node=nodes)
    def the_bus_is_back(self, node: int) -> None:
        where = self.cluster.nodes[node]
        if where is not None:
            self.cluster.mend(where)

    def teardown(self) -> None:
        try:
            self.cluster.heal()
            verdict = self.cluster.verdict()
            assert verdict.ok, "\n".join(verdict.problems)
            for client in self.cluster.clients:
                assert client.joined, client.refusals
                assert not client.unanswered, "everything sent is answered in the end"
        finally:
            self.cluster.close()
            self._folder.cleanup()


BadWeather.TestCase.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
TestBadWeather = BadWeather.TestCase
