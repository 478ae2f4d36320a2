"""The one process is killed under load and started again: what was acked is there, and so is everybody."""

from tests.faults.guests import port_of
from tests.faults.load import talking
from tests.fixtures.servers import Serve

TIMES = 2


async def test_a_server_that_is_killed_comes_back_with_everything(serve: Serve) -> None:
    options = ("--open", "--set", "post_per_s=0")
    server = await serve(*options)
    async with talking(server.url, people=8) as load:
        await load.know_each_other()
        for _ in range(TIMES):
            await load.goes_on(5)
            await server.kill()
            server = await serve(*options, "--port", str(port_of(server)), data=server.data)
            await load.goes_on(5)
        await load.ends_well()
        assert all(len(talker.broke) == TIMES for talker in load.talkers)
