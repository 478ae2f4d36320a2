"""A page used without a pointer: Tab to what is meant, and press. Playwright's clicks would move a mouse."""

from typing import Final

from playwright.async_api import Locator, expect

from tests.fixtures.browsers import Person

NEAR: Final = 24
"""How many stops the guess of the way may be off."""

STOPS: Final = "a[href], button, input, select, textarea, summary, [tabindex]"
WAY: Final = f"""target => {{
    const whole = document.querySelector("dialog[open]") ?? document;
    const seen = (one) => one.checkVisibility({{ visibilityProperty: true }}) && !one.closest("[inert]");
    const stops = [...whole.querySelectorAll("{STOPS}")].filter(
        (one) => one === target || (one.tabIndex >= 0 && !one.disabled && seen(one)),
    );
    const now = document.activeElement;
    const before = (one) => one.compareDocumentPosition(now) & Node.DOCUMENT_POSITION_FOLLOWING;
    const from = stops.findLastIndex((one) => one === now || (before(one) && one !== target));
    return stops.indexOf(target) - from;
}}"""
"""About how many stops it is from where the focus is; negative: backwards."""

POINTED = """
window.pointed = 0;
addEventListener("pointerdown", () => (window.pointed += 1), true);
"""
"""Counts what only somebody with a pointer does."""


async def reach(person: Person, target: Locator) -> None:
    """Tab, or Shift+Tab, until the focus is on `target`."""
    await expect(target).to_be_visible()
    way = int(await target.evaluate(WAY))
    key = "Tab" if way >= 0 else "Shift+Tab"
    for step in range(abs(way) + NEAR):
        # Asked only where it should be near by now.
        if step >= abs(way) - 4 and await focused(target):
            return
        await person.page.keyboard.press(key)
    assert await focused(target), f"{key} does not reach {target}"


async def focused(target: Locator) -> bool:
    return bool(await target.evaluate("one => one === document.activeElement"))


async def by_key(person: Person, target: Locator, key: str = "Enter") -> None:
    """Go there, and press `key`."""
    await reach(person, target)
    await person.page.keyboard.press(key)


async def writes(person: Person, field: Locator, text: str) -> None:
    """Go to the field, and write."""
    await reach(person, field)
    await person.page.keyboard.insert_text(text)


async def chooses(person: Person, select: Locator, value: str) -> None:
    """Go to the list, and arrow down to the option with this value."""
    await reach(person, select)
    await person.page.keyboard.press("Home")
    while await select.input_value() != value:
        was = await select.input_value()
        await person.page.keyboard.press("ArrowDown")
        assert await select.input_value() != was, f"the list has no {value}"
