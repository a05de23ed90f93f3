"""Against a real installation: from a fitted object to equal predictions. Needs MUSTER_URL."""

import os
import subprocess
import sys

import pytest

import muster
from muster import MusterError

np = pytest.importorskip("numpy")
pd = pytest.importorskip("pandas")
sklearn = pytest.importorskip("sklearn")

pytestmark = pytest.mark.skipif("MUSTER_URL" not in os.environ, reason="MUSTER_URL names no installation")

# One name for each interpreter: several run against one installation.
SUFFIX = f"py3{sys.version_info.minor}"
RANDOM = np.random.default_rng(7)
ROWS = 200
CUSTOMERS = pd.DataFrame(
    {
        "age": RANDOM.integers(18, 90, ROWS),
        "income": np.where(RANDOM.random(ROWS) < 0.1, np.nan, RANDOM.normal(50, 10, ROWS)),
        "city": pd.Series(RANDOM.choice(["Köln", "Bonn", "Ulm", np.nan], ROWS).astype(object)).replace("nan", np.nan),
    }
)
LEAVES = np.where(CUSTOMERS["age"] > 50, "leaves", "stays")


@pytest.fixture(scope="module")
def churn_model():
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), ["age", "income"]),
        (OneHotEncoder(handle_unknown="ignore"), ["city"]),
    )
    return make_pipeline(columns, LogisticRegression()).fit(CUSTOMERS, LEAVES)


@pytest.fixture(scope="module")
def churn(churn_model):
    return muster.deploy(churn_model, name=f"churn-{SUFFIX}", sample=CUSTOMERS.head(20), quiet=True)


def test_a_pipeline_with_strings_and_gaps_answers_as_at_home(churn, churn_model):
    assert (churn.predict(CUSTOMERS) == churn_model.predict(CUSTOMERS)).all()
    assert np.allclose(churn.predict_proba(CUSTOMERS), churn_model.predict_proba(CUSTOMERS), rtol=1e-7)
    assert churn.classes == list(churn_model.classes_)


def test_rows_may_come_as_dicts(churn, churn_model):
    rows = CUSTOMERS.head(3)
    assert churn.predict(rows.to_dict(orient="records")).tolist() == churn_model.predict(rows).tolist()


def test_the_line_for_a_shell_works(churn):
    line = churn.curl()
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=60, check=True)
    assert '"label"' in done.stdout


def test_a_regressor_on_a_bare_matrix_keeps_its_type():
    from sklearn.ensemble import RandomForestRegressor

    rows = RANDOM.normal(size=(500, 4)).astype("f4")
    model = RandomForestRegressor(10, random_state=1).fit(rows, rows[:, 0])
    endpoint = muster.deploy(model, name=f"forest-{SUFFIX}", sample=rows[:5], quiet=True)
    answer = endpoint.predict(rows)
    assert answer.dtype == np.float64
    assert np.allclose(answer, model.predict(rows), rtol=1e-7)


def test_texts_go_in_and_labels_come_out():
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    texts = ["printer broken", "invoice wrong", "pay invoice", "screen broken"] * 5
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, ["it", "money", "money", "it"] * 5)
    endpoint = muster.deploy(model, name=f"tickets-{SUFFIX}", sample=texts[:3], quiet=True)
    assert endpoint.predict(texts).tolist() == model.predict(texts).tolist()


class Scorer:
    """Of this test alone: it has to travel by value."""

    def predict(self, frame):
        band = np.where(frame["income"] > 50, "high", "low")
        return pd.DataFrame({"score": frame["age"] * 2.0, "band": band})


def test_a_class_of_ones_own_may_answer_with_a_frame():
    scorer = Scorer()
    endpoint = muster.deploy(scorer, name=f"scorer-{SUFFIX}", sample=CUSTOMERS.head(), quiet=True)
    answer, expected = endpoint.predict(CUSTOMERS), scorer.predict(CUSTOMERS)
    assert list(answer.columns) == list(expected.columns)
    assert np.allclose(answer["score"], expected["score"])
    assert answer["band"].tolist() == expected["band"].tolist()


def test_documents_go_in_and_come_out():
    def measure(documents):
        return [{"who": document["who"], "words": len(document.get("words", []))} for document in documents]

    documents = [{"who": "ü", "words": ["a", "b"]}, {"who": "b"}]
    endpoint = muster.deploy(measure, name=f"documents-{SUFFIX}", sample=documents, quiet=True)
    assert endpoint.predict(documents) == measure(documents)


class Unsteady:
    """Answers otherwise wherever else it is."""

    def __init__(self):
        self.home = os.getpid()

    def predict(self, rows):
        return np.full(len(rows), float(os.getpid() == self.home))


def test_a_model_that_answers_otherwise_there_does_not_go_live():
    with pytest.raises(MusterError) as caught:
        muster.deploy(Unsteady(), name=f"unsteady-{SUFFIX}", sample=np.zeros((2, 2)), quiet=True)
    assert caught.value.code == "sample_differs"


def test_a_new_version_goes_through_canary_and_back(churn, churn_model):
    from sklearn.base import clone

    first = churn.version
    other = clone(churn_model).fit(CUSTOMERS, LEAVES[::-1])
    muster.deploy(other, name=churn.name, sample=CUSTOMERS.head(), canary=10, quiet=True)
    assert churn.promote().version == first + 1
    assert (churn.predict(CUSTOMERS) == other.predict(CUSTOMERS)).all()
    assert churn.rollback().version == first
    assert (churn.predict(CUSTOMERS) == churn_model.predict(CUSTOMERS)).all()


def test_a_table_is_scored_as_online(churn, churn_model, tmp_path):
    source, target = tmp_path / "customers.csv", tmp_path / "answers.csv"
    CUSTOMERS.to_csv(source, index=False)
    done = muster.score(churn, source, target, keep=["city"], quiet=True)
    answers = pd.read_csv(target)
    assert done["version"] == churn.version
    assert answers["label"].tolist() == churn_model.predict(CUSTOMERS).tolist()
    assert answers["row"].tolist() == list(range(ROWS))


def test_an_endpoint_is_found_by_its_name_and_ended(churn):
    assert churn.name in [endpoint.name for endpoint in muster.endpoints()]
    assert muster.endpoint(churn.name).status()["ready"] is True
    churn.delete()
    with pytest.raises(MusterError) as caught:
        muster.endpoint(churn.name)
    assert caught.value.code == "endpoint_not_found"
