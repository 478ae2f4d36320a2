"""Signing in in a browser, with a real provider: on the room's own page, in a frame, and out again."""

from playwright.async_api import Browser, BrowserContext, Cookie, Page, expect

from chatd.sign_in.cookies import COOKIE
from tests.browser.embedding import Guest, snippet
from tests.fixtures.browsers import WATCH
from tests.fixtures.hosts import Hosting
from tests.fixtures.servers import Serve, run_chatd
from tests.fixtures.sign_in import IdProvider

LOGIN = "facilitators@canary-4711"


async def at_the_provider(page: Page, provider: IdProvider) -> None:
    """Its own two pages: who one is, and that this chat may know it."""
    await expect(page.get_by_placeholder("Enter any login")).to_be_visible()
    assert page.url.startswith(provider.issuer)
    await page.get_by_placeholder("Enter any login").fill(LOGIN)
    await page.get_by_placeholder("and password").fill("any")
    await page.get_by_role("button", name="Sign-in").click()
    await page.get_by_role("button", name="Continue").click()


async def ours(context: BrowserContext) -> list[Cookie]:
    """The sign-in's cookies, and none of the provider's, which is another port of the same host here."""
    return [cookie for cookie in await context.cookies() if cookie.get("name", "").startswith(COOKIE)]


async def test_the_whole_way(
    serve: Serve, hosting: Hosting, browser: Browser, id_provider: IdProvider
) -> None:
    host = await hosting()
    settings = {f"CHATD_{name.upper()}": value for name, value in id_provider.settings().items()}
    settings |= {"CHATD_OIDC_FACILITATOR_GROUPS": "facilitators", "CHATD_EMBED_ORIGINS": host.origin}
    server = await serve(environ=settings)
    code, _, said = await run_chatd("room", "add", "icu", "--data", str(server.data), cwd=server.data.parent)
    assert code == 0, said
    context = await browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
    await context.add_init_script(WATCH)
    anna = Guest(await context.new_page(), server.url, host)

    # On the room's own page: there and back, and in as a facilitator.
    await anna.open("/room/icu")
    await expect(anna.page.locator("#shut-why")).to_contain_text("for people who have signed in")
    await anna.page.get_by_role("button", name="Sign in").click()
    await at_the_provider(anna.page, id_provider)
    await anna.page.wait_for_url(f"{server.url}/room/icu")
    await anna.enter("icu")
    [cookie] = await ours(context)
    assert (cookie.get("httpOnly"), cookie.get("secure"), cookie.get("sameSite")) == (True, True, "Lax")
    stored = await anna.page.evaluate(
        "JSON.stringify([{...sessionStorage}, {...localStorage}, document.cookie])"
    )
    assert "canary-4711" not in stored

    # The same person in another tab is in the same seat, and need not sign in for it.
    beside = Guest(await context.new_page(), server.url, host)
    await beside.enter("icu")
    await expect(beside.page.get_by_role("heading", name="Only you, just now")).to_be_visible()
    await expect(beside.page.get_by_role("listitem").filter(has_text="you · facilitator")).to_be_visible()
    await beside.page.close()

    # Out again, in the lobby; the room asks once more.
    await anna.open("/")
    await expect(anna.page.locator("#foot")).to_contain_text("One cookie")
    await anna.page.get_by_role("button", name="Sign out").click()
    await expect(anna.page.locator("#signing")).to_contain_text("You are signed out here.")
    assert await ours(context) == []
    await anna.page.evaluate("sessionStorage.clear()")
    await anna.open("/room/icu")
    await expect(anna.page.locator("#shut-why")).to_contain_text("for people who have signed in")

    # In a frame, which has no cookie: a window signs in, hands a ticket over, and closes.
    await context.clear_cookies()
    await anna.visit(snippet(server, 'room="icu"'))
    async with anna.page.expect_popup() as opened:
        await anna.frame.get_by_role("button", name="Sign in").click()
    window = await opened.value
    await at_the_provider(window, id_provider)
    await anna.come_in()
    if not window.is_closed():
        await window.wait_for_event("close")

    # What failed says so, and offers the way again.
    await anna.open("/sign-in/callback?state=made-up")
    await expect(anna.page.get_by_role("heading", name="You are not signed in")).to_be_visible()
    await expect(anna.page.get_by_text("begun too long ago")).to_be_visible()
    again = anna.page.get_by_role("link", name="Sign in again")
    assert await again.get_attribute("href") == "/sign-in?"

    await context.clear_cookies()
    foreign = {f"request to {id_provider.issuer}", f"request to {host.origin}"}
    anna.complaints = [one for one in anna.complaints if one not in foreign]
    await anna.check()
    await context.close()
