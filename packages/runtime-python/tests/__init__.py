"""Run them with the interpreter of an environment: `ENV/bin/python -m unittest discover -t . -s tests` in this package.

Cases whose library is not there are skipped.
"""
