"""The runner of Python models, started by the runtime host:

    python -I program.py --listen unix:/path|tcp:host:port [--max-payload-bytes N]

(or MUSTER_RUNNER_LISTEN, MUSTER_RUNNER_MAX_PAYLOAD_BYTES). It prints `{"event":"listening","address":…}` when it can be
reached, then what the model prints (within bounds), and ends when its standard input closes or on SIGTERM,
after the run that is under way.
"""

import os
import sys

_folder = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, _folder)
import muster_runtime  # noqa: E402, F401

# Our folder hides no module of the model; what is ours comes by the package.
sys.path.remove(_folder)

if __name__ == "__main__":
    from muster_runtime.run_program import run_program

    run_program(sys.argv[1:])
