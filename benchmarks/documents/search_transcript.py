"""The output of `thriftnet search` for a kept study, as the current version prints it.

Lines of candidates and jobs are as recorded. Outcomes of stages are printed anew, so that changed
messages reach the documents.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
from typing import Any
from unittest import mock

from thriftnet.terminal.search import PrintedSearch


def printed_today(recorded: str, outcomes: dict[str, dict[str, Any]]) -> str:
    """Render the transcript.

    Args:
        recorded: Output of the command when the study ran.
        outcomes: Outcomes of its stages, in order.
    """
    lines = recorded.strip().replace("(the paper's)", "(the reference)").split("\n")
    jobs = {
        stage: [line for line in lines if re.match(rf"{stage} \d+/\d+  ", line)]
        for stage in outcomes
    }
    first = next(at for at, line in enumerate(lines) if line in jobs["grid"])
    parts = ["\n".join(lines[:first]).strip()]
    for stage, outcome in outcomes.items():
        parts += ["\n".join(jobs[stage]), _printed(stage, outcome)]
    return "\n\n".join([*filter(None, parts), lines[-1]])


def _printed(stage: str, outcome: dict[str, Any]) -> str:
    """Output of a finished stage, as in a file."""
    unlimited = mock.patch("shutil.get_terminal_size", os.terminal_size)
    with unlimited, contextlib.redirect_stdout(io.StringIO()) as out:
        PrintedSearch().concluded(stage, outcome)
    return out.getvalue().strip()
