"""By keyboard alone, with a screen reader, in light and dark, at both widths: axe finds nothing."""

from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]  # it ships no types
from playwright.async_api import expect

from tests.fixtures.browsers import DESK, PHONE, Person, Visit

RULES: dict[str, Any] = {
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag2aaa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    }
}


CONTRAST: dict[str, Any] = {
    "runOnly": {"type": "rule", "values": ["color-contrast", "color-contrast-enhanced"]}
}
"""What depends on colours."""


async def clean(person: Person, state: str, rules: dict[str, Any] = RULES) -> None:
    """Axe finds no violation in what this person sees."""
    results = await Axe().run(person.page, options=rules)
    found = [
        f"{one['id']}: {one['help']}\n  " + "\n  ".join(node["html"][:200] for node in one["nodes"])
        for one in results.response["violations"]
    ]
    assert not found, f"{state}:\n" + "\n".join(found)


async def clean_by_day_and_by_night(person: Person, state: str) -> None:
    """Between the two only colours differ, so the night is asked about nothing else."""
    await person.page.emulate_media(color_scheme="dark")
    await clean(person, f"{state}, dark", CONTRAST)
    await person.page.emulate_media(color_scheme="light")
    await clean(person, f"{state}, light")


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
async def test_axe_finds_nothing(visit: Visit, viewport: dict[str, int]) -> None:
    ben = await visit()
    await ben.enter("night")
    await ben.say("I keep hearing the monitor when I close my eyes.")

    anna = await visit(viewport=viewport, reduced_motion="reduce")
    await anna.open("/")
    await expect(anna.page.locator("#none")).not_to_have_text("Looking for rooms …")
    await clean_by_day_and_by_night(anna, "lobby")
    await anna.open("/room/night")
    await expect(anna.page.get_by_role("button", name="I agree")).to_be_visible()
    await clean_by_day_and_by_night(anna, "rules")
    await anna.page.get_by_role("button", name="I agree").click()
    await expect(anna.page.locator("#drawn-handle")).not_to_be_empty()
    await clean_by_day_and_by_night(anna, "handle")
    await anna.page.get_by_role("button", name="Come in and talk").click()
    await anna.say("It went on for a month with me.")
    await ben.send("thank you")
    await anna.sees("thank you")
    await clean_by_day_and_by_night(anna, "room")
    sheet = await anna.menu("I keep hearing the monitor when I close my eyes.")
    await clean_by_day_and_by_night(anna, "what can be done")
    await sheet.get_by_role("button", name="Heard").click()
    await expect(anna.page.locator('.reactions [aria-pressed="true"]')).to_be_visible()
    sheet = await anna.menu("It went on for a month with me.")
    await sheet.get_by_role("button", name="Withdraw this message").click()
    await clean_by_day_and_by_night(anna, "sure?")
    await sheet.get_by_role("button", name="Keep it").click()
    sheet = await anna.menu("thank you")
    await sheet.get_by_role("button", name="Reply").click()
    await clean_by_day_and_by_night(anna, "answering")
    if viewport is PHONE:
        await anna.page.locator("#here").click()
        await clean_by_day_and_by_night(anna, "people")
        await anna.page.get_by_role("button", name="Close").click()
    await anna.page.locator("#away").click()
    await clean_by_day_and_by_night(anna, "called away")
    await anna.page.locator("#back").click()
    await anna.offline(True)
    await expect(anna.page.locator("#status")).to_be_visible()
    await anna.send("kept")
    await clean_by_day_and_by_night(anna, "offline")
    await anna.page.locator("[data-hide]:visible").click()
    await clean_by_day_and_by_night(anna, "cover")


async def test_axe_finds_nothing_in_the_styleguide(visit: Visit) -> None:
    """Every component in every state, also those that are hard to come by in a room."""
    for viewport in (PHONE, DESK):
        anna = await visit(viewport=viewport, reduced_motion="reduce")
        await anna.open("/styleguide")
        await expect(anna.page.locator("#side .person, #people .person")).to_have_count(5)
        await clean_by_day_and_by_night(anna, "styleguide")


async def test_from_the_lobby_to_a_sent_message_by_keyboard_alone(visit: Visit) -> None:
    anna, ben = await visit(), await visit()
    await ben.enter("night")
    await ben.say("hello")
    page = anna.page
    await anna.open("/room/night")
    await expect(page.get_by_role("button", name="I agree")).to_be_visible()

    async def tab_to(name: str) -> None:
        for _ in range(40):
            await page.keyboard.press("Tab")
            focused = page.locator(":focus")
            if await focused.count() and name in (
                await focused.inner_text() or await focused.get_attribute("aria-label") or ""
            ):
                return
        raise AssertionError(f"Tab does not reach {name}")

    await tab_to("I agree")
    await page.keyboard.press("Enter")
    await expect(page.locator("#handle-title")).to_be_focused()
    await expect(page.locator("#drawn-handle")).not_to_be_empty()
    await tab_to("Come in and talk")
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Your message")).to_be_focused()
    await page.keyboard.type("good evening")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("to all")
    await page.keyboard.press("Enter")
    await anna.delivered("good evening\nto all")

    # One stop for all messages, arrows between them, Enter opens what can be done.
    await page.keyboard.press("Shift+Tab")
    await expect(page.locator(".post").last).to_be_focused()
    await page.keyboard.press("ArrowUp")
    await expect(anna.post("hello")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="With you")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(anna.post("hello").locator(".reactions")).to_contain_text("With you")
    await expect(anna.post("hello")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Escape")
    await expect(anna.post("hello")).to_be_focused()


async def test_history_is_not_announced_and_what_comes_is_announced_once(visit: Visit) -> None:
    ben = await visit()
    await ben.enter("night")
    for number in range(3):
        await ben.say(f"history {number}")
    anna = await visit()
    await anna.context.add_init_script(
        """
        window.announced = [];
        document.addEventListener("DOMContentLoaded", () => {
            new MutationObserver((records) => {
                for (const record of records)
                    for (const node of record.addedNodes)
                        if (node.nodeType === 1 && !node.parentElement?.closest('[aria-live="off"]'))
                            window.announced.push(node.textContent);
            }).observe(document.getElementById("live"), { childList: true, subtree: true });
        });
        """
    )
    await anna.enter("night")
    await anna.sees("history 2")
    assert await anna.page.evaluate("window.announced.length") == 0
    assert await anna.page.locator("[role=log] .post").count() == 0
    await ben.say("a new one")
    await anna.sees("a new one")
    sheet = await anna.menu("a new one")
    await sheet.get_by_role("button", name="Heard").click()
    await expect(anna.post("a new one").locator(".reactions")).to_contain_text("Heard")
    announced: list[str] = await anna.page.evaluate("window.announced")
    assert [text for text in announced if "a new one" in text] == [announced[-1]]
    assert not [text for text in announced if "history" in text]
    await anna.say("my answer")
    announced = await anna.page.evaluate("window.announced")
    assert len([text for text in announced if "my answer" in text]) == 1


@pytest.mark.parametrize(
    "viewport", [PHONE, DESK, {"width": 640, "height": 400}], ids=["phone", "desk", "zoomed"]
)
async def test_nothing_sticks_out_and_every_target_is_large_enough(
    visit: Visit, viewport: dict[str, int]
) -> None:
    """640 x 400 is what 1280 x 800 leaves at 200 % zoom."""
    anna = await visit(viewport=viewport, has_touch=viewport is PHONE, is_mobile=viewport is PHONE)
    await anna.enter("night")
    await anna.say("a-very-long-word-" * 20)
    wide = await anna.page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0
    for button in await anna.page.locator("button:visible, a:visible, textarea:visible").all():
        box = await button.bounding_box()
        extra = 12 if await button.get_attribute("id") == "here" else 0
        assert box is not None
        if viewport is PHONE:
            assert min(box["height"] + extra, box["width"]) >= 44, await button.inner_text()
    textarea = await anna.page.get_by_label("Your message").bounding_box()
    assert textarea is not None
    assert textarea["y"] + textarea["height"] <= viewport["height"]
