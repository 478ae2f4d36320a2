"""The room as two people see it."""

import re

from playwright.async_api import expect

from chatd.client import connect
from chatd.wire import MESSAGES, ErrorCode
from tests.fixtures.browsers import PHONE, Visit
from tests.fixtures.servers import Serve


async def test_two_people_talk(visit: Visit) -> None:
    anna, ben = await visit(), await visit()
    anna_is = await anna.enter("night")
    ben_is = await ben.enter("night")
    assert anna_is != ben_is

    await anna.say("First night back after two weeks.")
    await ben.sees("First night back after two weeks.")
    await ben.say("I am glad you came.")
    await anna.sees("I am glad you came.")

    heard = ben.post("First night back after two weeks.")
    await expect(heard.locator(".by .handle")).to_have_text(anna_is)
    await expect(anna.page.locator("#side")).to_contain_text(ben_is)
    await expect(ben.page.locator("#side")).to_contain_text("2 people here")


async def test_one_can_draw_another_handle_and_gets_the_one_that_was_shown(visit: Visit) -> None:
    anna = await visit()
    await anna.open("/room/night")
    await anna.page.get_by_role("button", name="I agree").click()
    drawn = anna.page.locator("#drawn-handle")
    await expect(drawn).not_to_be_empty()
    first = await drawn.inner_text()
    await anna.page.get_by_role("button", name="Draw another").click()
    await expect(drawn).not_to_have_text(first)
    second = await drawn.inner_text()
    await anna.page.get_by_role("button", name="Come in and talk").click()
    await expect(anna.page.locator("#side .person").first).to_contain_text(second)


async def test_a_listener_has_no_composer_until_they_want_to_say_something(visit: Visit) -> None:
    anna = await visit()
    await anna.enter("night", listen=True)
    await expect(anna.page.locator("#composer")).to_be_hidden()
    await anna.page.get_by_role("button", name="Say something").click()
    await anna.say("I would, after all.")


async def test_a_reload_keeps_the_seat_and_doubles_nothing(visit: Visit) -> None:
    anna, ben = await visit(), await visit()
    anna_is = await anna.enter("night")
    await ben.enter("night")
    await anna.say("one")
    await ben.say("two")
    await anna.sees("two")
    await anna.page.get_by_label("Your message").fill("not sent yet")
    await anna.page.reload()
    await expect(anna.page.locator("#room")).to_be_visible()
    assert await anna.texts() == ["one", "two"]
    await expect(anna.page.locator("#side .person").first).to_contain_text(anna_is)
    await expect(anna.page.get_by_label("Your message")).to_have_value("not sent yet")
    await expect(ben.page.locator("#side .person")).to_have_count(2)


async def test_reply_react_and_withdraw(visit: Visit) -> None:
    anna, ben = await visit(), await visit()
    anna_is = await anna.enter("night")
    await ben.enter("night")
    await anna.say("I keep hearing the monitor.")
    await ben.sees("I keep hearing the monitor.")

    sheet = await ben.menu("I keep hearing the monitor.")
    await sheet.get_by_role("button", name="With you").click()
    reaction = anna.post("I keep hearing the monitor.").get_by_role("button", name="With you", exact=True)
    await expect(reaction).to_have_attribute("aria-pressed", "false")
    await reaction.click()
    await expect(anna.page.get_by_role("button", name="With you · 2")).to_have_attribute(
        "aria-pressed", "true"
    )
    await anna.page.get_by_role("button", name="With you · 2").click()
    await expect(ben.page.get_by_role("button", name="With you", exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )

    sheet = await ben.menu("I keep hearing the monitor.")
    await sheet.get_by_role("button", name="Reply").click()
    await ben.say("Me too, for a month.")
    quote = anna.post("Me too, for a month.").locator(".quote")
    await expect(quote).to_have_text(f"To {anna_is}: I keep hearing the monitor.")
    await quote.click()
    await expect(anna.post("I keep hearing the monitor.")).to_be_focused()

    sheet = await anna.menu("I keep hearing the monitor.")
    await sheet.get_by_role("button", name="Withdraw this message").click()
    await expect(sheet.get_by_role("button", name="Keep it")).to_be_focused()
    await sheet.get_by_role("button", name="Withdraw it").click()
    await expect(ben.page.get_by_text("Withdrawn by its author.")).to_be_visible()
    await expect(ben.page.get_by_text("hearing the monitor")).to_have_count(0)


async def test_ignoring_is_for_oneself_and_can_be_undone(visit: Visit) -> None:
    anna, ben = await visit(), await visit()
    await anna.enter("night")
    ben_is = await ben.enter("night")
    await ben.say("Much too loud.")
    await anna.sees("Much too loud.")
    sheet = await anna.menu("Much too loud.")
    await sheet.get_by_role("button", name=f"Ignore {ben_is}").click()
    await expect(anna.post("Much too loud.")).to_have_count(0)
    await ben.say("And louder.")
    await anna.say("Quiet now.")
    assert await anna.texts() == ["Quiet now."]
    assert await ben.texts() == ["Much too loud.", "And louder.", "Quiet now."]
    await anna.page.get_by_role("button", name=f"Stop ignoring {ben_is}").click()
    await anna.sees("And louder.")


async def test_called_away_and_back(visit: Visit) -> None:
    anna, ben = await visit(), await visit()
    await anna.enter("night")
    await ben.enter("night")
    await anna.page.get_by_role("button", name="Called away").click()
    await expect(ben.page.locator("#side .person.away")).to_contain_text("called away")
    await expect(anna.page.locator("#composer")).to_be_hidden()
    await anna.page.get_by_role("button", name="I am back").click()
    await expect(ben.page.locator("#side .person.away")).to_have_count(0)
    await expect(anna.page.get_by_label("Your message")).to_be_focused()


async def test_somebody_who_writes_is_shown_without_moving_anything(visit: Visit) -> None:
    anna, ben = await visit(), await visit()
    await anna.enter("night")
    ben_is = await ben.enter("night")
    line = anna.page.locator("#typing")
    before = await line.bounding_box()
    await ben.page.get_by_label("Your message").press_sequentially("hel")
    await expect(line).to_have_text(f"{ben_is} is writing")
    assert await line.bounding_box() == before
    await ben.page.locator("#send").click()
    await expect(line).to_be_empty()


async def test_older_messages_are_loaded_without_a_jump(visit: Visit, serve: Serve) -> None:
    server = await serve("--open", environ={"CHATD_POST_PER_S": "0"})
    async with connect(server.ws_url) as client:
        room = await client.join("night")
        # More than a newcomer is shown.
        for number in range(60):
            await room.post(f"line {number}")
    ben = await visit(server, viewport=PHONE)
    await ben.enter("night")
    await ben.sees("line 59")
    await ben.page.locator("#scroller").evaluate("(box) => { box.scrollTop = 0; }")
    await expect(ben.posts).to_have_count(60)


async def test_jump_to_latest_and_the_unread_marker(visit: Visit) -> None:
    anna, ben = await visit(), await visit()
    await anna.enter("night")
    await ben.enter("night")
    long = "\n".join(f"row {row}" for row in range(60))
    await anna.send(long)
    await ben.page.locator(".post").first.wait_for()
    latest = ben.page.locator("#latest")
    await expect(latest).to_be_hidden()
    await ben.page.locator("#scroller").evaluate("(box) => { box.scrollTop = 0; }")
    await expect(latest).to_have_text("Jump to latest")
    await anna.say("a new one")
    await expect(latest).to_have_text("One new message")
    await latest.click()
    await expect(latest).to_be_hidden()
    await expect(ben.page.get_by_text("New from here")).to_be_visible()
    await ben.say("read it")
    await expect(ben.page.get_by_text("New from here")).to_have_count(0)


async def test_reactions_stand_in_one_order_however_they_came(visit: Visit) -> None:
    anna, ben, cleo = await visit(), await visit(), await visit()
    for person in (anna, ben, cleo):
        await person.enter("night")
    await anna.say("It is quiet tonight.")
    chips = anna.post("It is quiet tonight.").locator(".reactions button")
    came = ["Heard", "With you", "Thank you"]
    for person, kind in zip((cleo, ben, anna), came, strict=True):
        sheet = await person.menu("It is quiet tonight.")
        await sheet.get_by_role("button", name=kind).click()
        await expect(chips.filter(has_text=kind)).to_have_count(1)
    await expect(chips).to_have_text(["With you", "Thank you", "Heard"])
    await anna.page.reload()
    await expect(chips).to_have_text(["With you", "Thank you", "Heard"])


async def test_quick_exit_by_key_covers_leaves_and_does_not_come_back(visit: Visit) -> None:
    anna, ben = await visit(), await visit()
    await anna.enter("night")
    await ben.enter("night")
    await anna.say("something private")
    for _ in range(3):
        await anna.page.keyboard.press("Shift")
    await expect(anna.page.get_by_role("heading", name="Notes")).to_be_visible()
    await expect(anna.page.get_by_text("something private")).to_have_count(0)
    await expect(anna.page).to_have_title("Notes")
    assert "night" not in anna.page.url
    await expect(ben.page.locator("#side .person")).to_have_count(1)
    stored = await anna.page.evaluate("JSON.stringify(sessionStorage)")
    assert stored == '{"notes":"1"}'
    assert await anna.page.evaluate("localStorage.length") == 0
    await anna.page.reload()
    await expect(anna.page.get_by_role("heading", name="Notes")).to_be_visible()


async def test_back_after_the_quick_exit_finds_the_notes_on_every_page(visit: Visit) -> None:
    anna = await visit()
    notes = anna.page.get_by_role("heading", name="Notes")
    await anna.open("/")
    await expect(anna.page.locator("#lobby")).to_be_visible()
    await anna.enter("day")
    await anna.open("/")
    await expect(anna.page.locator("#lobby")).to_be_visible()
    await anna.enter("night")
    await anna.page.locator("[data-hide]:visible").click()
    for _ in range(3):
        await anna.page.go_back()
        await expect(notes).to_be_visible()
        await expect(anna.page.locator("#lobby, #entry, #room")).to_have_count(0)
        await expect(anna.page).to_have_url(anna.base + "/#notes")
    # Whoever wants to come again opens the page anew.
    await anna.enter("night")
    await anna.say("here again")


async def test_quick_exit_by_button_before_entering(visit: Visit) -> None:
    anna = await visit(viewport=PHONE)
    await anna.open("/room/night")
    await anna.page.get_by_role("button", name="Hide").first.click()
    await expect(anna.page.get_by_role("heading", name="Notes")).to_be_visible()


async def test_capitals_are_not_an_exit(visit: Visit) -> None:
    anna = await visit()
    await anna.enter("night")
    await anna.page.get_by_label("Your message").press_sequentially("ABCDEF")
    await expect(anna.page.locator("#room")).to_be_visible()


async def test_an_empty_room_says_what_one_can_do(visit: Visit) -> None:
    anna = await visit()
    await anna.enter("nobody-here")
    await expect(anna.page.locator("#empty")).to_contain_text("whoever comes next will find it")


async def test_the_title_says_nothing_but_a_dot(visit: Visit) -> None:
    anna, ben = await visit(), await visit()
    await anna.enter("night")
    await ben.enter("night")
    # Another tab in front: what the browser tells a page then.
    await anna.page.evaluate(
        """() => {
            Object.defineProperty(document, "hidden", { value: true, configurable: true });
            document.dispatchEvent(new Event("visibilitychange"));
        }"""
    )
    await ben.say("a secret")
    await expect(anna.page).to_have_title("• Room")


async def test_a_ticket_leaves_the_address_at_once(visit: Visit) -> None:
    anna = await visit()
    await anna.open("/room/night#ticket=not-a-real-one")
    await expect(anna.page).to_have_url(re.compile(r"/room/night[^#]*$"))
    # Told before anybody reads the rules.
    await expect(anna.page.get_by_role("heading", level=1)).to_have_text(MESSAGES[ErrorCode.TICKET_REFUSED])
    assert "not-a-real-one" not in await anna.page.evaluate("JSON.stringify(sessionStorage)")
