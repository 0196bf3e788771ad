"""The application: shared options, signals, errors and exit codes."""

from __future__ import annotations

import errno
import functools
import json
import signal
import sys
import threading
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.main import get_command

import thriftnet
from thriftnet.cli.options.completions import model_names, recipe_names
from thriftnet.cli.options.examples import EXAMPLES
from thriftnet.cli.options.mistakes import about_command, about_usage
from thriftnet.cli.options.panels import COMPUTING, OUTPUT, PICTURES, RECIPE, PanelGroup, option
from thriftnet.errors import ThriftnetError
from thriftnet.files import explain_refusal
from thriftnet.home import settle_without_home
from thriftnet.plain import to_stderr
from thriftnet.runtime.memory import is_out_of_memory
from thriftnet.terminal.output import CLOSED_PIPE, OutputGoneError, guarded_streams

if TYPE_CHECKING:
    from thriftnet.weights.find import FoundModel


class _StoppedError(Exception):
    """Ctrl-C; typer would turn a KeyboardInterrupt into a silent exit."""


class _Commands(PanelGroup):
    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find a command by its name.

        Raises:
            ThriftnetError: There is none of that name.
        """
        if args[0] not in self.commands and not ctx.resilient_parsing:
            see = about_command(args[0], self.commands)
            raise ThriftnetError(f"no command {args[0] or repr(args[0])}; {see}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        Path.cwd()  # raises if the folder was removed; MKL of torch would end the process
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            raise _StoppedError from stop


app = typer.Typer(
    cls=_Commands,
    name="thriftnet",
    help="Train compact image classifiers within a parameter and compute budget, on a CPU or GPU.",
    epilog="\b\nExamples:\n  thriftnet predict best photo.jpg\n  thriftnet train --data photos/ "
    "--name mine\n\nthriftnet COMMAND --help shows the options of a command and examples. With "
    "--debug, any command shows the traceback of an error.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # its own console would bypass the cleaning of the streams
)

RecipeArgument = Annotated[
    str,
    typer.Argument(
        metavar="RECIPE",
        help="A recipe's name, as thriftnet recipes lists them, or a .yaml path.",
        autocompletion=recipe_names,
    ),
]
SetOption = Annotated[
    list[str] | None,
    option(
        RECIPE,
        "KEY=VALUE",
        "Change a recipe key; may be repeated. Keys: thriftnet recipes quick.",
        "--set",
    ),
]
DataOption = Annotated[
    Path | None,
    option(
        PICTURES,
        "PATH",
        "Your pictures: class folders, a CSV, .npz, Parquet; or CIFAR-10 on disk.",
        "--data",
    ),
]
GroupOption = Annotated[
    str | None,
    option(
        PICTURES,
        "HOW",
        "Keep groups in one split: a column, folder, folder:DEPTH or a pattern.",
        "--group",
    ),
]
StrictOption = Annotated[
    bool, option(PICTURES, None, "Stop if a picture of --data cannot be used.", "--strict")
]
JsonOption = Annotated[bool, option(OUTPUT, None, "Print JSON.", "--json")]
TtaOption = Annotated[
    str | None,
    option(
        COMPUTING,
        "VIEWS",
        "Views of each image: none, flip, flip_shift, shift or flip_turn. Default: the recipe's.",
        "--tta",
    ),
]
AtLeastOption = Annotated[
    float | None,
    option(
        COMPUTING,
        "0.99",
        "Only predict if this share of predictions is right; else: not sure.",
        "--at-least",
    ),
]
OutliersOption = Annotated[
    float | None,
    option(
        COMPUTING,
        "0.05",
        "Reject pictures unlike the training's, and at most this share of normal ones.",
        "--reject-outliers",
    ),
]
DeviceOption = Annotated[str, option(COMPUTING, "NAME", "auto, cpu, cuda or mps.", "--device")]
PrecisionOption = Annotated[str, option(COMPUTING, "NAME", "auto, fp32 or bf16.", "--precision")]
RuntimeOption = Annotated[
    str | None,
    option(
        COMPUTING, "NAME", "For an ONNX file: onnxruntime (the default) or openvino.", "--runtime"
    ),
]
TargetArgument = Annotated[
    str,  # not a Path, which would lose the dot of ./NAME
    typer.Argument(
        metavar="MODEL",
        help="A run folder, a model file, or the name of shipped weights, such as best.",
        autocompletion=model_names,
    ),
]


def _print_version(asked: bool) -> None:
    if asked:
        print(f"thriftnet {thriftnet.__version__}")
        raise typer.Exit


@app.callback()
def application(
    _: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Options of the application itself; its help is in `app`."""


def main() -> None:
    """Run the command line; an expected error is one line and its exit code."""
    debug = "--debug" in sys.argv[1:]
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    settle_without_home()
    _handle_signals_like_ctrl_c()
    try:
        with guarded_streams():
            _run(arguments, debug=debug)
    finally:
        _let_signals_kill()


def _handle_signals_like_ctrl_c() -> None:
    """Handle SIGTERM and SIGHUP like Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        return
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:  # nohup ignores one
            signal.signal(number, signal.default_int_handler)


def _let_signals_kill() -> None:
    """Let the next signal kill the process.

    Python is only waiting for threads. An exception there would exit while a thread is inside a C++
    library, which then aborts with a message.
    """
    if threading.current_thread() is threading.main_thread():
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            if number is not None and callable(signal.getsignal(number)):  # nohup ignores one
                signal.signal(number, signal.SIG_DFL)


@functools.cache
def _command() -> Any:
    """The commands of `app`, all registered; making them anew for each call takes 25 ms."""
    return get_command(app)


def _run(arguments: list[str], *, debug: bool) -> None:
    try:
        try:
            code = _command()(arguments, prog_name="thriftnet", standalone_mode=False)
        finally:
            sys.stdout.flush()
        sys.exit(code)  # none is 0
    except OutputGoneError as gone:
        if gone.fault.errno == errno.EPIPE:  # the reader of the pipe is gone
            sys.exit(CLOSED_PIPE)
        _fail(f"standard output cannot be written: {gone}; send it elsewhere", 2, debug=debug)
    except ThriftnetError as error:
        if error.reported:  # another process has reported it
            sys.exit(error.exit_code)
        _fail(str(error), error.exit_code, debug=debug)
    except (_StoppedError, KeyboardInterrupt):
        _end("interrupted", 130, debug=debug)
    except typer.Abort:  # an unanswered prompt
        _end("nothing was done", 1, debug=debug)
    except Exception as error:
        _fail_as(error, debug=debug)


def _fail_as(error: Exception, *, debug: bool) -> NoReturn:
    """Exit with one line: for a wrong command line, an error of the system, or a bug."""
    usage = getattr(error, "format_message", None)  # typer does not export the class
    if refusal := explain_refusal(error):
        _fail(refusal, 2, debug=debug)
    if is_out_of_memory(error):
        remedy = "close other programs, or for a training add --set train.micro_batch=32"
        _fail(f"there is not enough memory; {remedy}", 2, debug=debug)
    if usage is None:
        reason = str(error).splitlines()[0] if str(error) else ""
        text = f"unexpected {type(error).__name__}: {reason} (report it with the output of --debug)"
        _fail(text, 1, debug=debug)
    if "\n" in usage():  # help, for a command without arguments
        print(usage())
        sys.exit(2)
    context = getattr(error, "ctx", None)
    path = getattr(context, "command_path", "thriftnet")
    if context is not None and (said := about_usage(error, context)):
        _fail(said, 2, debug=debug)
    shown = EXAMPLES.get(path.removeprefix("thriftnet "), ())
    needed = usage().startswith("Missing ") and bool(shown)
    as_in = f", as in: {shown[0]}" if needed else ""
    _fail(f"{usage().rstrip('.')}{as_in}; see {path} --help", 2, debug=debug)


def _fail(message: str, code: int, *, debug: bool) -> NoReturn:
    """Exit with an error, whose message begins with `error:`, as those of argparse do."""
    _end(f"error: {message}", code, debug=debug)


def _end(message: str, code: int, *, debug: bool) -> NoReturn:
    if debug:
        traceback.print_exc()
    to_stderr(f"thriftnet: {message}")
    sys.exit(code)


def find_target(target: str) -> FoundModel:
    """Resolve a `MODEL` argument, with a note if it is ambiguous or cannot be verified.

    Raises:
        RunError: There is no such model, or the run is not finished.
    """
    from thriftnet.models.metadata import read_facts
    from thriftnet.weights.find import find_model

    found = find_model(target)
    if found.shadows_a_path:
        to_stderr(
            f"thriftnet: {target} means the shipped weights; for the path of that name "
            f"use ./{target}"
        )
    elif found.name is None and not found.is_onnx and read_facts(found.path).weights_sha256 is None:
        to_stderr(
            f"thriftnet: {found.path} has no digest, as an earlier version wrote it: damage to "
            "its weights cannot be detected"
        )
    return found


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    print(json.dumps(value, indent=2))
