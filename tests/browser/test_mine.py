"""What the server holds of somebody, as the page shows it, and taking all of it back."""

from playwright.async_api import expect

from tests.fixtures.browsers import Visit


async def test_one_sees_what_is_kept_and_takes_all_of_it_back(visit: Visit) -> None:
    anna, ben = await visit(), await visit()
    anna_is = await anna.enter("mine")
    await ben.enter("mine")
    sheet = anna.page.get_by_role("dialog", name="What the server holds about you")
    ask = anna.page.get_by_role("button", name="What the server holds about you")

    await ask.click()
    await expect(sheet).to_contain_text("Nothing that you said or did.")
    await expect(sheet.get_by_role("button", name="Take back")).to_have_count(0)
    await sheet.get_by_role("button", name="Close").click()

    for text in ("A hard night.", "And a long one."):
        await anna.say(text)
    await ben.say("I am here.")
    await anna.sees("I am here.")
    await ask.click()
    await expect(sheet).to_contain_text(f"Under {anna_is}")
    await expect(sheet.get_by_role("listitem")).to_have_text(["Messages: 2"])
    await expect(sheet).to_contain_text("deleted by")
    await sheet.get_by_role("button", name="Take back everything I said").click()
    sure = anna.page.get_by_role("dialog", name="Take back everything you said here?")
    await sure.get_by_role("button", name="Take it all back").click()
    await expect(sheet).to_contain_text("Taken back: 2.")
    await expect(sheet.get_by_role("listitem")).to_have_text(
        ["Places of what you took back, without what was in it: 2"]
    )
    await sheet.get_by_role("button", name="Close").click()
    await expect(ben.page.get_by_text("Withdrawn by its author.")).to_have_count(2)
    await expect(ben.page.get_by_text("I am here.")).to_be_visible()
