"""Pickles, as pickle, joblib and cloudpickle write them."""

from __future__ import annotations

import zlib
from typing import Any, BinaryIO, Dict, List, Optional, Set

from .budget import Budget, Exhausted
from .by_value import read_by_value
from .distributions import distribution_of, is_release, is_standard, top_level, xgboost_requirement
from .findings import Findings, NotReadable
from .model_buffers import xgboost_version
from .pickle_machine import PickleMachine
from .pickle_values import Collection, Damaged, Global, Made
from .scanner import Scanner
from .stream import Stream, Truncated, decompressed

#: PyTorch's files before 1.6 begin with a pickle of this number.
_TORCH_MAGIC = 0x1950A86A20F9469CFC6C

#: What these make are values, not models.
_HOLDS_DATA = {"numpy", "pandas", "polars", "builtins", "__builtin__", "collections", "datetime"}

#: Libraries whose models always know their columns.
_KNOWS_COLUMNS = {"xgboost", "lightgbm", "catboost"}

_TAKES_FRAMES = {"ColumnTransformer", "ColumnSelector", "DataFrameMapper", "TableVectorizer"}
_TAKES_TEXT = {"CountVectorizer", "TfidfVectorizer", "HashingVectorizer"}


class PickleFacts:
    """What one pickle says."""

    def __init__(self, machine: PickleMachine, compression: Optional[str]) -> None:
        self.compression = compression
        self.machine = machine
        self.is_joblib = machine.has_arrays_between or compression is not None
        self.modules: Set[str] = set()
        self.sklearn_versions: List[str] = []
        self.feature_names: Optional[List[str]] = None
        self.feature_count: Optional[int] = None
        self.xgboost_version: Optional[str] = None
        self.is_torch = machine.top == _TORCH_MAGIC
        self.by_value = read_by_value(machine)
        self.top_class = _class_of(machine.top)
        self._look_through()

    def _look_through(self) -> None:
        for module, _ in self.machine.globals:
            if not is_standard(module):
                self.modules.add(top_level(module))
        self.modules |= self.by_value.modules
        for made in self.machine.made:
            self._look_at_state(made.state)
        # The outermost object speaks for the whole; a pipeline answers with its first step.
        for value in _outermost(self.machine.top):
            state = value.state
            names = _texts(state.get("feature_names_in_"))
            if names is not None and self.feature_names is None:
                self.feature_names = names
            count = _whole_number(state.get("n_features_in_"))
            if count is not None and self.feature_count is None:
                self.feature_count = count

    def _look_at_state(self, state: Any) -> None:
        version = state.get("_sklearn_version")
        # It goes into a requirement, so nothing but a version may be in it.
        if isinstance(version, str) and is_release(version) and version not in self.sklearn_versions:
            self.sklearn_versions.append(version)
        handle = state.get("handle")
        if self.xgboost_version is None and handle is not None:
            self.xgboost_version = xgboost_version(handle)


def follow_pickle(source: BinaryIO, budget: Budget) -> PickleFacts:
    """Raises `Damaged`, `Truncated` and `NotReadable`."""
    compression, inner = decompressed(source)
    try:
        stream = Stream(inner, budget)
        machine = PickleMachine(stream, budget)
        machine.run()
        # PyTorch's old files are several pickles, one after the other; the model is in a later one.
        while machine.top == _TORCH_MAGIC or _is_torch_preamble(machine.top):
            later = PickleMachine(stream, budget)
            later.globals, later.made, later.oddities = machine.globals, machine.made, machine.oddities
            later.run()
            if not isinstance(later.top, (int, Collection)):
                break
            if later.stopped is not None or later.instruction_count < 3:
                break
            if isinstance(later.top, Collection) and not _is_torch_preamble(later.top):
                break
        return PickleFacts(machine, compression)
    except zlib.error as error:
        raise Truncated() from error


def _is_torch_preamble(top: Any) -> bool:
    return isinstance(top, Collection) and "little_endian" in top.entries and "protocol_version" in top.entries


def look_at_pickle(source: BinaryIO, budget: Budget, scanner: Scanner, findings: Findings, name: str = "") -> None:
    """Fills in everything that a pickle tells of itself."""
    try:
        facts = follow_pickle(source, budget)
    except Truncated as error:
        raise NotReadable("the pickle is cut off", "Copy or write the file again.") from error
    except Damaged as error:
        raise NotReadable(f"the pickle is damaged: {error}", "Copy or write the file again.") from error
    if facts.is_torch:
        raise NotReadable(
            "it is a PyTorch file (torch.save, before PyTorch 1.6)",
            "Export the model to ONNX (torch.onnx.export), or hand over a folder with a model.py that loads it.",
            "unsupported_model",
            "PyTorch files cannot be served as they are",
        )
    report_dangers(facts, scanner, findings, name)
    findings.format = "joblib" if facts.is_joblib else "pickle"
    findings.runtime = "python"
    _name_producer(facts, findings)
    _derive_requirements(facts, findings)
    findings.modules = sorted(module for module in facts.modules if module != "__main__")
    _tell_python(facts, findings)
    _tell_what_is_missing(facts, findings)
    tell_features(facts, findings)
    findings.details["pickleProtocol"] = facts.machine.protocol
    findings.details["instructions"] = facts.machine.instruction_count
    if facts.compression is not None:
        findings.details["compression"] = facts.compression


def report_dangers(facts: PickleFacts, scanner: Scanner, findings: Findings, place: str) -> None:
    where = f" in {place}" if place else ""
    scanner.judge(facts.machine.globals.keys(), place, findings)
    for oddity in sorted(facts.machine.oddities):
        findings.danger("dangerous", f"{oddity}{where}")
    if facts.machine.stopped is not None:
        findings.danger("suspicious", f"not everything was looked at{where}: {facts.machine.stopped}")


def scan_only(source: BinaryIO, budget: Budget, scanner: Scanner, findings: Findings, place: str) -> None:
    """Dangers alone, for pickles beside a model. What cannot be read is not trusted."""
    try:
        report_dangers(follow_pickle(source, budget), scanner, findings, place)
    except (Damaged, Truncated, NotReadable, Exhausted) as error:
        findings.danger("suspicious", f"{place} could not be read to its end ({error or 'cut off'})")


def _class_of(top: Any) -> Optional[Global]:
    if isinstance(top, Made):
        return top.of
    return top if isinstance(top, Global) else None


def _name_producer(facts: PickleFacts, findings: Findings) -> None:
    of = facts.top_class
    top = facts.machine.top
    own = facts.by_value.class_name(top)
    if own is not None:
        findings.model_class = own
    elif of is not None:
        findings.model_class = of.path
    elif isinstance(top, Collection):
        findings.model_class = f"builtins.{top.kind}"
    elif isinstance(top, tuple):
        findings.model_class = "builtins.tuple"
    module = top_level(findings.model_class)
    distribution = distribution_of(module) if module else None
    if distribution == "scikit-learn" and facts.sklearn_versions:
        findings.producer = f"scikit-learn {facts.sklearn_versions[-1]}"
    elif distribution == "xgboost" and facts.xgboost_version is not None:
        findings.producer = f"xgboost {facts.xgboost_version}"
    elif distribution is not None:
        findings.producer = distribution
    elif facts.by_value.is_used:
        findings.producer = "cloudpickle"
    else:
        findings.producer = "joblib" if facts.is_joblib else f"pickle protocol {facts.machine.protocol}"


def _derive_requirements(facts: PickleFacts, findings: Findings) -> None:
    pinned: Dict[str, str] = {}
    if facts.sklearn_versions:
        pinned["scikit-learn"] = facts.sklearn_versions[-1]
        facts.modules.add("sklearn")
        if len(facts.sklearn_versions) > 1:
            findings.adapts(f"parts were made with scikit-learn {', '.join(facts.sklearn_versions)}: the last is used")
    elif {"xgboost.sklearn", "lightgbm.sklearn"} & {module for module, _ in facts.machine.globals}:
        facts.modules.add("sklearn")
    for module in sorted(facts.modules):
        distribution = distribution_of(module)
        if distribution is None:
            continue
        if distribution == "xgboost":
            findings.needs(xgboost_requirement(facts.xgboost_version))
            continue
        version = pinned.get(distribution)
        bound = numpy_bound(facts) if module == "numpy" else ""
        findings.needs(f"{distribution}=={version}" if version is not None else f"{distribution}{bound}")
    if facts.is_joblib:
        # Brings the wrapper of arrays; scikit-learn needs it anyway.
        findings.needs("joblib")
    of = {name for _, name in facts.machine.globals}
    if (of & _TAKES_FRAMES or facts.feature_names is not None) and "pandas" not in findings.requirements:
        findings.needs("pandas")
        findings.adapts("pandas is added: the model was fitted on a table")


def _tell_python(facts: PickleFacts, findings: Findings) -> None:
    versions = facts.by_value.python_versions
    if len(versions) == 1:
        (findings.python_version,) = versions
    elif len(versions) > 1:
        findings.adapts(f"holds code that was compiled by Python {' and '.join(sorted(versions))}")


def numpy_bound(facts: PickleFacts) -> str:
    """Arrays name where they were made: numpy 2 moved its insides. What was compiled for 1 does not run on 2."""
    modules = {module for module, _ in facts.machine.globals}
    if any(name.startswith("numpy._core") for name in modules):
        return ">=2"
    return "<2" if any(name.startswith("numpy.core") for name in modules) else ""


def _tell_what_is_missing(facts: PickleFacts, findings: Findings) -> None:
    own = sorted(name for (module, name) in facts.machine.globals if module == "__main__")
    for name in own[:20]:
        findings.lacks(
            "code",
            f"__main__.{name}",
            f"{name} is defined in the notebook or script that made the file, and is not in the file",
            "Write the file with cloudpickle.dump(model, file), or hand over a folder with a model.py that defines it.",
        )
    for module in sorted(facts.modules - {"__main__"}):
        if distribution_of(module) is None:
            findings.lacks(
                "requirement",
                module,
                f"the model imports {module}, and the file does not tell where that comes from",
                f"If it is a package, name it: --requirements. If it is your own: "
                f"cloudpickle.register_pickle_by_value({module}), or hand over a folder with a model.py.",
            )
    top = facts.machine.top
    if not isinstance(top, Made) or top_level(findings.model_class) in _HOLDS_DATA:
        what = findings.model_class.rpartition(".")[2] or "plain value"
        keys = (
            f" with the keys {', '.join(list(top.entries)[:10])}" if isinstance(top, Collection) and top.entries else ""
        )
        if not isinstance(top, Global) and facts.machine.stopped is None:
            findings.lacks(
                "code",
                "a model",
                f"the file holds a {what}{keys}, which cannot predict",
                "Pickle the model itself, or hand over a folder with a model.py that uses what is in the file.",
            )


def tell_features(facts: PickleFacts, findings: Findings) -> None:
    """What the model takes, as far as it knows."""
    names = {name for _, name in facts.machine.globals}
    is_text = bool(names & _TAKES_TEXT)
    is_frame = bool(names & _TAKES_FRAMES)
    knows_inputs = facts.feature_names is not None or facts.feature_count is not None
    knows_inputs = knows_inputs or top_level(findings.model_class) in _KNOWS_COLUMNS
    findings.has_signature = knows_inputs and not is_text and not is_frame
    if facts.feature_names is not None:
        findings.details["features"] = facts.feature_names[:1000]
    if facts.feature_count is not None:
        findings.details["featureCount"] = facts.feature_count
    if is_frame and not is_text:
        findings.details["columnTypes"] = "unknown"


def _outermost(top: Any) -> List[Made]:
    """The model and, where it is made of steps, the first of them, outermost first."""
    found: List[Made] = []
    value = top
    for _ in range(20):
        if not isinstance(value, Made):
            break
        found.append(value)
        steps = value.state.get("steps")
        inner = value.state.get("best_estimator_")
        if isinstance(steps, Collection) and steps.items:
            first = steps.items[0]
            value = first[1] if isinstance(first, tuple) and len(first) > 1 else None
        elif inner is not None:
            value = inner
        else:
            break
    return found


def _texts(array: Any) -> Optional[List[str]]:
    """The texts in an array of objects: in its state, or in the pickle that joblib wrote behind it."""
    if not isinstance(array, Made):
        return None
    inner = array.state.get("array")
    if inner is not None:
        return _texts(inner)
    state = array.state.get("()")
    values = state[-1] if isinstance(state, tuple) and state else None
    if not isinstance(values, Collection) or not all(isinstance(value, str) for value in values.items):
        return None
    return [value for value in values.items if isinstance(value, str)] or None


def _whole_number(value: Any) -> Optional[int]:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
