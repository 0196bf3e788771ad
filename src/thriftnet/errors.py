"""The errors a user can meet; each message is one line that names the remedy."""

from thriftnet.plain import plain


class ThriftnetError(Exception):
    """Base of every expected error. The command line prints it and exits with `exit_code`."""

    exit_code = 2
    told = False
    """Whether another process of the same training has said its line already."""

    def __init__(self, message: str) -> None:
        # One clean line always: names and reasons may hold line breaks and escape sequences.
        super().__init__(plain(" ".join(message.splitlines())))


class RecipeError(ThriftnetError):
    """A recipe has an unknown key, a wrong value, or a network over its parameter budget."""


class DataError(ThriftnetError):
    """A data set is missing, incomplete or not what its digest says."""


class ImageError(DataError):
    """One image file cannot be used."""


class RunError(ThriftnetError):
    """A run folder or model file is missing, incomplete or damaged."""


class RunExistsError(RunError):
    """The place of a new run is taken."""


class NoCheckpointError(RunError):
    """A run was cut before its first checkpoint."""


class SearchError(ThriftnetError):
    """A search space is wrong, or a study is of another space, damaged or out of reach."""


class TrackingError(ThriftnetError):
    """A tracker is not known, not installed or cannot be reached."""


class ProcessError(ThriftnetError):
    """Of several processes that train together, one ended or cannot be reached."""

    exit_code = 1


class TrainingError(ThriftnetError):
    """Training had to stop: the loss or a weight is no longer finite."""

    exit_code = 1


class ExportError(ThriftnetError):
    """A network cannot be exported as asked: a package, pictures or an option is missing."""


class ExportMismatchError(ExportError):
    """An export says something else than its network, and was not kept."""

    exit_code = 1
