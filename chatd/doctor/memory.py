"""What `chatd doctor` says of the memory of this machine, which holds what people say while they say it.

Reads /proc/swaps.
"""

from chatd import memory
from chatd.doctor.here import Finding, ok
from chatd.settings import Settings


def check_memory(settings: Settings) -> Finding:
    """A server writes no core image itself (`memory.py`); what the system swaps out is the system's."""
    if not memory.swapped():
        return ok("Memory", "is not written to a disk: no core images, no swap")
    return Finding(
        "Memory",
        "warning",
        "no core images; but this machine swaps, and what people say may be written to its disk",
        "Encrypt the swap with a key of each start, or keep chatd out of it: MemorySwapMax=0 in its unit.",
    )
