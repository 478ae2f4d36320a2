"""One check of `chatd doctor`: that the keys of staff passes can be had, where another issuer gives them.

Reads that issuer's list, from where the server would read it; changes nothing.
"""

import asyncio
import time
from typing import Final

from chatd.doctor.here import Finding, ok
from chatd.passes.keys import NoKeys, parse
from chatd.passes.source import NotRead, read_source, source_of
from chatd.settings import Settings

WHAT: Final = "Passes"
REMEDY: Final = "Until then nobody gets into rooms that ask for a pass. See docs/staff-pass.md#for-it."


def check_passes(settings: Settings) -> Finding:
    source = source_of(settings)
    if source is None:
        if settings.database is None:
            return ok(WHAT, "given here, for rooms that ask for them")
        return ok(WHAT, "none: with several machines they need an issuer (pass_issuer)")
    try:
        keys = parse(asyncio.run(read_source(settings, source)))
    except (NotRead, NoKeys) as problem:
        return Finding(WHAT, "failure", str(problem), f"Look at pass_issuer and pass_keys. {REMEDY}")
    now = time.time()
    rooms = {key.room for key in keys if key.begins_at <= now < key.ends_at}
    if not rooms:
        seen = "the issuer has no key for the present period"
        return Finding(WHAT, "failure", seen, f"Is `chatd issuer` running, and both clocks right? {REMEDY}")
    return ok(WHAT, f"the issuer has keys for {len(rooms)} room{'' if len(rooms) == 1 else 's'}")
