"""From a fitted object to an endpoint, against a server in memory."""

import json
import sys

import pytest
from fake_muster import fake_muster

import muster
from muster import MusterError

np = pytest.importorskip("numpy")
pd = pytest.importorskip("pandas")


class Model:
    """Fitted, as it were."""

    classes_ = np.array([0, 1])

    def __init__(self, weight=1):
        self.weight = weight

    def predict(self, rows):
        return np.asarray(rows)[:, 0].astype("i8") + self.weight

    def predict_proba(self, rows):
        return np.asarray(rows, dtype=float)


@pytest.fixture
def server(monkeypatch, tmp_path):
    with fake_muster(monkeypatch, tmp_path) as (state, requests):
        yield state, requests


SAMPLE = pd.DataFrame({"a": [1.0, 2.0], "b": [3, 4]})


def test_everything_that_is_known_travels_with_the_version(server, capsys):
    state, _ = server
    endpoint = muster.deploy(Model(), name="churn", sample=SAMPLE, description="first", tags={"stage": "test"})
    (version,) = state.versions
    assert version["python"]["version"] == f"{sys.version_info.major}.{sys.version_info.minor}"
    assert {line.partition("==")[0] for line in version["python"]["requirements"]} >= {"numpy", "pandas", "cloudpickle"}
    assert version["sample"] == {
        "inputs": [
            {"name": "a", "datatype": "FP64", "shape": [2], "data": [1, 2]},
            {"name": "b", "datatype": "INT64", "shape": [2], "data": [3, 4]},
        ],
        "isTable": True,
        "outputs": [
            {"name": "label", "datatype": "INT64", "shape": [2], "data": [2, 3]},
            {"name": "probabilities", "datatype": "FP64", "shape": [2, 2], "data": [1, 3, 2, 4]},
        ],
    }
    assert (version["description"], version["tags"]) == ("first", {"stage": "test"})
    assert state.deploys == [{"model": "churn", "version": 1, "role": "live"}]
    assert (endpoint.name, endpoint.version) == ("churn", 1)
    told = capsys.readouterr().err
    assert "✓ registered churn:1" in told
    assert "as it was" in told
    assert "secret" not in told


def test_the_upload_goes_in_parts_and_on_where_it_stopped(server, tmp_path):
    state, requests = server
    state.part_bytes = 50
    file = tmp_path / "model.onnx"
    file.write_bytes(bytes(range(200)))
    state.refuse_part = lambda part: part == 3
    with pytest.raises(MusterError, match="disk_full"):
        muster.deploy(file, name="churn", quiet=True)
    state.refuse_part = None
    before = len(requests)
    muster.deploy(file, name="churn", quiet=True)
    sent = [request.path for request in requests[before:] if request.method == "PUT"]
    assert "/api/v1/uploads/u1/parts/3" in sent
    assert len(state.uploads) == 1
    assert sum(request.path.endswith("/parts/1") for request in requests) == 1
    assert json.loads((tmp_path / "state/muster/uploads.json").read_text()) == []


def test_an_upload_that_the_server_no_longer_knows_is_begun_anew(server, tmp_path):
    state, _ = server
    file = tmp_path / "model.onnx"
    file.write_bytes(b"onnx")
    state.refuse_part = lambda part: True
    with pytest.raises(MusterError):
        muster.deploy(file, name="churn", quiet=True)
    state.uploads.clear()
    state.refuse_part = None
    muster.deploy(file, name="churn", quiet=True)
    assert len(state.versions) == 1


def test_what_is_the_latest_version_already_is_not_registered_again(server):
    state, _ = server
    muster.deploy(Model(), name="churn", sample=SAMPLE, quiet=True)
    muster.deploy(Model(), name="churn", sample=SAMPLE, quiet=True)
    assert [deploy["version"] for deploy in state.deploys] == [1, 1]
    muster.deploy(Model(2), name="churn", sample=SAMPLE, quiet=True)
    assert [deploy["version"] for deploy in state.deploys] == [1, 1, 2]
    muster.deploy(Model(2), name="churn", sample=SAMPLE, requirements=["numpy"], quiet=True)
    assert state.versions[-1]["python"]["requirements"] == ["numpy"]
    assert len(state.versions) == 3


def test_a_file_speaks_for_itself(server, tmp_path):
    state, _ = server
    file = tmp_path / "model.pkl"
    file.write_bytes(b"\x80\x05N.")
    muster.deploy(file, name="a", quiet=True)
    assert "python" not in state.versions[0]
    muster.deploy(str(file), name="b", sample=SAMPLE, requirements=["numpy"], python="3.10", quiet=True)
    assert state.versions[1]["python"] == {"version": "3.10", "requirements": ["numpy"]}
    assert state.versions[1]["sample"]["outputs"] == []


def test_a_canary_and_a_shadow_get_their_share_and_keep_the_settings_of_the_live_one(server):
    state, _ = server
    muster.deploy(Model(), name="churn", quiet=True)
    muster.deploy(Model(2), name="churn", canary=10, force=True, team="risk", quiet=True)
    assert state.deploys[-1] == {
        "model": "churn",
        "version": 2,
        "role": "canary",
        "sharePercent": 10,
        "settings": {"batching": {}},
        "force": "churn",
        "team": "risk",
    }


def test_the_problem_of_a_registration_is_raised_whole(server):
    state, _ = server
    state.registration_problem = {
        "code": "sample_differs",
        "title": "It differs",
        "status": 412,
        "detail": "row 1 of label is 2, expected 3",
        "remedy": "Pin the versions.",
    }
    with pytest.raises(MusterError, match="row 1 of label") as caught:
        muster.deploy(Model(), name="churn", sample=SAMPLE, quiet=True)
    assert (caught.value.code, caught.value.remedy) == ("sample_differs", "Pin the versions.")


@pytest.mark.parametrize(
    ("options", "place"),
    [
        ({"name": "Churn EU"}, "name"),
        ({"name": ""}, "name"),
        ({"name": "churn", "canary": 101}, "canary"),
        ({"name": "churn", "canary": 5, "shadow": True}, "shadow"),
    ],
)
def test_what_is_wrong_with_the_call_is_said_before_the_first_request(server, options, place):
    _, requests = server
    with pytest.raises(MusterError) as caught:
        muster.deploy(Model(), **options)
    assert caught.value.place == place
    assert requests == []


def test_an_empty_sample_is_refused(server):
    with pytest.raises(MusterError, match="no rows"):
        muster.deploy(Model(), name="churn", sample=SAMPLE[:0], quiet=True)


def test_login_says_who_one_is_and_not_by_which_token(server, capsys):
    state, requests = server
    url = requests and requests[0]
    del state, url
    installation = muster._installation.current()
    muster.login(installation.server, token="another-secret")
    told = capsys.readouterr()
    assert told.out == f"signed in to {installation.server} as you\n"
    assert "another-secret" not in told.out + told.err + repr(muster._installation.current())
