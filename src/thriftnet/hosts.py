"""Host names of a server for this machine only.

A foreign page whose name was made to resolve to this machine (DNS rebinding) sends its own name,
and could otherwise read what a browser may.
"""

from __future__ import annotations

import re

OWN_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})


def host_of(header: str) -> str:
    """The host in a `Host` header, in lower case and without the port."""
    return re.sub(r":\d*$", "", header).lower()
