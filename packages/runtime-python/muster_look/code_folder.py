"""Folders with a model.py that has load(path) and predict(model, data). The code is read, never run."""

from __future__ import annotations

import ast
import re
import warnings
from typing import Dict, List, Optional, Set, Tuple, Union

from .budget import Budget
from .distributions import distribution_of, is_standard, top_level
from .findings import Findings, NotReadable
from .pickle_file import scan_only
from .requirement_lines import read_requirement_lines
from .scanner import Scanner
from .tree import Tree, read_text

_Function = Union[ast.FunctionDef, ast.AsyncFunctionDef]

_FUNCTIONS = {"load": ("load(path)", 1), "predict": ("predict(model, data)", 2)}


def look_at_code(tree: Tree, budget: Budget, scanner: Scanner, findings: Findings) -> None:
    text = read_text(tree, "model.py")
    if text is None:
        raise NotReadable("model.py is larger than code ever is", "Keep data out of it.")
    findings.format = "folder"
    findings.runtime = "python"
    findings.producer = "own code"
    findings.model_class = "model.py"
    _check_functions(_parsed(text, "model.py"), findings)
    own = {name.split("/", 1)[0].split(".", 1)[0] for name in tree.sizes if name.endswith(".py")}
    modules = _imports(tree, own, budget, findings)
    findings.modules = sorted(modules)
    _tell_requirements(tree, modules, findings)
    version = read_text(tree, ".python-version", 1000)
    match = re.match(r"^\s*(?:cpython-|python-)?(3\.\d{1,2})", version) if version is not None else None
    if match is not None:
        findings.python_version = match.group(1)
    for name in sorted(tree.sizes):
        if name.endswith((".pkl", ".pickle", ".joblib")):
            with tree.open(name) as file:
                scan_only(file, budget, scanner, findings, name)


def _parsed(text: str, name: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text, filename=name)
    except SyntaxError as error:
        raise NotReadable(
            f"{name}:{error.lineno or 1}: {error.msg}",
            f"Correct {name}.",
            "invalid_model_file",
            "The code cannot be read",
        ) from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise NotReadable(f"{name} cannot be read", f"Correct {name}.") from error


def _check_functions(module: ast.Module, findings: Findings) -> None:
    functions = _functions(module)
    for name, (form, count) in _FUNCTIONS.items():
        function = functions.get(name)
        if function is None:
            findings.lacks(
                "code", f"{form} in model.py", f"model.py defines no function {name}", f"Add `def {form}:` to model.py."
            )
            continue
        line, node = function
        findings.details[name] = f"model.py:{line}"
        if node is not None and not _takes(node, count):
            findings.lacks(
                "code",
                f"{form} in model.py",
                f"model.py:{line}: {name} does not take {count} argument{'s' if count > 1 else ''}",
                f"Write it as `def {form}:`.",
            )


def _functions(module: ast.Module) -> Dict[str, Tuple[int, Optional[_Function]]]:
    """By name, with the line: what is defined, assigned or imported at the top, also within if and try."""
    found: Dict[str, Tuple[int, Optional[_Function]]] = {}
    waiting: List[ast.stmt] = list(module.body)
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            found[node.name] = (node.lineno, node)
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    found[target.id] = (node.lineno, None)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                found[alias.asname or alias.name] = (node.lineno, None)
        elif isinstance(node, (ast.If, ast.Try)):
            waiting.extend([*node.body, *node.orelse])
    return found


def _takes(node: _Function, count: int) -> bool:
    arguments = node.args
    positional = len(arguments.posonlyargs) + len(arguments.args)
    needed = positional - len(arguments.defaults)
    has_needed_names = any(default is None for default in arguments.kw_defaults)
    return needed <= count and (positional >= count or arguments.vararg is not None) and not has_needed_names


def _imports(tree: Tree, own: Set[str], budget: Budget, findings: Findings) -> Set[str]:
    modules: Set[str] = set()
    for name in sorted(tree.sizes):
        if not name.endswith(".py"):
            continue
        budget.check()
        text = read_text(tree, name)
        if text is None:
            continue
        try:
            module = _parsed(text, name)
        except NotReadable as error:
            if name == "model.py":
                raise
            findings.adapts(f"{error.detail}: it was not looked at")
            continue
        for node in ast.walk(module):
            names: List[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module is not None:
                names = [node.module]
            modules |= {top_level(one) for one in names if not is_standard(one) and top_level(one) not in own}
    return modules


def _tell_requirements(tree: Tree, modules: Set[str], findings: Findings) -> None:
    text = read_text(tree, "requirements.txt")
    if text is not None:
        lines, left_out = read_requirement_lines(text)
        findings.needs(*lines)
        for line in left_out:
            findings.adapts(f"left out of requirements.txt: {line}")
        return
    for module in sorted(modules):
        distribution = distribution_of(module)
        if distribution is not None:
            findings.needs(distribution)
        else:
            findings.lacks(
                "requirement",
                module,
                f"the code imports {module}, and no requirements.txt says which package brings it",
                "Put a requirements.txt into the folder, or name it: --requirements.",
            )
    if findings.requirements:
        findings.adapts("the folder has no requirements.txt: the newest versions of what it imports are used")
