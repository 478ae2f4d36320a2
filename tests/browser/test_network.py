"""The network goes, and comes back: nothing typed is lost, nothing sent is lost or doubled."""

from urllib.parse import urlsplit

from playwright.async_api import expect

from tests.fixtures.browsers import PHONE, Visit
from tests.fixtures.servers import Serve, Server


async def test_offline_keeps_and_queues_and_comes_back_in_order(visit: Visit) -> None:
    anna, ben = await visit(viewport=PHONE), await visit()
    anna_is = await anna.enter("night")
    await ben.enter("night")
    await anna.say("before")
    await anna.offline(True)
    await expect(anna.page.locator("#status")).to_contain_text("You are offline")
    await anna.send("during, first")
    await anna.send("during, second")
    await anna.page.get_by_label("Your message").fill("half a thought")
    await expect(anna.post("during, first")).to_contain_text("Kept until you are back")
    await ben.say("while anna was away")

    await anna.offline(False)
    await anna.delivered("during, first")
    await anna.delivered("during, second")
    await expect(anna.page.locator("#status")).to_be_hidden()
    await expect(anna.page.get_by_label("Your message")).to_have_value("half a thought")
    await ben.sees("during, second")
    said = ["before", "while anna was away", "during, first", "during, second"]
    assert await ben.texts() == said
    assert await anna.texts() == said
    await expect(ben.post("during, second")).to_be_visible()
    await expect(ben.page.locator(".by .handle", has_text=anna_is).first).to_be_visible()


async def test_a_server_that_is_killed_and_started_again_is_the_same_room(
    visit: Visit, server: Server, serve: Serve
) -> None:
    anna, ben = await visit(), await visit()
    anna.may_lose_network = ben.may_lose_network = True
    await anna.enter("night")
    await ben.enter("night")
    await anna.say("one")
    await ben.sees("one")
    await server.kill()
    await anna.send("two")
    await expect(anna.page.locator("#status")).to_contain_text("The server does not answer just now")
    await expect(anna.post("two")).to_contain_text("Kept until you are back")
    await serve("--open", "--port", str(urlsplit(server.url).port), data=server.data)
    await anna.delivered("two")
    await ben.sees("two")
    await ben.say("three")
    await anna.sees("three")
    assert await anna.texts() == await ben.texts() == ["one", "two", "three"]


async def test_a_reload_in_the_middle_of_it_sends_what_was_queued_once(
    visit: Visit, server: Server, serve: Serve
) -> None:
    anna, ben = await visit(), await visit()
    anna.may_lose_network = ben.may_lose_network = True
    await anna.enter("night")
    await ben.enter("night")
    await server.kill()
    await anna.send("queued")
    await expect(anna.post("queued")).to_contain_text("Kept until you are back")
    await serve("--open", "--port", str(urlsplit(server.url).port), data=server.data)
    await anna.page.reload()
    await anna.delivered("queued")
    await ben.sees("queued")
    assert await anna.texts() == await ben.texts() == ["queued"]


async def test_storage_that_is_forbidden_only_costs_the_reload(visit: Visit) -> None:
    anna = await visit()
    await anna.context.add_init_script(
        'Object.defineProperty(window, "sessionStorage", { get() { throw new DOMException("denied"); } });'
    )
    await anna.enter("night")
    await anna.say("hello")
