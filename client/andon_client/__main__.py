"""The command `andon`, from its first import to its exit code."""

from __future__ import annotations

import signal


def main() -> None:
    # Loading takes a moment: until there is something to end in order, Ctrl-C just ends the process.
    ours = signal.signal(signal.SIGINT, signal.SIG_DFL)
    from andon_client.command_line import app

    signal.signal(signal.SIGINT, ours)
    app()


if __name__ == "__main__":
    main()
