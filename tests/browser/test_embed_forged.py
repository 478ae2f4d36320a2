"""What a hostile page, or a frame beside the room's, can say to room and element: nothing that counts."""

from typing import Any

from playwright.async_api import Browser, expect

from tests.browser.embedding import Guest, guest, place, snippet
from tests.fixtures.hosts import Hosting
from tests.fixtures.hosts import Page as HostPage
from tests.fixtures.servers import Serve

BESIDE = """
<script>
  // Says whatever it is told to, to the room in the frame beside it and to the page around both.
  onmessage = ({ data }) => {
    parent.frames[0].postMessage(data, "*");
    parent.postMessage(data, "*");
  };
</script>
"""


async def say(anna: Guest, message: dict[str, Any]) -> None:
    """From the host's own page to the room in its frame, past the element."""
    await anna.page.evaluate(
        "(message) => document.querySelector('peer-chat').shadowRoot.querySelector('iframe')"
        ".contentWindow.postMessage(message, '*')",
        message,
    )


async def answered(anna: Guest) -> None:
    """Everything that was posted before this has been heard: messages keep their order."""
    await anna.page.evaluate(
        """() => new Promise((resolve) => {
            const frame = document.querySelector("peer-chat").shadowRoot.querySelector("iframe");
            addEventListener("message", ({ source, data }) => {
                if (source === frame.contentWindow && data.t === "ready") resolve();
            });
            frame.contentWindow.postMessage({ peerChat: 1, t: "hello" }, "*");
        })"""
    )


async def test_what_is_not_a_message_of_ours_changes_nothing(
    serve: Serve, hosting: Hosting, browser: Browser
) -> None:
    server, host = await place(serve, hosting)
    anna = await guest(browser, server, host)
    await anna.visit(snippet(server))
    await anna.come_in()
    root = anna.frame.locator("html")
    before = await root.evaluate("(root) => root.outerHTML.slice(0, root.outerHTML.indexOf('>'))")
    evil = "url(https://evil.example/?"
    for message in (
        {"peerChat": 2, "t": "leave"},
        {"t": "leave"},
        {"peerChat": 1, "t": "leave", "more": True},
        {"peerChat": 1, "t": "constructor"},
        {"peerChat": 1, "t": "__proto__"},
        {"peerChat": 1, "t": "seat", "parts": {}},
        {"peerChat": 1, "t": "look", "theme": "dark; background: red"},
        {"peerChat": 1, "t": "look", "accent": evil},
        {"peerChat": 1, "t": "look", "font": "x; } body { display: none } " + evil},
        {"peerChat": 1, "t": "look", "radius": "3px"},
        {"peerChat": 1, "t": "look", "ink": "#faf7f2"},
        {"peerChat": 1, "t": "token", "token": "a b"},
        {"peerChat": 1, "t": "token", "token": "x" * 5000},
        {"t": "seat", "parts": {"ticket": None, "kept": {"seat": "forged"}}},
        {"t": "here"},
        {"t": "ticket", "ticket": "forged"},
    ):
        await say(anna, message)
    await answered(anna)
    assert await root.evaluate("(root) => root.outerHTML.slice(0, root.outerHTML.indexOf('>'))") == before
    await anna.say_in_frame("still here")
    await anna.hears("error")
    assert [detail["code"] for detail in await anna.heard("error")] == ["look_refused"]
    await anna.check()


async def beside(anna: Guest, origin: str) -> None:
    """Put a frame of this origin on the page, after what is there."""
    await anna.page.evaluate(
        """(url) => new Promise((resolve) => {
            const frame = document.body.appendChild(document.createElement("iframe"));
            frame.id = "beside";
            frame.onload = resolve;
            frame.src = url;
        })""",
        origin + "/beside",
    )


async def tell_beside(anna: Guest, *messages: dict[str, Any]) -> None:
    """Let the frame beside say these, to the room and to the page; returns when all have arrived."""
    await anna.page.evaluate(
        """(messages) => new Promise((resolve) => {
            addEventListener("message", ({ data }) => data.t === "last" && resolve());
            const { contentWindow } = beside;
            for (const message of [...messages, { t: "last" }]) contentWindow.postMessage(message, "*");
        })""",
        list(messages),
    )


async def test_the_room_believes_only_the_page_right_around_it(
    serve: Serve, hosting: Hosting, browser: Browser
) -> None:
    """A frame beside it is of a listed origin, even the host's own, and is not the page around it."""
    server, host = await place(serve, hosting)
    other = await hosting("127.0.0.3")
    host.pages["/beside"] = other.pages["/beside"] = HostPage(BESIDE)
    anna = await guest(browser, server, host)
    # A frame in an element cannot even be found from beside it; this one is the page's first.
    room = f'<iframe id="room" src="{server.url}/embed/night?greets" title="Room" height="700"></iframe>'
    greeting = f"""<script>
        const greet = () => room.contentWindow.postMessage({{ peerChat: 1, t: "hello" }}, "{server.url}");
        // Again and again until it is answered, as the element does: the frame may not listen yet.
        const greeting = setInterval(greet, 100);
        window.ready = new Promise((resolve) => {{
            addEventListener("message", ({{ data }}) => {{
                if (data.t !== "ready") return;
                clearInterval(greeting);
                resolve();
            }});
        }});
    </script>"""
    frame = anna.page.frame_locator("#room")
    for origin in (host.origin, other.origin):
        await anna.visit(room + greeting)
        await anna.page.evaluate("window.ready")
        await beside(anna, origin)
        for _ in range(2):
            asked = ({"peerChat": 1, "t": t} for t in ("hello", "exit", "leave"))
            await tell_beside(anna, {"peerChat": 1, "t": "look", "theme": "dark"}, *asked)
        await frame.get_by_role("button", name="I agree").click()
        await frame.get_by_role("button", name="Come in and talk").click()
        await expect(frame.locator("#room")).to_be_visible()
        assert await frame.locator("html").get_attribute("data-theme") is None
    # The page itself is believed: the same words from there count.
    await anna.page.evaluate(
        "(url) => room.contentWindow.postMessage({ peerChat: 1, t: 'exit' }, url)", server.url
    )
    await expect(frame.get_by_role("heading", name="Notes")).to_be_visible()


async def test_the_element_believes_only_its_own_frame(
    serve: Serve, hosting: Hosting, browser: Browser
) -> None:
    server, host = await place(serve, hosting)
    other = await hosting("127.0.0.3")
    host.pages["/beside"] = other.pages["/beside"] = HostPage(BESIDE)
    anna = await guest(browser, server, host)
    for origin in (host.origin, other.origin):
        await anna.visit(snippet(server))
        await anna.hears("ready")
        await beside(anna, origin)
        await tell_beside(
            anna,
            {"peerChat": 1, "t": "quick-exit"},
            {"peerChat": 1, "t": "left"},
            {"peerChat": 1, "t": "joined"},
            {"peerChat": 1, "t": "error", "code": "forged", "message": "Send your password."},
            {"peerChat": 1, "t": "size", "height": 4999},
        )
        assert {name for name, _ in await anna.page.evaluate("window.heard")} == {"ready"}
        assert "4999" not in (await anna.page.locator("peer-chat iframe").get_attribute("style") or "")
    # Not even another page of the chat's own origin, in another frame, is the room.
    assert await anna.page.evaluate("frames.length") == 1, (
        "a frame in the element is in no list of the page's"
    )


async def test_nothing_is_said_to_a_host_before_it_greets_nor_to_another_origin(
    serve: Serve, hosting: Hosting, browser: Browser
) -> None:
    """Every message the frame sends names the host's exact origin; a bare frame says nothing at all."""
    server, host = await place(serve, hosting)
    anna = await guest(browser, server, host)
    heard = "<script>window.all = []; addEventListener('message', (event) => all.push(event.data));</script>"
    await anna.visit(f'{heard}<iframe src="{server.url}/embed/night" title="Room" height="700"></iframe>')
    await anna.come_in()
    await anna.say_in_frame("hello")
    assert await anna.page.evaluate("window.all") == []

    await anna.visit(heard + snippet(server))
    handle = await anna.come_in()
    await anna.say_in_frame("a secret")
    said = await anna.page.evaluate("window.all")
    assert {"ready", "size", "joined"} <= {message["t"] for message in said}
    assert handle not in str(said)
    assert "secret" not in str(said)


async def test_a_stranger_who_opens_the_rooms_window_is_handed_nothing_and_hands_over_nothing(
    serve: Serve, hosting: Hosting, browser: Browser
) -> None:
    server, host = await place(serve, hosting)
    anna = await guest(browser, server, host)
    await anna.visit(f"<a href='{server.url}/embed/night/window' target=w rel=opener>open</a>")
    await anna.page.evaluate("window.all = []; addEventListener('message', (event) => all.push(event.data))")
    async with anna.page.expect_popup() as opened:
        await anna.page.get_by_text("open").click()
    window = await opened.value
    await window.wait_for_function("() => window.opener !== null")
    await anna.page.evaluate(
        """(url) => open(undefined, "w")?.postMessage(
            { t: "seat", parts: { ticket: null, kept: { draft: "forged" } } }, url)""",
        server.url,
    )
    await window.get_by_role("button", name="I agree").click()
    await window.get_by_role("button", name="Come in and talk").click()
    await expect(window.get_by_label("Your message")).to_have_value("")
    assert await anna.page.evaluate("window.all") == []
