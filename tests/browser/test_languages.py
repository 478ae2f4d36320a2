"""The pages in every language: whole, clean for axe, at 200 % zoom, in forced colours, without motion."""

import json
import re
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from chatd.app import WEB
from chatd.languages import Languages
from tests.browser.embedding import guest, place, snippet
from tests.browser.test_access import clean
from tests.browser.test_door import ticket_room
from tests.fixtures.browsers import DESK, PHONE, Person, Visit
from tests.fixtures.hosts import Hosting
from tests.fixtures.servers import Serve

KNOWN = Languages(WEB)
OTHERS = [code for code in KNOWN.all if code != "en"]
ZOOMED = {"width": 640, "height": 400}
"""What 200 % zoom leaves of 1280 x 800 (WCAG 2.2, success criterion 1.4.4)."""
ARABIC = "مساء الخير. ليلة طويلة هنا!"

ENGLISH = {
    sentence
    for name in ("common", "lobby", "entry", "room", "doctor", "refusals", "pages")
    for sentence in json.loads((WEB / f"words/en/{name}.json").read_text("utf-8")).values()
    if isinstance(sentence, str) and "{" not in sentence and " " in sentence
}
LOOKED_AT = """
() => {
  const wide = document.documentElement.scrollWidth - innerWidth;
  const all = (selector) => [...document.querySelectorAll(selector)].filter((one) => one.checkVisibility());
  const seen = all("main, aside, dialog[open]");
  const labels = all("[aria-label], [placeholder]");
  return {
    wide,
    lines: seen.flatMap((one) => one.innerText.split("\\n")).map((line) => line.trim()).filter(Boolean),
    labels: labels.flatMap((one) => [one.ariaLabel, one.placeholder]).filter(Boolean),
    moving: document.getAnimations().filter((one) => one.effect?.getComputedTiming().duration > 1).length,
  };
}
"""


async def look(person: Person, language: str, what: str) -> None:
    """Axe, no English sentence, no place left open, nothing that sticks out, nothing that moves."""
    await clean(person, f"{what} in {language}")
    seen: dict[str, Any] = await person.page.evaluate(LOOKED_AT)
    assert seen["wide"] <= 0, f"{what} in {language} sticks out"
    assert seen["moving"] == 0, f"{what} in {language} moves"
    said = [*seen["lines"], *seen["labels"]]
    assert not [line for line in said if re.search(r"\{\w+\}|^\w+\.\w+$", line)], what
    if language != "en":
        assert not ENGLISH & set(said), what


@pytest.mark.parametrize(
    ("language", "viewport", "colours"),
    [
        ("ar", PHONE, "none"),
        ("de", ZOOMED, "none"),
        ("es", PHONE, "active"),
        ("fr", DESK, "active"),
    ],
)
async def test_the_pages_in_every_language(
    visit: Visit, language: str, viewport: dict[str, int], colours: Any
) -> None:
    """From the lobby into the room and to the doctor, as the browser's language has it."""

    def said(key: str) -> str:
        return KNOWN.say(language, key)

    ben = await visit()
    await ben.enter("night")
    await ben.say("I keep hearing the monitor when I close my eyes.")
    anna = await visit(viewport=viewport, locale=language, reduced_motion="reduce", forced_colors=colours)
    page = anna.page
    await anna.open("/")
    await expect(page.locator("html")).to_have_attribute("lang", language)
    await expect(page.locator("html")).to_have_attribute("dir", KNOWN.all[language].dir)
    await expect(page.locator("#none")).not_to_have_text(said("lobby.looking"))
    await look(anna, language, "lobby")
    await anna.open("/room/night")
    await page.get_by_role("button", name=said("entry.agree")).click(trial=True)
    await look(anna, language, "rules")
    await page.get_by_role("button", name=said("entry.agree")).click()
    await expect(page.locator("#drawn-handle")).not_to_be_empty()
    await look(anna, language, "handle")
    await page.get_by_role("button", name=said("entry.talk")).click()
    await page.get_by_label(said("room.your_message")).fill(ARABIC)
    await page.locator("#send").click()
    own = anna.post(ARABIC)
    await expect(own.get_by_text(said("room.delivered"))).to_be_attached()
    # What people write runs its own way, whatever the page's is.
    await expect(own.locator(".words")).to_have_css("direction", "rtl")
    await expect(page.locator(".post .words").first).to_have_css("direction", "ltr")
    await look(anna, language, "room")
    box = await page.locator("#text").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= viewport["height"], "the composer is out of sight"

    # The way through a message is the way one reads.
    await page.locator(".post").first.focus()
    await page.keyboard.press("ArrowLeft" if language == "ar" else "ArrowRight")
    await expect(page.locator(".post").first.locator(".more")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name=said("room.reaction_heard"))).to_be_visible()
    await look(anna, language, "what can be done")
    await page.keyboard.press("Escape")
    await anna.offline(True)
    await expect(page.locator("#status")).to_have_text(said("room.offline"))
    await anna.offline(False)
    await page.locator("[data-hide]:visible").click()
    await expect(page.get_by_role("heading", name=said("common.notes"))).to_be_visible()
    await look(anna, language, "cover")

    await anna.open("/doctor")
    await expect(page.locator("#sentence")).to_have_text(said("findings.verdict_websocket"))
    await look(anna, language, "doctor")
    await anna.open("/room/night/poster")
    await expect(page.get_by_role("img", name=said("pages.poster_qr"))).to_be_visible()
    await look(anna, language, "poster")
    await anna.open("/signed-in#why=denied")
    await expect(page.get_by_role("heading")).to_have_text(said("pages.sign_in_not"))
    await look(anna, language, "not signed in")
    await anna.open("/nowhere")
    await expect(page.get_by_role("heading")).to_have_text(said("pages.problem_404_title"))
    await look(anna, language, "nothing there")
    # Chromium writes each 404 to the console.
    anna.complaints = [complaint for complaint in anna.complaints if "404" not in complaint]


async def test_a_language_that_somebody_chose_goes_along(serve: Serve, visit: Visit) -> None:
    """In the address, and nowhere else: from the lobby into the room, onto the cover; a ticket as well."""
    server = await serve()
    link = await ticket_room(server)
    anna = await visit(server)
    page = anna.page
    await anna.open("/")
    await page.get_by_role("link", name="Deutsch").click()
    await page.get_by_role("link", name="Circle").click()
    await expect(page.locator("#shut-why")).to_have_text(KNOWN.say("de", "refusals.ticket_needed"))
    await anna.open(link)
    await expect(page.locator("#agree")).to_have_text("I agree")
    await page.get_by_role("link", name="Español").click()
    await expect(page.locator("#agree")).to_have_text(KNOWN.say("es", "entry.agree"))
    assert "#" not in page.url
    await page.locator("#agree").click()
    await page.locator("#talk").click()
    await expect(page.locator("#text")).to_be_visible()
    await page.locator("[data-hide]:visible").click()
    await expect(page.get_by_role("heading")).to_have_text(KNOWN.say("es", "common.notes"))
    await page.reload()
    await expect(page.get_by_role("heading")).to_have_text(KNOWN.say("es", "common.notes"))


async def test_the_element_speaks_the_language_it_is_given(
    serve: Serve, hosting: Hosting, browser: Browser
) -> None:
    """Its bubble, its frame and what is in it; and what it says where it cannot show the room."""
    server, host = await place(serve, hosting)
    anna = await guest(browser, server, host)
    await anna.visit("<main>" + snippet(server, 'room="night" lang="ar" compact') + "</main>")
    await anna.page.get_by_role("button", name=KNOWN.say("ar", "embed.bubble")).click()
    await anna.hears("ready")
    await expect(anna.page.locator("iframe")).to_have_attribute("title", KNOWN.say("ar", "embed.frame"))
    await expect(anna.frame.locator("html")).to_have_attribute("dir", "rtl")
    await clean(anna, "the element in Arabic")
    # Who would rather read another one chooses it, and the host's theme and greeting stay.
    await anna.frame.get_by_role("link", name="Français").click()
    await expect(anna.frame.locator("#agree")).to_have_text(KNOWN.say("fr", "entry.agree"))
    await anna.frame.locator("#agree").click()
    await anna.frame.locator("#talk").click()
    await expect(anna.frame.locator("#text")).to_be_visible()
    assert await anna.page.evaluate("window.heard.some(([name]) => name === 'joined')")
    await anna.check()

    other = await hosting("127.0.0.3")
    ben = await guest(browser, server, other, locale="de-CH")
    await ben.visit(snippet(server))
    await expect(ben.page.get_by_role("alert")).to_contain_text(KNOWN.say("de", "embed.cannot_show"))
    await expect(ben.page.get_by_role("alert")).to_contain_text(
        f"chatd room edit night --embed {other.origin},"
    )
