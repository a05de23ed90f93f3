"""What a pickle needs to be read again: the distributions whose modules it names, in the versions that are here.

The pickle is walked, never read: only what the file itself names ends up in its requirements.
"""

from __future__ import annotations

import importlib.metadata
import pickletools
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from ._pickled import is_local
from .errors import MusterError

_MARK = object()


def modules_in(file: BinaryIO) -> set[str]:
    """The modules that reading the pickle would import."""
    modules: set[str] = set()
    memo: dict[int, Any] = {}
    stack: list[Any] = []
    for opcode, argument, _ in pickletools.genops(file):
        name = opcode.name
        if name in ("GLOBAL", "INST"):
            module, _, attribute = str(argument).partition(" ")
            modules |= _modules_of(module, attribute)
            stack.append(None)
        elif name == "STACK_GLOBAL":
            owner, attribute = (stack[-2], stack[-1]) if len(stack) >= 2 else (None, "")
            del stack[-2:]
            if isinstance(owner, str):
                modules |= _modules_of(owner, attribute)
            # A module that a function uses is imported by its name when the function is read.
            is_import = (owner, attribute) in _IMPORTERS
            stack.append(_IMPORTER if is_import else None)
        elif name == "MEMOIZE":
            memo[len(memo)] = stack[-1] if stack else None
        elif name in ("PUT", "BINPUT", "LONG_BINPUT"):
            memo[_index(argument)] = stack[-1] if stack else None
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            stack.append(memo.get(_index(argument)))
        elif name == "REDUCE":
            arguments = stack.pop() if stack else None
            function = stack.pop() if stack else None
            if function is _IMPORTER and isinstance(arguments, tuple) and isinstance(arguments[0], str):
                modules.add(arguments[0])
            stack.append(None)
        else:
            _step(opcode, argument, stack)
    return modules


_IMPORTER = object()
_IMPORTERS = {("cloudpickle.cloudpickle", "subimport"), ("importlib", "import_module"), ("builtins", "__import__")}


def _index(argument: Any) -> int:
    return int(argument)


def _modules_of(module: str, attribute: object) -> set[str]:
    """The module, and those of what a class is derived from: xgboost names scikit-learn nowhere else."""
    found = {module}
    named: Any = sys.modules.get(module)
    for part in str(attribute).split("."):
        named = getattr(named, part, None)
    if isinstance(named, type):
        found |= {base.__module__ for base in named.__mro__}
    return found


def _step(opcode: Any, argument: Any, stack: list[Any]) -> None:
    """What any other instruction does to the stack; only texts and tuples of them are kept."""
    before, after = opcode.stack_before, opcode.stack_after
    if pickletools.markobject in before:
        items = []
        while stack:
            top = stack.pop()
            if top is _MARK:
                break
            items.append(top)
        # What lies below the mark is taken, too, where the instruction extends it.
        for _ in range(before.index(pickletools.markobject)):
            if stack:
                stack.pop()
        popped: tuple[Any, ...] = tuple(reversed(items))
    else:
        popped = tuple(stack[len(stack) - len(before) :]) if before else ()
        if before:
            del stack[max(0, len(stack) - len(before)) :]
    if pickletools.markobject in after:
        stack.append(_MARK)
    elif opcode.name.startswith("TUPLE"):
        stack.append(popped)
    elif opcode.name == "DUP":
        stack.extend([popped[0] if popped else None] * 2)
    else:
        is_text = isinstance(argument, str) and "UNICODE" in opcode.name
        stack.extend([argument if is_text else None] * len(after))


def requirements_of(modules: Iterable[str], extra: Iterable[str] = ()) -> list[str]:
    """Exact pins of the distributions that bring these modules. Raises `requirements_needed` for what nobody brings.

    `extra` are modules that are needed only if they are installed here.
    """
    names = {module.partition(".")[0] for module in modules}
    owners = _Owners()
    pins: set[str] = set()
    missing = []
    for name in sorted(names):
        if name in _standard_library():
            continue
        distribution = owners.find(name)
        if distribution is not None:
            pins.add(_pin(distribution))
        elif name != "muster":
            module = sys.modules.get(name)
            if module is None or is_local(module) or getattr(module, "__file__", None) is not None:
                missing.append(name)
    if missing:
        raise MusterError(
            "requirements_needed",
            f"the model uses {', '.join(missing)}, which no installed package brings",
            title="What the model needs is not known",
            remedy="Name the packages: muster.deploy(…, requirements=['name==1.2.3']); they replace what was found.",
        )
    for name in extra:
        distribution = owners.find(name)
        if distribution is not None:
            pins.add(_pin(distribution))
    return sorted(pins)


def read_requirements(given: Any) -> list[str]:
    """The requirements that the user gave: a list, or the path of a requirements.txt. Raises `invalid_request`."""
    if isinstance(given, (list, tuple)):
        return [str(line).strip() for line in given if str(line).strip()]
    try:
        lines = Path(given).read_text(encoding="utf-8").splitlines()
    except (OSError, TypeError, ValueError) as cause:
        raise MusterError(
            "invalid_request",
            f"the requirements cannot be read from {given!r}",
            remedy="Give a list such as ['scikit-learn==1.5.2'], or the path of a requirements.txt.",
        ) from cause
    stripped = (re.sub(r"(^|\s)#.*$", "", line).strip() for line in lines)
    wanted = [line for line in stripped if line]
    option = next((line for line in wanted if line.startswith("-")), None)
    if option is not None:
        raise MusterError(
            "invalid_request",
            f"“{option.split()[0]}” in {given} is an option, not a requirement",
            remedy="Leave options out; where packages come from is the server's configuration (python.indexes).",
        )
    return wanted


def _standard_library() -> frozenset[str]:
    names: frozenset[str] | None = getattr(sys, "stdlib_module_names", None)
    if names is not None:
        return names | {"__main__", "__builtin__", "copy_reg"}
    import sysconfig

    folder = Path(sysconfig.get_paths()["stdlib"])
    files = {path.stem.partition(".")[0] for path in [*folder.glob("*"), *folder.glob("lib-dynload/*")]}
    return (
        frozenset(files - {"site-packages"}) | set(sys.builtin_module_names) | {"__main__", "__builtin__", "copy_reg"}
    )


class _Owners:
    """Which distribution brings a top-level module. All of them are only listed where a name does not say it."""

    def __init__(self) -> None:
        self._all: Mapping[str, list[str]] | None = None

    def find(self, module: str) -> importlib.metadata.Distribution | None:
        """The distribution that is installed; None for what nobody brings."""
        try:
            namesake = importlib.metadata.distribution(_NAMES.get(module, module))
            if any(Path(str(namesake.locate_file(path))).exists() for path in (module, f"{module}.py")):
                return namesake
        except importlib.metadata.PackageNotFoundError:
            pass
        if self._all is None:
            self._all = _listed()
        return _owner(module, self._all)


# Found at once; every other module is looked for among all that is installed.
_NAMES = {"sklearn": "scikit-learn"}


def _listed() -> Mapping[str, list[str]]:
    """The distributions of each top-level module."""
    if sys.version_info >= (3, 10):
        return importlib.metadata.packages_distributions()
    owners: dict[str, list[str]] = {}
    for distribution in importlib.metadata.distributions():
        listed = (distribution.read_text("top_level.txt") or "").split()
        files = distribution.files or []
        tops = listed or {path.parts[0] if len(path.parts) > 1 else path.stem for path in files if path.suffix == ".py"}
        for top in tops:
            owners.setdefault(top, []).append(distribution.metadata["Name"])
    return owners


def _owner(module: str, owners: Mapping[str, list[str]]) -> importlib.metadata.Distribution | None:
    candidates = sorted(set(owners.get(module, [])))
    if len(candidates) > 1:
        # A namespace of several distributions (google, mpl_toolkits): those that are really loaded from are not known,
        # so that one is taken whose name says it.
        exact = [name for name in candidates if re.sub(r"[-_.]+", "_", name).lower() == module.lower()]
        candidates = exact or candidates
    for name in candidates:
        try:
            return importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return None


def _pin(distribution: importlib.metadata.Distribution) -> str:
    # A local version (`2.3.0+cpu`) is known to one index only; the public one has the same content for our purpose.
    name = re.sub(r"[-_.]+", "-", distribution.metadata["Name"]).lower()
    return f"{name}=={distribution.version.partition('+')[0]}"
