"""The life of a runner process."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence

from . import VERSION
from .arguments import read_flags, read_max_payload_bytes, refuse
from .frames import Limits
from .library_settings import set_up_libraries
from .link_server import STOP_SIGNALS, listen
from .parent_watch import end_within, watch_parent
from .printing import take_over_output
from .problem import Problem, remember_secrets
from .runner import Runner

# What is under way when the process should end has this long.
_FINISH_SECONDS = 5.0
# How often the thread that reads frames may take over from a model that computes in Python.
_SWITCH_SECONDS = 0.001


def run_program(words: Sequence[str]) -> None:
    """Serves until it is told to end, and ends the process."""
    flags = read_flags(words, ("listen", "max-payload-bytes"))
    address = flags.get("listen", os.environ.get("MUSTER_RUNNER_LISTEN"))
    if address is None:
        refuse("the runner was not told where to listen")
    limits = Limits(max_payload_bytes=read_max_payload_bytes(flags))
    try:
        listener, bound = listen(address)
    except Problem as problem:
        refuse(problem.detail)
    # Before the model runs, which may change its environment.
    remember_secrets(os.environ)
    own = take_over_output()
    set_up_libraries()
    sys.setswitchinterval(_SWITCH_SECONDS)
    python = ".".join(map(str, sys.version_info[:3]))
    software = f"runtime-python/{VERSION} python/{python}"
    runner = Runner(listener, software, limits)

    def stop() -> None:
        end_within(_FINISH_SECONDS)
        runner.stop()

    def on_listening() -> None:
        # The signal's number is read by the link's thread, also while the main thread is inside of a model.
        signal.set_wakeup_fd(runner.wake_socket.fileno(), warn_on_full_buffer=False)
        for number in STOP_SIGNALS:
            # A model may have taken the descriptor for itself; then this does it.
            signal.signal(number, lambda received, _: runner.wake_socket.send(bytes([received])))
        watch_parent(stop)
        own.say({"event": "listening", "address": bound, "software": software})

    runner.serve(on_listening, stop)
    own.flush()
    # Not `sys.exit`: what the model left running (threads, handlers at exit) has no say in this.
    os._exit(0)
