"""A room in a frame on somebody else's page: what works there, and what is said where it cannot."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.async_api import Browser, Route, expect

from tests.browser.embedding import HEARD, Keeping, guest, place, snippet
from tests.browser.test_session_participant import plan, planner
from tests.fixtures.browsers import Visit
from tests.fixtures.hosts import Hosting
from tests.fixtures.hosts import Page as HostPage
from tests.fixtures.servers import Serve, Server, run_chatd
from tests.tree import ROOT

LIMITED = "default-src 'none'; script-src {chat}; frame-src {chat}; require-trusted-types-for 'script'"
"""The policy of a host that allows the snippet and nothing else."""

TITLE = re.findall(
    r'<script type="module">\n  const title.*?</script>',
    (ROOT / "docs/embedding.md").read_text("utf-8"),
    re.S,
)
"""What the document gives whoever wants a dot in the title of their page."""

BLOCKED = """() => {
    const thrown = ["localStorage", "sessionStorage"].filter((name) => {
        try { window[name]; } catch { return true; }
    });
    document.cookie = "a=b; SameSite=None; Secure";
    return [thrown.length, document.cookie];
}"""


async def test_a_snippet_puts_a_live_room_on_a_page(
    serve: Serve, hosting: Hosting, browser: Browser, visit: Visit
) -> None:
    server, host = await place(serve, hosting)
    anna, ben = await guest(browser, server, host), await visit(server)
    await ben.enter("night")
    await ben.say("Is anybody else still up?")
    await anna.visit(snippet(server))
    await anna.hears("ready")
    handle = await anna.come_in()
    await anna.say_in_frame("I am.")
    await ben.sees("I am.")
    await expect(ben.post("I am.").locator(".by .handle")).to_have_text(handle)
    await anna.hears("joined")
    # Whatever the host was told, it names nobody and quotes nothing.
    told = str(await anna.page.evaluate("JSON.stringify(window.heard)"))
    assert handle not in told
    assert "up?" not in told
    await anna.check()


async def test_a_page_that_is_left_and_opened_again_has_the_same_seat(
    serve: Serve, hosting: Hosting, keeping: Keeping
) -> None:
    """Where the browser gives each site's frames a storage of their own, as it does unless told otherwise."""
    server, host = await place(serve, hosting)
    host.pages["/elsewhere"] = HostPage("<h1>The canteen</h1>")
    anna = await keeping(server, host)
    for html in (
        snippet(server),
        f'<iframe src="{server.url}/embed/quiet" title="Room" height="700"></iframe>',
    ):
        await anna.visit(html)
        handle = await anna.come_in()
        await anna.say_in_frame("I am.")
        await anna.frame.get_by_label("Your message").fill("half a thought")
        await anna.page.goto(host.origin + "/elsewhere")
        await anna.page.goto(host.origin + "/")
        await expect(anna.frame.locator(".post")).to_have_count(1)
        await expect(anna.frame.locator(".by .handle")).to_have_text(handle)
        await expect(anna.frame.get_by_label("Your message")).to_have_value("half a thought")
        # And nothing is kept that outlives the tab.
        kept = await anna.page.frames[1].evaluate(
            """async () => [document.cookie, localStorage.length, (await indexedDB.databases()).length,
                (await caches.keys()).length, (await navigator.serviceWorker.getRegistrations()).length]"""
        )
        assert kept == ["", 0, 0, 0, 0]
    await anna.check()


async def test_without_cookies_and_storage_for_frames_everything_works_but_the_reload(
    serve: Serve, hosting: Hosting, browser: Browser
) -> None:
    """Third-party cookies blocked: Chromium then denies frames of other sites any storage as well."""
    server, host = await place(serve, hosting)
    anna = await guest(browser, server, host)
    await anna.visit(snippet(server))
    assert await anna.page.frames[1].evaluate(BLOCKED) == [2, ""], (
        "this browser gives frames what it should not"
    )
    await anna.come_in()
    await anna.say_in_frame("hello")
    await anna.page.reload()
    await expect(anna.frame.get_by_role("button", name="I agree")).to_be_visible()
    await anna.come_in()
    await expect(anna.frame.locator(".post")).to_have_count(1)
    await anna.check()


async def test_what_a_hosts_policy_allows_is_enough_and_what_is_in_the_way_is_said(
    serve: Serve, hosting: Hosting, browser: Browser
) -> None:
    server, host = await place(serve, hosting)
    anna = await guest(browser, server, host)
    # The script and the frame, and nothing else.
    page = snippet(server).replace(HEARD, "")
    await anna.visit(page, {"content-security-policy": LIMITED.format(chat=server.url)})
    await anna.come_in()
    box = await anna.page.locator("iframe").bounding_box()
    assert box is not None
    assert box["width"] > 1000, "the element's own style is not in force"
    assert box["height"] > 500

    # Frames, and no script.
    bare = (
        f'<iframe src="{server.url}/embed/quiet?theme=dark" width="600" height="700" title="Room"></iframe>'
    )
    policy = f"default-src 'none'; frame-src {server.url}; style-src 'none'"
    await anna.visit(bare, {"content-security-policy": policy})
    await anna.come_in()
    await anna.say_in_frame("No script was needed.")
    paper = await anna.frame.locator("html").evaluate("(root) => getComputedStyle(root).backgroundColor")
    assert paper == "rgb(23, 21, 19)"
    await anna.check()

    # The script, and no frame.
    policy = f"default-src 'none'; script-src 'unsafe-inline' {server.url}"
    await anna.visit(snippet(server), {"content-security-policy": policy})
    await expect(anna.page.get_by_role("alert")).to_contain_text(f"Add: frame-src {server.url}")
    assert [detail["code"] for detail in await anna.heard("error")] == ["blocked_by_page"]

    # A sandbox without allow-same-origin: no storage, no styles, no modules, and no room.
    frame = '<iframe sandbox="{}" src="{}/embed/boxed" title="Room" width="400" height="700"></iframe>'
    await anna.visit(frame.format("allow-scripts", server.url))
    await expect(anna.frame.get_by_text("The room cannot start inside this frame.")).to_be_visible()
    await expect(anna.frame.locator("#entry")).to_be_hidden()
    await anna.visit(frame.format("allow-scripts allow-same-origin", server.url))
    await anna.come_in()
    await expect(anna.frame.get_by_text("The room cannot start inside this frame.")).to_be_hidden()
    # And without allow-forms the button sends, as on a phone there is nothing else.
    await anna.frame.get_by_label("Your message").fill("by the button")
    await anna.frame.get_by_role("button", name="Send", exact=True).click()
    await expect(anna.frame.locator(".post .words")).to_have_text(["by the button"])
    await expect(anna.frame.get_by_label("Your message")).to_have_value("")


async def test_a_host_that_is_not_on_the_list(serve: Serve, hosting: Hosting, browser: Browser) -> None:
    server, host = await place(serve, hosting)
    other = await hosting("127.0.0.3")
    anna = await guest(browser, server, other)
    await anna.visit(snippet(server))
    await anna.hears("error")
    alert = anna.page.get_by_role("alert")
    await expect(alert).to_contain_text("The room cannot be shown on this page.")
    await expect(alert).to_contain_text(f"chatd room edit night --embed {other.origin}")
    await expect(alert.get_by_role("link", name="Open the room")).to_have_attribute(
        "href", f"{server.url}/room/night"
    )
    assert [detail["code"] for detail in await anna.heard("error")] == ["no_answer"]
    assert await anna.heard("ready") == []
    await expect(anna.page.locator("iframe")).to_be_hidden()
    assert host.origin not in await alert.inner_text()


async def test_what_the_element_says_is_in_the_way_is_in_the_way(
    serve: Serve, hosting: Hosting, browser: Browser
) -> None:
    server, host = await place(serve, hosting)
    anna = await guest(browser, server, host)
    page, alert = anna.page, anna.page.get_by_role("alert")
    await page.clock.install()

    # A frame that the page's policy blocks stays blocked by that: nobody answers, but that is not why.
    policy = f"default-src 'none'; script-src 'unsafe-inline' {server.url}"
    await anna.visit(snippet(server), {"content-security-policy": policy})
    await expect(alert).to_contain_text("Content-Security-Policy")
    await page.clock.run_for(30_000)
    assert [detail["code"] for detail in await anna.heard("error")] == ["blocked_by_page"]

    # A policy that only reports blocks nothing.
    await anna.visit(snippet(server), {"content-security-policy-report-only": "frame-src 'none'"})
    await anna.hears("ready")
    assert await anna.heard("error") == []

    # What was set a moment later counts, and nothing that was said of the moment before.
    await anna.visit(
        snippet(server, "hidden").replace("<peer-chat hidden></peer-chat>", "")
        + """<script type="module">
            const chat = document.body.appendChild(document.createElement("peer-chat"));
            chat.setAttribute("compact", "");
            chat.setAttribute("room", "night");
            chat.removeAttribute("compact");
        </script>"""
    )
    await anna.hears("ready")
    assert await anna.heard("error") == []
    await expect(page.locator("iframe")).to_be_visible()
    await expect(page.get_by_role("button")).to_have_count(0)

    # Something between holds the frame up: that is said, and taken back when it comes after all.
    held = asyncio.Event()

    async def hold(route: Route) -> None:
        await held.wait()
        await route.continue_()

    await page.route("**/embed/night?*", hold)
    host.pages["/"] = HostPage(snippet(server))
    await page.goto(host.origin + "/", wait_until="commit")
    await expect(page.locator("iframe")).to_have_count(1)
    await page.clock.run_for(14_000)
    await expect(alert).to_have_count(0)
    await page.clock.run_for(2_000)
    await expect(alert).to_contain_text("something between keeps this browser from it")
    held.set()
    await anna.hears("ready")
    await expect(alert).to_have_count(0)
    await expect(page.locator("iframe")).to_be_visible()


# ---- who they are ----------------------------------------------------------------------------------


async def circle(server: Server) -> None:
    """A room that asks for a ticket."""
    added = await run_chatd("room", "add", "circle", "--data", str(server.data), cwd=server.data)
    assert added[0] == 0, added[2]


async def ticket(data: Path, *args: str) -> str:
    """A ticket from the command line."""
    code, out, err = await run_chatd("ticket", "--room", "circle", "--data", str(data), *args, cwd=data)
    assert code == 0, err
    return out.strip().partition("#ticket=")[2]


async def test_a_token_of_the_host_opens_the_room(serve: Serve, hosting: Hosting, keeping: Keeping) -> None:
    host = await hosting()
    server = await serve("--set", f"embed_origins={host.origin}")
    await circle(server)
    anna = await keeping(server, host)
    await anna.visit(snippet(server, 'room="circle"'))
    await expect(anna.frame.locator("#shut-why")).to_contain_text("asks for a ticket")
    assert (await anna.heard("error"))[0]["code"] == "ticket_needed"

    # It may come late, and opens what was shut.
    ours = await ticket(server.data, "--subject", "anna", "--many")
    await anna.page.evaluate("(jwt) => document.querySelector('peer-chat').setToken(jwt)", ours)
    handle = await anna.come_in()
    await anna.say_in_frame("I am in.")
    assert ours not in str(
        await anna.page.evaluate("[location.href, document.querySelector('peer-chat').shadowRoot.innerHTML]")
    )

    # Or with the page. A person who is still the same keeps the seat, and what they had begun to write.
    await anna.frame.get_by_label("Your message").fill("half a thought")
    with_token = "<script type=module>document.querySelector('peer-chat').setToken('{}')</script>"
    await anna.visit(snippet(server, 'room="circle"') + with_token.format(ours))
    await expect(anna.frame.locator("#side .person").first).to_contain_text(handle)
    await expect(anna.frame.get_by_label("Your message")).to_have_value("half a thought")

    # Somebody else has signed in on this computer: nothing of the last person is theirs.
    theirs = await ticket(server.data, "--subject", "ben", "--many")
    await anna.visit(snippet(server, 'room="circle"') + with_token.format(theirs))
    await expect(anna.frame.get_by_role("button", name="I agree")).to_be_visible()
    other = await anna.come_in()
    assert other != handle
    await expect(anna.frame.get_by_label("Your message")).to_have_value("")
    await anna.check()


async def test_a_session_that_is_not_yet_open_asks_for_no_ticket_once_it_has_one(
    serve: Serve, hosting: Hosting, browser: Browser
) -> None:
    host = await hosting()
    server = await serve("--set", f"embed_origins={host.origin}")
    starts = (datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")
    async with planner(server) as http:
        assert (await http.post("/api/series", json=plan(starts=starts, open=False))).status_code == 201
        link = (await http.post("/api/series/night/links", json={"for": "participant"})).json()["url"]
    anna = await guest(browser, server, host)
    await anna.page.clock.install()
    await anna.visit(snippet(server))
    shut = anna.frame.locator("#entry-shut")
    await expect(shut).to_contain_text("This room asks for a ticket.")
    await expect(shut.get_by_role("link", name="Put it in your calendar")).to_be_visible()
    await expect(shut.get_by_role("link", name="Show the rooms")).to_be_hidden()
    handed = link.partition("#ticket=")[2]
    await anna.page.evaluate("(jwt) => document.querySelector('peer-chat').setToken(jwt)", handed)
    await anna.page.clock.run_for(21_000)
    await expect(shut).to_contain_text("This page opens by itself")
    await expect(shut).not_to_contain_text("asks for a ticket")
    await anna.check()


async def test_signing_in_opens_a_window_and_comes_back(
    serve: Serve, hosting: Hosting, browser: Browser
) -> None:
    host = await hosting()
    server = await serve(
        *(
            "--set",
            f"embed_origins={host.origin}",
            "--set",
            f"sign_in_url={host.origin}/sign-in?room={{room}}",
        )
    )
    await circle(server)
    anna = await guest(browser, server, host)
    address = f"{server.url}/signed-in#ticket={await ticket(server.data)}"
    host.pages["/sign-in"] = HostPage(f"<script>location.replace('{address}')</script>")
    await anna.visit(snippet(server, 'room="circle"'))
    async with anna.page.expect_popup() as opened:
        await expect(anna.frame.locator("#shut-why")).to_contain_text("for people who have signed in")
        await anna.frame.get_by_role("button", name="Sign in").click()
    window = await opened.value
    await anna.come_in()
    if not window.is_closed():
        await window.wait_for_event("close")
    await anna.say_in_frame("Signed in.")
    await anna.check()

    # Cross-Origin-Opener-Policy on the sign-in page: the window has no opener, and goes on by itself.
    address = f"{server.url}/signed-in#ticket={await ticket(server.data)}"
    host.pages["/sign-in"] = HostPage(
        f"<a href='{address}' rel=noopener>go on</a>", {"cross-origin-opener-policy": "same-origin"}
    )
    await anna.visit(snippet(server, 'room="circle"'))
    async with anna.context.expect_page() as opened:
        await anna.frame.get_by_role("button", name="Sign in").click()
    window = await opened.value
    await window.get_by_text("go on").click()
    await window.get_by_role("button", name="I agree").click()
    await window.get_by_role("button", name="Come in and talk").click()
    await expect(window.locator("#room")).to_be_visible()
    assert "ticket" not in window.url


# ---- the bubble, the exit --------------------------------------------------------------------------


async def test_who_signs_out_before_the_frame_has_answered_leaves_as_well(
    serve: Serve, hosting: Hosting, keeping: Keeping
) -> None:
    server, host = await place(serve, hosting)
    anna = await keeping(server, host)
    await anna.visit(snippet(server))
    await anna.come_in()
    leaving = "<script type=module>document.querySelector('peer-chat').leave()</script>"
    await anna.visit(snippet(server) + leaving)
    await anna.hears("left")
    await expect(anna.frame.get_by_role("heading", name="You have left the room.")).to_be_visible()
    # Once: who comes in again stays.
    await anna.frame.get_by_role("button", name="Come in again").click()
    await anna.come_in()


async def test_a_ticket_in_the_address_outlives_a_seat_of_somebody_else(
    serve: Serve, hosting: Hosting, keeping: Keeping
) -> None:
    """A bare frame, on a computer where another had a seat in this tab."""
    host = await hosting()
    server = await serve("--set", f"embed_origins={host.origin}")
    await circle(server)
    anna = await keeping(server, host)
    frame = '<iframe src="{}/embed/circle#ticket={}" title="Room" width="600" height="700"></iframe>'
    handles: list[str] = []
    for subject in ("anna", "ben"):
        await anna.visit(frame.format(server.url, await ticket(server.data, "--subject", subject)))
        handles.append(await anna.come_in())
        assert "ticket" not in anna.page.frames[1].url
    assert handles[0] != handles[1]
    # Nothing leads back in without a ticket or a place to sign in, so nothing promises it.
    await anna.frame.locator("#here").click()
    await anna.frame.get_by_role("button", name="Leave the room").click()
    await expect(anna.frame.get_by_role("heading", name="You have left the room.")).to_be_visible()
    await expect(anna.frame.get_by_role("button", name="Come in again")).to_have_count(0)
    await anna.check()


async def test_what_is_new_shows_as_a_dot_and_nothing_more(
    serve: Serve, hosting: Hosting, browser: Browser, visit: Visit
) -> None:
    server, host = await place(serve, hosting)
    anna, ben = await guest(browser, server, host), await visit(server)
    await ben.enter("night")
    [titled] = TITLE
    await anna.visit(snippet(server, 'room="night" compact', "Talk to us") + titled)
    bubble = anna.page.get_by_role("button", name="Talk to us")
    await expect(bubble).to_have_attribute("aria-expanded", "false")
    await expect(anna.page.locator("iframe")).to_have_count(0)
    await bubble.click()
    await expect(anna.page.get_by_role("dialog", name="Room for colleagues")).to_be_visible()
    await anna.come_in()
    await anna.frame.get_by_label("Your message").press("Escape")
    await expect(bubble).to_be_focused()
    await expect(anna.page.locator("iframe")).to_be_hidden()
    await ben.say("Somebody has died today.")
    await expect(anna.page.get_by_role("img", name="Something new was said")).to_be_visible()
    await anna.hears("unread")
    assert await anna.heard("unread") == [{"waiting": True}]
    assert await anna.page.title() == "\N{BULLET} Intranet"
    assert "died" not in await anna.page.evaluate("document.title + JSON.stringify(window.heard)")
    await bubble.click()
    await expect(anna.frame.locator(".post", has_text="Somebody has died today.")).to_be_visible()
    await anna.page.wait_for_function(
        "() => window.heard.some(([name, detail]) => name === 'unread' && !detail.waiting)"
    )
    assert await anna.page.title() == "Intranet"
    await anna.page.get_by_role("button", name="Close").click()
    await expect(anna.page.get_by_role("img", name="Something new was said")).to_be_hidden()
    await anna.check()

    # What is scrolled away is not read either.
    await anna.visit(snippet(server) + "<div style='height: 3000px'></div><p id=end>The end</p>")
    await anna.come_in()
    await anna.page.locator("#end").scroll_into_view_if_needed()
    await anna.page.wait_for_function(
        "() => document.querySelector('peer-chat').getBoundingClientRect().bottom < 0"
    )
    await ben.say("while you looked elsewhere")
    await anna.hears("unread")
    await anna.page.locator("h1").scroll_into_view_if_needed()
    await anna.page.wait_for_function(
        "() => window.heard.some(([name, detail]) => name === 'unread' && !detail.waiting)"
    )


async def test_shift_three_times_hides_it_and_the_host_is_told(
    serve: Serve, hosting: Hosting, browser: Browser, visit: Visit
) -> None:
    server, host = await place(serve, hosting)
    anna, ben = await guest(browser, server, host), await visit(server)
    await ben.enter("night")
    for where in ("frame", "page"):
        await anna.visit(snippet(server))
        await anna.come_in()
        await expect(ben.page.locator("#side .person")).to_have_count(2)
        if where == "page":
            await anna.page.locator("h1").click()
        for _ in range(3):
            await anna.page.keyboard.press("Shift")
        await anna.hears("quick-exit")
        await expect(anna.frame.get_by_role("heading", name="Notes")).to_be_visible()
        await expect(anna.frame.locator(".post")).to_have_count(0)
        await expect(ben.page.locator("#side .person")).to_have_count(1)
        assert re.fullmatch(r".*/embed/night\?lang=en#notes", anna.page.frames[1].url)
        await anna.page.frames[1].evaluate("location.reload()")
        await expect(anna.frame.get_by_role("heading", name="Notes")).to_be_visible()
