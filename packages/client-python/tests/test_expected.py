"""What the model answers at home, by the names that Muster gives it."""

import pytest

from muster import MusterError
from muster._expected import expected_outputs

np = pytest.importorskip("numpy")
pd = pytest.importorskip("pandas")

X = np.random.default_rng(7).normal(size=(40, 3))
Y = (X[:, 0] > 0).astype(int)


def answers(model, rows=X[:4]):
    return {item.name: (item.datatype, item.shape, item.data) for item in expected_outputs(model, rows)}


@pytest.fixture
def sklearn():
    return pytest.importorskip("sklearn")


@pytest.mark.parametrize(
    ("labels", "datatype"),
    [
        (Y, "INT64"),
        (Y.astype("i4"), "INT64"),
        (Y.astype(float), "FP64"),
        (Y == 1, "BOOL"),
        (np.where(Y, "yes", "no"), "BYTES"),
        (np.where(Y, "yes", "no").astype(object), "BYTES"),
    ],
)
def test_a_classifier_gives_its_label_then_its_probabilities(sklearn, labels, datatype):
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression().fit(X, labels)
    found = answers(model)
    assert list(found) == ["label", "probabilities"]
    assert found["label"] == (datatype, (4,), model.predict(X[:4]).tolist())
    assert found["probabilities"] == ("FP64", (4, 2), model.predict_proba(X[:4]).reshape(-1).tolist())


def test_a_classifier_without_probabilities_gives_its_label(sklearn):
    from sklearn.svm import LinearSVC

    assert list(answers(LinearSVC().fit(X, Y))) == ["label"]


@pytest.mark.parametrize("targets", [1, 2])
def test_a_regressor_gives_its_prediction(sklearn, targets):
    from sklearn.linear_model import LinearRegression

    model = LinearRegression().fit(X, X[:, :targets] if targets > 1 else X[:, 0])
    assert answers(model)["prediction"][:2] == ("FP64", (4, 2) if targets > 1 else (4,))


def test_what_has_predict_and_no_classes_gives_a_prediction(sklearn):
    from sklearn.cluster import KMeans
    from sklearn.ensemble import IsolationForest
    from sklearn.multioutput import MultiOutputClassifier
    from sklearn.tree import DecisionTreeClassifier

    assert answers(KMeans(2, n_init=1).fit(X))["prediction"][0] == "INT32"
    assert list(answers(IsolationForest(n_estimators=5).fit(X))) == ["prediction"]
    several = MultiOutputClassifier(DecisionTreeClassifier()).fit(X, np.c_[Y, 1 - Y])
    assert answers(several)["prediction"][1] == (4, 2)


def test_a_transformer_gives_features(sklearn):
    from sklearn.preprocessing import StandardScaler

    assert answers(StandardScaler().fit(X))["features"][1] == (4, 3)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (lambda rows: pd.DataFrame({"a": [1, 2], "b": ["x", None]}), {"a": "INT64", "b": "BYTES"}),
        (lambda rows: {"mean": np.zeros(2), "texts": ["a", "b"]}, {"mean": "FP64", "texts": "BYTES"}),
        (lambda rows: pd.Series([1.5, 2]), {"prediction": "FP64"}),
        (lambda rows: ["a", "b"], {"prediction": "BYTES"}),
        (lambda rows: [True, False], {"prediction": "BOOL"}),
        (lambda rows: [1, 2.5], {"prediction": "FP64"}),
        (lambda rows: [True, 2.5], {}),
        (lambda rows: [np.zeros(3), np.zeros(3)], {"prediction": "FP64"}),
        (lambda rows: [[1.0, 2.0], [3.0, 4.0]], {"prediction": "FP64"}),
        (lambda rows: [{"score": 1}, {"score": 2}], {}),
        (lambda rows: np.array([{"a": 1}, None], dtype=object), {}),
        (lambda rows: None, {}),
    ],
)
def test_answers_of_functions_become_outputs(answer, expected):
    assert {name: found[0] for name, found in answers(answer).items()} == expected


def test_a_model_that_cannot_answer_its_sample_says_so():
    def broken(rows):
        raise ZeroDivisionError("by zero")

    with pytest.raises(MusterError, match="ZeroDivisionError: by zero") as caught:
        answers(broken)
    assert caught.value.code == "model_failed"


def test_what_cannot_answer_is_no_model():
    with pytest.raises(MusterError) as caught:
        answers(object())
    assert caught.value.code == "unsupported_model"
