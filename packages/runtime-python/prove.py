"""Loads a model where nothing can happen to anybody, finds its signature and has it answer its sample:

    python -I prove.py --file F --format pickle [--sample S]

It prints one line of JSON, `{"ok":false,"problem":…}` or
`{"ok":true,"signature":…,"isTable":…,"modelClass":…,"packages":…,"adaptations":…,"sample":…}`.
"""

import os
import sys

_folder = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, _folder)
import muster_runtime  # noqa: E402, F401

sys.path.remove(_folder)

if __name__ == "__main__":
    from muster_runtime.run_proof import run_proof

    run_proof(sys.argv[1:])
