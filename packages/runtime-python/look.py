"""Says what a model file or folder is without running any of it: python3 -I look.py FILE

Prints one JSON object on standard output. Works with the standard library alone, from Python 3.9 on; the list of
dangerous instructions comes from `picklescan` where that can be imported, and `scanner` says when it cannot.
"""

import os
import sys

# Isolated mode (-I) leaves the folder of the program out of the path.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# Nothing is written: the program also runs where it may not write.
sys.dont_write_bytecode = True

from muster_look.command import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
