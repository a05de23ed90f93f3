"""The end of the process with its parent."""

from __future__ import annotations

import os
import stat
import threading
from typing import Callable


def watch_parent(on_gone: Callable[[], None]) -> None:
    """Calls back, on a thread, when standard input closes: the parent is gone, or wants us to end.

    Standard input that is neither pipe nor socket (a terminal, `/dev/null`) has no parent behind it. A model that
    holds the interpreter's lock for ever keeps the thread from running; hosts start runners with a death signal.
    """
    try:
        mode = os.fstat(0).st_mode
    except OSError:
        return
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        return
    # A model that reads its input must not take ours.
    fd = os.dup(0)
    os.set_inheritable(fd, False)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)

    def watch() -> None:
        try:
            while os.read(fd, 4096):
                pass
        except OSError:
            pass
        on_gone()

    threading.Thread(target=watch, name="muster-parent", daemon=True).start()


def end_within(seconds: float, code: int = 0) -> None:
    """Ends the process after that time, whatever it does then."""
    timer = threading.Timer(seconds, os._exit, (code,))
    timer.daemon = True
    timer.start()
