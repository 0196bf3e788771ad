"""Errors shown to users; each message is one line that names a remedy."""

from thriftnet.plain import plain


class ThriftnetError(Exception):
    """Base of every expected error. The command line prints it and exits with `exit_code`."""

    exit_code = 2
    reported = False
    """Whether another process of the same training has already reported a failure."""

    def __init__(self, message: str) -> None:
        # Always one clean line: names and reasons may contain line breaks and escape sequences.
        super().__init__(plain(" ".join(message.splitlines())))


class RecipeError(ThriftnetError):
    """A recipe has an unknown key, a wrong value, or a network over its parameter budget."""


class TooLargeError(RecipeError):
    """A recipe trains on more images at once than the memory holds."""


class DataError(ThriftnetError):
    """A data set is missing, incomplete or does not match its digest."""


class NoColumnError(DataError):
    """Tables lack a column that was asked for, or paths what groups them.

    Args:
        message: One line.
        key: Of a recipe's section `data`, that asked for it.
    """

    def __init__(self, message: str, *, key: str = "") -> None:  # another process unpickles it
        super().__init__(message)
        self.key = key


class ImageError(DataError):
    """One image file cannot be used."""


class RunError(ThriftnetError):
    """A run folder or model file is missing, incomplete or damaged."""


class RunExistsError(RunError):
    """The path of a new run is taken."""


class NoCheckpointError(RunError):
    """A run was interrupted before its first checkpoint."""


class DamagedCheckpointsError(RunError):
    """A run was interrupted, and none of its checkpoints can be read."""


class SearchError(ThriftnetError):
    """A search space is invalid, or a study has another space, is damaged or cannot be reached."""


class TrackingError(ThriftnetError):
    """A tracker is unknown, not installed or cannot be reached."""


class ProcessError(ThriftnetError):
    """A process of a distributed training ended or cannot be reached."""

    exit_code = 1


class TrainingError(ThriftnetError):
    """Training had to stop: the loss or a weight is no longer finite."""

    exit_code = 1


class ExportError(ThriftnetError):
    """A network cannot be exported as asked: a package, pictures or an option is missing."""


class ExportMismatchError(ExportError):
    """The outputs of an export differ from its network's; it was not kept."""

    exit_code = 1
