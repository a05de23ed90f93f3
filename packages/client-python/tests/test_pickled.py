"""A fitted object as a file that another machine can read."""

import hashlib
import importlib
import os
import stat
import subprocess
import sys
import textwrap
import threading

import cloudpickle
import pytest

from muster import MusterError
from muster._pickled import pickled
from muster._requirements import modules_in, read_requirements, requirements_of


def needs(model, extra=()):
    with pickled(model) as file, file.path.open("rb") as content:
        return requirements_of(modules_in(content) | file.imported, extra)


@pytest.fixture
def local_module(tmp_path, monkeypatch):
    """A module of the user's own, which no other machine has."""

    def make(name, source):
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(source))
        monkeypatch.syspath_prepend(str(tmp_path))
        importlib.invalidate_caches()
        module = importlib.import_module(name)
        made.append(name)
        return module

    made = []
    yield make
    for name in made:
        sys.modules.pop(name, None)


def read_elsewhere(path, expression):
    """Reads the pickle in a Python that has none of the modules of this one's path."""
    program = f"import pickle, sys; model = pickle.load(open(sys.argv[1], 'rb')); print({expression})"
    done = subprocess.run(
        [sys.executable, "-I", "-c", program, str(path)], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.strip()


def test_what_is_defined_in_a_module_of_ones_own_travels_by_value(local_module):
    steps = local_module("steps_of_mine", "FACTOR = 3\n\ndef scaled(x):\n    return x * FACTOR\n")
    local_module(
        "model_of_mine",
        """
        import steps_of_mine

        class Model:
            def predict(self, x):
                return [steps_of_mine.scaled(value) for value in x]
        """,
    )
    model = sys.modules["model_of_mine"].Model()
    before = cloudpickle.list_registry_pickle_by_value()
    with pickled(model) as file:
        assert read_elsewhere(file.path, "model.predict([1, 2])") == "[3, 6]"
    assert cloudpickle.list_registry_pickle_by_value() == before
    assert steps.scaled(1) == 3


def test_what_is_defined_in_main_travels_by_value(tmp_path):
    program = tmp_path / "train.py"
    program.write_text(
        textwrap.dedent(
            """
            import shutil, sys
            from muster._pickled import pickled

            class Model:
                def predict(self, x):
                    return len(x)

            with pickled(Model()) as file:
                shutil.copy(file.path, sys.argv[1])
            """
        )
    )
    target = tmp_path / "model.pkl"
    subprocess.run([sys.executable, str(program), str(target)], check=True, timeout=60, env=dict(os.environ))
    assert read_elsewhere(target, "model.predict('abc')") == "3"


def test_the_file_is_ours_alone_and_gone_afterwards():
    with pickled({"a": 1}) as file:
        assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
        assert hashlib.sha256(file.path.read_bytes()).hexdigest() == file.sha256
        assert file.size_bytes == file.path.stat().st_size
    assert not file.path.exists()


def test_what_cannot_be_pickled_says_what():
    class Model:
        def __init__(self):
            self.lock = threading.Lock()

    before = cloudpickle.list_registry_pickle_by_value()
    with pytest.raises(MusterError, match="lock") as caught, pickled(Model()):
        pass
    assert caught.value.code == "model_unpicklable"
    assert cloudpickle.list_registry_pickle_by_value() == before


def test_requirements_are_exact_pins_of_what_the_pickle_names():
    pytest.importorskip("sklearn")
    from importlib.metadata import version

    from sklearn.linear_model import LinearRegression

    model = LinearRegression().fit([[1], [2]], [1, 2])
    found = dict(line.split("==") for line in needs(model))
    assert found == {"numpy": version("numpy"), "scikit-learn": version("scikit-learn")}
    assert "pandas" in dict(line.split("==") for line in needs(model, ["pandas"]))


def test_what_functions_import_when_they_run_is_needed():
    pytest.importorskip("scipy")

    def predict(rows):
        def inner():
            import scipy.special

            return scipy.special.expit(rows)

        return inner()

    assert {line.split("==")[0] for line in needs(predict)} == {"cloudpickle", "scipy"}


def test_modules_that_functions_use_are_needed():
    np = pytest.importorskip("numpy")
    assert "numpy" in {line.split("==")[0] for line in needs(lambda rows: np.asarray(rows) + 1)}


def test_what_a_class_is_derived_from_is_needed(monkeypatch):
    sklearn_base = pytest.importorskip("sklearn.base")
    import cloudpickle as carrier

    class Wrapper(sklearn_base.BaseEstimator):
        pass

    # As xgboost's own wrappers: found by name in one package, derived from a class of another.
    Wrapper.__module__, Wrapper.__qualname__ = "cloudpickle", "Wrapper"
    monkeypatch.setattr(carrier, "Wrapper", Wrapper, raising=False)
    assert {"cloudpickle", "scikit-learn"} <= {line.split("==")[0] for line in needs(Wrapper())}


def test_the_standard_library_and_plain_data_need_nothing():
    import collections
    import datetime
    import decimal

    assert (
        needs([collections.OrderedDict(a=datetime.date.today()), decimal.Decimal(1), {1: [2.5, None, b"x", "text"]}])
        == []
    )


def test_a_module_that_nobody_brings_is_named():
    with pytest.raises(MusterError, match="nowhere_to_be_found") as caught:
        requirements_of({"nowhere_to_be_found.part"})
    assert caught.value.code == "requirements_needed"
    assert "requirements=" in caught.value.remedy


def test_requirements_of_the_user_are_read_from_a_list_or_a_file(tmp_path):
    file = tmp_path / "requirements.txt"
    file.write_text("# pinned\nnumpy==2.0.0  # fast\n\nscikit-learn>=1.5 ; python_version >= '3.9'\n")
    expected = ["numpy==2.0.0", "scikit-learn>=1.5 ; python_version >= '3.9'"]
    assert read_requirements(str(file)) == expected
    assert read_requirements(file) == expected
    assert read_requirements(["numpy==2.0.0", " "]) == ["numpy==2.0.0"]
    file.write_text("--index-url https://example.com/simple\nnumpy\n")
    with pytest.raises(MusterError, match="is an option"):
        read_requirements(file)
    with pytest.raises(MusterError, match="cannot be read"):
        read_requirements(tmp_path / "missing.txt")
