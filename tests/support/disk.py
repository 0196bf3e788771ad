"""A disk that is full, in place of a function that writes."""

import errno
import os
from typing import Any, NoReturn


def full_disk(*_: Any, **__: Any) -> NoReturn:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
