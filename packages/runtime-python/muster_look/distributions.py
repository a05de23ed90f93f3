"""Which distribution brings a module.

Only what is listed here becomes a requirement by itself: a name that merely stands in a file must not decide what is
installed, because anybody may have published a package under it.
"""

from __future__ import annotations

import re
import sys
from typing import Optional

_NAMED_DIFFERENTLY = {
    "sklearn": "scikit-learn",
    "imblearn": "imbalanced-learn",
    "skimage": "scikit-image",
    "sksurv": "scikit-survival",
    "sklearn_crfsuite": "sklearn-crfsuite",
    "sklearn_pandas": "sklearn-pandas",
    "sklego": "scikit-lego",
    "skrub": "skrub",
    "skorch": "skorch",
    "skopt": "scikit-optimize",
    "faiss": "faiss-cpu",
    "pyro": "pyro-ppl",
    "cv2": "opencv-python-headless",
    "PIL": "pillow",
    "yaml": "PyYAML",
    "bs4": "beautifulsoup4",
    "dateutil": "python-dateutil",
    "pytorch_lightning": "pytorch-lightning",
    "pytorch_tabnet": "pytorch-tabnet",
    "sentence_transformers": "sentence-transformers",
    "huggingface_hub": "huggingface-hub",
    "category_encoders": "category-encoders",
    "feature_engine": "feature-engine",
    "mord": "mord",
    "fasttext": "fasttext-wheel",
    "attr": "attrs",
    "dotenv": "python-dotenv",
    "umap": "umap-learn",
    "rapidfuzz": "rapidfuzz",
    "Levenshtein": "levenshtein",
    "interpret": "interpret-core",
    "jwt": "PyJWT",
    "Bio": "biopython",
    "pmdarima": "pmdarima",
    "sksparse": "scikit-sparse",
}

_NAMED_ALIKE = (
    "aiohttp annoy bambi bokeh catboost cloudpickle contourpy cvxpy dask datasets dill econml "
    "featuretools flaml fsspec gensim geopandas h5py hdbscan hmmlearn holidays httpx implicit ipywidgets jax "
    "jaxlib jinja2 joblib keras lifelines lightgbm lightning llvmlite lz4 matplotlib mlflow mlxtend msgpack "
    "networkx ngboost nltk numba numpy onnx onnxruntime optuna orjson packaging pandas patsy plotly polars "
    "prophet psutil pyarrow pyod pydantic pymc pytz regex requests river safetensors scipy seaborn shap "
    "shapely simplejson sktime skops spacy sqlalchemy statsmodels sympy tensorflow textblob threadpoolctl thinc "
    "timm tokenizers torch torchaudio torchvision tqdm transformers tsfresh typing_extensions ujson xgboost "
    "xarray zstandard"
).split()

_KNOWN = {**{name: name.replace("_", "-") for name in _NAMED_ALIKE}, **_NAMED_DIFFERENTLY}

#: Python before 3.10 does not list its own modules; these are the ones that pickles name.
_STANDARD = getattr(
    sys,
    "stdlib_module_names",
    frozenset(
        "abc array ast base64 bisect builtins calendar codecs collections contextlib copy copyreg csv dataclasses "
        "datetime decimal enum fractions functools gc glob gzip hashlib heapq importlib inspect io itertools json "
        "keyword locale logging math multiprocessing numbers operator os pathlib pickle posix posixpath random re "
        "secrets shutil signal socket sqlite3 ssl statistics string struct subprocess sys tempfile textwrap "
        "threading time tokenize traceback types typing unicodedata urllib uuid warnings weakref zipfile zlib "
        "zoneinfo".split()
    ),
)

_RELEASE = re.compile(r"^\d{1,4}\.\d{1,4}(\.\d{1,4})?((rc|a|b|\.post)\d{1,3})?\Z")

#: As Python 2 named them; unpickling translates.
_STANDARD_ONCE = frozenset({"__builtin__", "copy_reg", "cPickle", "cStringIO", "exceptions", "StringIO", "UserDict"})


def top_level(module: str) -> str:
    return module.split(".", 1)[0]


def is_standard(module: str) -> bool:
    """`__main__` is not: it is whatever program made the file."""
    name = top_level(module)
    return name in _STANDARD or name in _STANDARD_ONCE


def distribution_of(module: str) -> Optional[str]:
    """None for what is not known."""
    return _KNOWN.get(top_level(module))


def is_release(version: str) -> bool:
    """A version that an index has: no state of somebody's working copy, and nothing but a version."""
    return _RELEASE.match(version) is not None


def xgboost_requirement(version: Optional[str]) -> str:
    """The build for CPUs, where there is one of that version: the other brings half a gigabyte of CUDA libraries."""
    if version is None:
        return "xgboost"
    numbers = tuple(int(part) for part in version.split("."))
    has_cpu_build = numbers >= (2, 1, 1) and sys.platform != "darwin"
    return f"xgboost-cpu=={version}" if has_cpu_build else f"xgboost=={version}"
