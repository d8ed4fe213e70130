"""`quillkeep` and `python -m tui`: runs the command and turns every way it ends into an exit code."""

from __future__ import annotations

import contextlib
import os
import sys

import click

from services.errors import NOTHING_TOUCHED, QuillkeepError


def main() -> None:
    """The console script."""
    code = run(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            # The reader or the terminal is gone; Python's own exit would flush again and end with 120.
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Runs one command line; gives the exit code of the headless contract."""
    from tui.cli import cli
    from tui.output import print_json, report_failure, show_failure
    from tui.terminal import make_safe_for_encoding
    from widgets.text import escape

    for stream in (sys.stdout, sys.stderr):
        make_safe_for_encoding(stream)
    as_json = "--json" in arguments
    try:
        result = cli.main(args=arguments, prog_name="quillkeep", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.UsageError as error:
        message = escape(error.format_message())
        if error.ctx is not None:
            print(error.ctx.get_usage(), file=sys.stderr)
        help_line = f"`{error.ctx.command_path if error.ctx else 'quillkeep'} --help` shows the usage."
        show_failure(message, "", NOTHING_TOUCHED, help_line)
        if as_json:
            problem = {"what": message, "cause": "", "touched": NOTHING_TOUCHED, "next": help_line}
            print_json(_usage_document(problem, arguments))
        return 3 if meant_status(arguments) else 2
    except QuillkeepError as error:
        return report_failure(error, as_json=as_json)
    except (KeyboardInterrupt, click.Abort):
        print("Cancelled.", file=sys.stderr)
        if as_json:
            print_json({"status": "cancelled", "warnings": []})
        return 130
    except BrokenPipeError:
        # Whoever read our output left; nothing more can be said to them.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:  # noqa: BLE001 - the last border: a defect is told without its data
        import traceback

        places = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
        what = f"Quillkeep stopped at a defect of its own: {type(error).__name__}."
        cause = f"{error} (at {' < '.join(reversed(places[-6:]))})"
        touched = "Unknown; a running job goes on, see `quillkeep jobs`."
        show_failure(what, cause, touched, "Please report this text.")
        if as_json:
            from services.redact import redact

            problem = {
                "what": what,
                "cause": redact(cause),
                "touched": touched,
                "next": "Please report this text.",
            }
            print_json({"status": "failed", "warnings": [], "error": problem})
        return 1


def meant_status(arguments: list[str]) -> bool:
    """Whether the verb of a command line that was not understood is `status`, whose usage errors end with 3."""
    from tui.cli import VERBS

    return next((word for word in arguments if word in VERBS), "") == "status"


def _usage_document(problem: dict[str, str], arguments: list[str]) -> dict[str, object]:
    """What `--json` prints of a command line that was not understood: for `status` a document of its own kind."""
    if meant_status(arguments):
        from tui.verbs_status import unknown_document

        return unknown_document(problem)
    return {"status": "failed", "warnings": [], "error": problem}


if __name__ == "__main__":
    main()
