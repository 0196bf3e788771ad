"""Python runs this when a process of a test starts: it then seldom looks for garbage.

What PyTorch makes when it is imported stays; looking through it takes a seventh of a start.
"""

import gc

gc.set_threshold(100_000, 20, 20)
