"""Classes and functions that travel in the file itself, as cloudpickle writes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, List, Optional, Set

from .distributions import distribution_of, is_standard, top_level
from .pickle_machine import PickleMachine
from .pickle_values import Collection, Global, Made

_MOST_MADE = 200_000

#: Instructions that only one of the two has, whose RESUME has the same number; and CALL (171), which follows PRECALL
#: (166) in the older one.
_ONLY_3_11 = {10, 70, 82, 84, 86, 88, 111, 112, 148, 160, 166}
_ONLY_3_12 = {3, 4, 5, 17, 26, 27, 55, 121, 127, 141, 143, 150, 171}


@dataclass
class ByValue:
    """What was found; `classes` are the skeletons of classes by what makes them."""

    is_used: bool = False
    #: Named in the code that travels along, beyond what the pickle looks up itself.
    modules: Set[str] = field(default_factory=set)
    class_names: List[str] = field(default_factory=list)
    #: Minor version of Python that compiled the code, where the code tells.
    python_versions: Set[str] = field(default_factory=set)

    def class_name(self, top: Any) -> Optional[str]:
        """The class of the outermost object, where it is in the file: `__main__.ChurnModel`."""
        maker = top.maker if isinstance(top, Made) else None
        if isinstance(maker, Made):
            return _skeleton_name(maker) or ("function" if _is_builtin_type(maker, "FunctionType") else None)
        if isinstance(top, Made) and isinstance(maker, Global) and maker.name in ("_reconstructor", "__newobj__"):
            first = top.arguments[0] if isinstance(top.arguments, tuple) and top.arguments else None
            return _skeleton_name(first) if isinstance(first, Made) else None
        return None


def read_by_value(machine: PickleMachine) -> ByValue:
    found = ByValue()
    for made in machine.made[:_MOST_MADE]:
        maker = made.maker
        arguments = made.arguments if isinstance(made.arguments, tuple) else ()
        if isinstance(maker, Global) and top_level(maker.module) == "cloudpickle":
            found.is_used = True
            if maker.name in ("subimport", "dynamic_subimport") and arguments and isinstance(arguments[0], str):
                _add_module(found, arguments[0])
            name = _skeleton_name(made)
            if name is not None:
                found.class_names.append(name)
        elif isinstance(maker, Made) and _is_builtin_type(maker, "CodeType"):
            _read_code(found, arguments)
    return found


def _skeleton_name(made: Made) -> Optional[str]:
    maker = made.maker
    arguments = made.arguments
    if not isinstance(maker, Global) or "skeleton" not in maker.name or not isinstance(arguments, tuple):
        return None
    names = [argument for argument in arguments[:2] if isinstance(argument, str)]
    if not names:
        return None
    module = "__main__"
    for argument in arguments:
        if isinstance(argument, Collection) and isinstance(argument.entries.get("__module__"), str):
            module = argument.entries["__module__"]
    return f"{module}.{names[0]}"


def _is_builtin_type(maker: Made, name: str) -> bool:
    return (
        isinstance(maker.maker, Global)
        and maker.maker.name == "_builtin_type"
        and isinstance(maker.arguments, tuple)
        and maker.arguments[:1] == (name,)
    )


def _read_code(found: ByValue, arguments: "tuple[Any, ...]") -> None:
    """Imports within functions appear among the names of their code only."""
    code = next((argument for argument in arguments if isinstance(argument, bytes)), None)
    names = next((argument for argument in arguments[7:] if _is_names(argument)), ())
    for name in names:
        if distribution_of(name) is not None:
            _add_module(found, name)
    if code is not None and len(arguments) >= 14:
        version = _python_of(len(arguments), code)
        if version is not None:
            found.python_versions.add(version)


def _is_names(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) > 0 and all(isinstance(name, str) for name in value)


def _python_of(argument_count: int, code: bytes) -> Optional[str]:
    """Minor version of Python that compiled the code: another cannot run it, and may crash. None where it is open."""
    if argument_count == 16:
        return "3.10"
    if argument_count != 18:
        return None
    # The instruction that every function begins with, RESUME 0, has another number in each of the newer versions; a
    # few others may come before it, for closures and generators.
    starts = [code[at] for at in range(0, min(len(code) - 1, 40), 2) if code[at + 1] == 0]
    if 151 not in starts:
        return next(({149: "3.13", 128: "3.14"}[start] for start in starts if start in (149, 128)), None)
    instructions = set(code[::2])
    if instructions & _ONLY_3_11:
        return "3.11"
    return "3.12" if instructions & _ONLY_3_12 else None


def _add_module(found: ByValue, module: str) -> None:
    name = top_level(module)
    if not is_standard(name):
        found.modules.add(name)
