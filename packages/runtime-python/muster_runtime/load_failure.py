"""Why a model did not load, in words that its owner can act on."""

from __future__ import annotations

import importlib.util
import pickle
import re
import sys

from .problem import Problem, describe

# Modules whose package has another name.
_PACKAGES = {
    "sklearn": "scikit-learn",
    "cv2": "opencv-python-headless",
    "PIL": "pillow",
    "skimage": "scikit-image",
    "yaml": "pyyaml",
    "bs4": "beautifulsoup4",
    "dateutil": "python-dateutil",
    "attr": "attrs",
    "google": "protobuf",
    "imblearn": "imbalanced-learn",
    "category_encoders": "category-encoders",
    "sentence_transformers": "sentence-transformers",
    "umap": "umap-learn",
    "igraph": "python-igraph",
    "dotenv": "python-dotenv",
    "Levenshtein": "levenshtein",
    "faiss": "faiss-cpu",
    "tensorflow_hub": "tensorflow-hub",
    "pytorch_lightning": "pytorch-lightning",
    "feature_engine": "feature-engine",
    "mlxtend": "mlxtend",
    "sksurv": "scikit-survival",
}
_SAME_PYTHON = "Name the version of Python that it was made with (--python 3.11), or make it again with this one."
_SAME_VERSIONS = "Put the versions that it was made with into its requirements, or make it again with these."
_BY_VALUE = (
    "Hand it over with muster.deploy(model), which takes the code along, save it with cloudpickle, "
    "or as a folder with a model.py."
)


def package_of(module: str) -> str:
    """The package that most likely brings a top-level module."""
    return _PACKAGES.get(module, module.replace("_", "-"))


def explain_load_failure(thrown: BaseException) -> Problem:
    """What a loader threw, as `model_unloadable`."""
    text = str(thrown)
    python = f"Python {sys.version_info[0]}.{sys.version_info[1]}"
    if isinstance(thrown, ModuleNotFoundError) and thrown.name:
        return _missing_module(thrown.name)
    if isinstance(thrown, AttributeError) and "__main__" in text:
        found = re.search(r"attribute '([^']+)'", text)
        name = f"its class {found.group(1)}" if found else "a class of its own"
        return _unloadable(
            f"{name} was made in a notebook or script, and the file holds only its name, not its code", _BY_VALUE
        )
    if isinstance(thrown, ImportError) and ".so" in text:
        return _unloadable(
            "a library of the system is missing: " + describe(thrown),
            "Install it on this machine, or use a package whose wheel brings it.",
        )
    if isinstance(thrown, (AttributeError, ImportError)):
        return _unloadable(
            "a library is of another version than the one that the model was made with: " + describe(thrown),
            _SAME_VERSIONS,
        )
    if isinstance(thrown, ValueError) and "unsupported pickle protocol" in text:
        return _unloadable(f"it was made with a newer Python than {python}: {text}", _SAME_PYTHON)
    if _is_of_other_python(thrown, text):
        return _unloadable(
            f"it holds code of another version of Python than {python} ({describe(thrown)})", _SAME_PYTHON
        )
    if isinstance(thrown, EOFError) or (isinstance(thrown, pickle.UnpicklingError) and "truncated" in text):
        return _unloadable("the file ends too early", "Save and hand it over again; it is not whole.")
    if isinstance(thrown, pickle.UnpicklingError):
        return _unloadable(f"the file is no pickle ({describe(thrown)})", "Save it with pickle, joblib or cloudpickle.")
    if isinstance(thrown, MemoryError):
        return _unloadable("it takes more memory than the runner may use", "Raise resources.memoryBytes.")
    if isinstance(thrown, SystemExit):
        return _unloadable(f"its code ends the process while it loads ({describe(thrown)})", None)
    if isinstance(thrown, ValueError) and ("incompatible dtype" in text or "dtype size changed" in text):
        return _unloadable(
            "a library is of another version than the one that made it: " + describe(thrown), _SAME_VERSIONS
        )
    return _unloadable(describe(thrown), None)


def _is_of_other_python(thrown: BaseException, text: str) -> bool:
    if isinstance(thrown, SystemError) and "opcode" in text:
        return True
    return (
        isinstance(thrown, (TypeError, ValueError)) and re.search(r"\bcode(type)?\(\) |code expected", text) is not None
    )


def _missing_module(name: str) -> Problem:
    top = name.partition(".")[0]
    try:
        has_top = top != name and importlib.util.find_spec(top) is not None
    except (ImportError, ValueError):
        has_top = False
    if has_top:
        return _unloadable(
            f"{top} has no module {name} here: it is of another version than the one that the model was made with",
            _SAME_VERSIONS,
        )
    return _unloadable(
        f"the module {top} is not installed where it runs",
        f"Add {package_of(top)} to its requirements. If {top} is code of your own: {_BY_VALUE}",
    )


def _unloadable(detail: str, remedy: str | None) -> Problem:
    return Problem("model_unloadable", "the model cannot be loaded: " + detail, remedy)
