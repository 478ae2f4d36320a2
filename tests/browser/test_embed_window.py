"""A room that moves from its frame into a window of its own, and back, and how one leaves both at once."""

from playwright.async_api import Browser, Page, expect

from tests.browser.embedding import Guest, guest, place, snippet
from tests.fixtures.browsers import PHONE, Visit
from tests.fixtures.hosts import Hosting
from tests.fixtures.servers import Serve


async def popped_out(anna: Guest) -> Page:
    """The room in a window of its own, wide enough for the list of who is here."""
    async with anna.page.expect_popup() as opened:
        await anna.frame.locator("body").evaluate(
            """() => [...document.querySelectorAll("button")]
                .find((one) => one.textContent === "Open in a window" && !one.hidden).click()"""
        )
    window = await opened.value
    await window.set_viewport_size({"width": 1280, "height": 800})
    await expect(anna.frame.get_by_role("heading", name="in a window of its own")).to_be_visible()
    return window


async def gone(window: Page) -> None:
    if not window.is_closed():
        await window.wait_for_event("close")


async def test_the_room_moves_into_a_window_and_back_with_the_same_seat(
    serve: Serve, hosting: Hosting, browser: Browser
) -> None:
    server, host = await place(serve, hosting)
    anna = await guest(browser, server, host)
    await anna.visit(snippet(server))
    handle = await anna.come_in()
    await anna.say_in_frame("from the frame")
    await anna.frame.get_by_label("Your message").fill("half a thought")
    async with anna.page.expect_popup() as opened:
        await anna.frame.get_by_role("button", name="Open in a window").click()
    window = await opened.value
    assert window.url == f"{server.url}/embed/night/window?lang=en"  # the frame's language goes along
    await window.set_viewport_size({"width": 1280, "height": 800})
    await expect(window.locator("#side .person").first).to_contain_text(handle)
    await expect(window.get_by_label("Your message")).to_have_value("half a thought")
    await expect(anna.frame.get_by_role("heading", name="in a window of its own")).to_be_visible()
    await window.get_by_label("Your message").fill("from the window")
    await window.locator("#send").click()
    await expect(
        window.locator(".post", has_text="from the window").get_by_text("Delivered")
    ).to_be_attached()
    await window.reload()
    await expect(window.locator("#side .person").first).to_contain_text(handle)
    await window.close()
    await expect(anna.frame.locator(".post .words")).to_have_text(["from the frame", "from the window"])
    await expect(anna.frame.locator("#side .person")).to_have_count(1)
    await expect(anna.frame.locator("#side .person").first).to_contain_text(handle)
    await anna.check()


async def test_leaving_in_the_window_leaves(serve: Serve, hosting: Hosting, browser: Browser) -> None:
    server, host = await place(serve, hosting)
    anna = await guest(browser, server, host)
    await anna.visit(snippet(server))
    await anna.come_in()
    async with anna.page.expect_popup() as opened:
        await anna.frame.get_by_role("button", name="Open in a window").click()
    window = await opened.value
    await window.set_viewport_size({"width": 1280, "height": 800})
    await window.get_by_role("button", name="Leave the room").click()
    await expect(anna.frame.get_by_role("heading", name="You have left the room.")).to_be_visible()
    await anna.hears("left")
    await anna.frame.get_by_role("button", name="Come in again").click()
    await anna.come_in()


async def test_leaving_on_the_page_leaves_in_the_window_too(
    serve: Serve, hosting: Hosting, browser: Browser, visit: Visit
) -> None:
    server, host = await place(serve, hosting)
    anna, ben = await guest(browser, server, host), await visit(server)
    await ben.enter("night")
    await anna.visit(snippet(server))
    await anna.come_in()
    window = await popped_out(anna)
    await expect(window.locator("#room")).to_be_visible()
    await expect(ben.page.locator("#side .person")).to_have_count(2)
    await anna.page.evaluate("document.querySelector('peer-chat').leave()")
    await expect(anna.frame.get_by_role("heading", name="You have left the room.")).to_be_visible()
    await gone(window)
    await expect(ben.page.locator("#side .person")).to_have_count(1)
    # Longer than the frame takes to see that the window is gone: nobody comes back in.
    await anna.page.evaluate("new Promise((resolve) => setTimeout(resolve, 1500))")
    await expect(anna.frame.get_by_role("heading", name="You have left the room.")).to_be_visible()
    await expect(ben.page.locator("#side .person")).to_have_count(1)
    await anna.check()


async def test_shift_three_times_on_the_page_hides_the_window_too(
    serve: Serve, hosting: Hosting, browser: Browser, visit: Visit
) -> None:
    server, host = await place(serve, hosting)
    anna, ben = await guest(browser, server, host), await visit(server)
    await ben.enter("night")
    await anna.visit(snippet(server))
    await anna.come_in()
    window = await popped_out(anna)
    await expect(window.locator("#room")).to_be_visible()
    await anna.page.bring_to_front()
    await anna.page.locator("h1").click()
    for _ in range(3):
        await anna.page.keyboard.press("Shift")
    await anna.hears("quick-exit")
    await expect(anna.frame.get_by_role("heading", name="Notes")).to_be_visible()
    await gone(window)
    await expect(ben.page.locator("#side .person")).to_have_count(1)
    # The page may say that somebody has signed out, too.
    await anna.page.evaluate("document.querySelector('peer-chat').leave()")
    await expect(anna.frame.get_by_role("heading", name="Notes")).to_be_visible()
    await anna.check()


async def test_a_page_of_the_same_site_hands_the_room_over_as_well(
    serve: Serve, hosting: Hosting, browser: Browser
) -> None:
    """Another port is the same site: the window starts with a copy of what the frame keeps."""
    host = await hosting("127.0.0.1")
    server = await serve("--open", "--set", f"embed_origins={host.origin}")
    anna = await guest(browser, server, host)
    await anna.visit(snippet(server))
    handle = await anna.come_in()
    await anna.frame.get_by_label("Your message").fill("half a thought")
    window = await popped_out(anna)
    await expect(window.locator("#side .person").first).to_contain_text(handle)
    await expect(window.get_by_label("Your message")).to_have_value("half a thought")
    await window.reload()
    await expect(window.locator("#side .person").first).to_contain_text(handle)
    for _ in range(3):
        await window.keyboard.press("Shift")
    await expect(window.get_by_role("heading", name="Notes")).to_be_visible()
    await expect(anna.frame.get_by_role("heading", name="Notes")).to_be_visible()
    await anna.check()


async def test_what_was_done_in_the_window_counts_when_it_is_brought_back(
    serve: Serve, hosting: Hosting, browser: Browser
) -> None:
    """Come in only there, with a draft, and close it; then open it again, say it, and bring it back."""
    server, host = await place(serve, hosting)
    anna = await guest(browser, server, host)
    await anna.visit(snippet(server))
    await anna.hears("ready")
    window = await popped_out(anna)
    await window.get_by_role("button", name="I agree").click()
    await expect(window.locator("#drawn-handle")).not_to_be_empty()
    handle = await window.locator("#drawn-handle").inner_text()
    await window.get_by_role("button", name="Come in and talk").click()
    await window.get_by_label("Your message").fill("half a thought")
    await window.close()
    await expect(anna.frame.locator("#side .person").first).to_contain_text(handle)
    await expect(anna.frame.get_by_label("Your message")).to_have_value("half a thought")
    window = await popped_out(anna)
    await expect(window.get_by_label("Your message")).to_have_value("half a thought")
    await window.locator("#send").click()
    await expect(window.locator(".post").get_by_text("Delivered")).to_be_attached()
    await anna.frame.get_by_role("button", name="Bring it back here").click()
    await gone(window)
    await expect(anna.frame.locator(".post .words")).to_have_text(["half a thought"])
    await expect(anna.frame.get_by_label("Your message")).to_have_value("")
    await anna.check()


async def test_leaving_from_the_list_of_people_takes_the_list_away(
    serve: Serve, hosting: Hosting, browser: Browser
) -> None:
    """A narrow frame: the list lies over the room, and would lie over what comes after it."""
    server, host = await place(serve, hosting)
    anna = await guest(browser, server, host, viewport=PHONE)
    await anna.visit(snippet(server))
    await anna.come_in()
    await anna.frame.locator("#here").click()
    await anna.frame.get_by_role("button", name="Leave the room").click()
    left = anna.frame.get_by_role("heading", name="You have left the room.")
    await expect(left).to_be_visible()
    await expect(left).to_be_focused()
    await expect(anna.frame.locator("dialog[open]")).to_have_count(0)
    await anna.frame.get_by_role("button", name="Come in again").click()
    await anna.come_in()
    await anna.check()
