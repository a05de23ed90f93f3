"""An endpoint is called like the model itself."""

import copy
import subprocess

import pytest
from fake_muster import SIGNATURE, fake_muster

import muster
from muster import MusterError
from muster._target import Target

np = pytest.importorskip("numpy")
pd = pytest.importorskip("pandas")


@pytest.fixture
def server(monkeypatch, tmp_path):
    with fake_muster(monkeypatch, tmp_path) as (state, requests):
        state.endpoints["churn"] = {
            "name": "churn",
            "ready": True,
            "deployments": [
                {"role": "live", "state": "starting", "model": "churn", "version": 4, "settings": {"batching": {}}},
                {"role": "live", "state": "ready", "model": "churn", "version": 3, "settings": {"batching": {}}},
            ],
        }
        yield state, requests


X = np.arange(10.0).reshape(5, 2)


def test_predict_asks_for_the_primary_output_only(server):
    state, _ = server
    churn = muster.endpoint("churn")
    answer = churn.predict(pd.DataFrame(X, columns=["a", "b"])[["b", "a"]])
    assert answer.dtype == np.int64
    assert answer.tolist() == [1, 3, 5, 7, 9]
    assert [output["name"] for output in state.infers[0]["outputs"]] == ["label"]
    answer[0] = 7  # what a model answers may be written to


def test_probabilities_come_in_the_order_of_the_classes(server):
    churn = muster.endpoint("churn")
    assert churn.predict_proba(X).tolist() == X.tolist()
    assert churn.classes == ["no", "yes"]


def test_several_outputs_without_a_primary_one_come_by_name(server):
    state, _ = server
    state.signature = {key: value for key, value in SIGNATURE.items() if key not in ("primary", "labels")}
    answer = muster.endpoint("churn").predict(X)
    assert list(answer) == ["label", "probabilities"]
    state.signature = {**state.signature, "outputs": SIGNATURE["outputs"][:1]}
    assert muster.endpoint("churn").predict_proba is not None
    with pytest.raises(MusterError, match="gives no probabilities"):
        muster.endpoint("churn").predict_proba(X)


def test_a_large_frame_goes_in_parts_over_one_connection(server, monkeypatch):
    state, requests = server
    monkeypatch.setattr("muster._inference._ROWS_AT_ONCE", 2)
    churn = muster.endpoint("churn")
    assert churn.predict(X).tolist() == [1, 3, 5, 7, 9]
    assert [header["inputs"][0]["shape"][0] for header in state.infers] == [2, 2, 1]
    assert len({request.connection for request in requests}) == 1


def test_what_is_too_much_for_one_run_goes_in_smaller_parts(server):
    state, _ = server
    state.max_rows = 2
    assert muster.endpoint("churn").predict(X).tolist() == [1, 3, 5, 7, 9]
    assert max(header["inputs"][0]["shape"][0] for header in state.infers) == 2


def test_rows_that_belong_together_stay_together(server, monkeypatch):
    state, _ = server
    monkeypatch.setattr("muster._inference._ROWS_AT_ONCE", 2)
    state.signature = {**SIGNATURE, "mixesRows": True}
    muster.endpoint("churn").predict(X)
    assert [header["inputs"][0]["shape"][0] for header in state.infers] == [5]


def test_no_rows_are_answered_with_none(server):
    assert muster.endpoint("churn").predict(X[:0]).shape == (0,)


def test_a_signature_that_changed_meanwhile_is_read_again(server):
    state, _ = server
    churn = muster.endpoint("churn")
    churn.predict(X)
    state.signature = copy.deepcopy(SIGNATURE)
    state.signature["inputs"][0]["name"] = "rows"
    assert churn.predict(X).tolist() == [1, 3, 5, 7, 9]


def test_rows_that_do_not_fit_cost_one_look_and_no_prediction(server):
    state, requests = server
    churn = muster.endpoint("churn")
    with pytest.raises(MusterError, match="lack “b”"):
        churn.predict([{"a": 1}])
    assert state.infers == []
    assert len(requests) == 2


def test_the_version_is_the_one_that_answers(server):
    churn = muster.endpoint("churn")
    assert (churn.version, churn.model) == (3, "churn")
    assert "churn:3" in repr(churn)
    assert "churn:3" in churn._repr_html_()
    assert churn.url.endswith("/predict/churn")
    assert churn.infer_url.endswith("/v2/models/churn/infer")


def test_an_endpoint_that_is_not_there_is_an_error(server):
    with pytest.raises(MusterError) as caught:
        muster.endpoint("absent")
    assert caught.value.code == "endpoint_not_found"


def test_a_name_of_dots_never_becomes_a_step_in_a_url(server):
    _, requests = server
    with pytest.raises(MusterError, match="cannot be a name"):
        muster.endpoint("..")
    assert requests == []


def words(line):
    """As a shell understands the line, with another program for curl."""
    program = "curl() { printf '%s\\n' \"$@\"; }; " + line
    done = subprocess.run(
        ["sh", "-c", program], capture_output=True, text=True, timeout=10, check=True, env={"MUSTER_TOKEN": "of-env"}
    )
    return done.stdout.split("\n")


def test_the_line_for_a_shell_holds_no_token(server):
    churn = muster.endpoint("churn")
    line = churn.curl()
    assert "secret" not in line
    told = words(line)
    assert "Authorization: Bearer of-env" in told
    assert """{"rows": [{"it's": 1}]}""" in told


def test_the_shell_takes_the_token_from_the_file_where_it_was_found(server, tmp_path, monkeypatch):
    churn = muster.endpoint("churn")
    file = tmp_path / "a folder" / "config.json"
    file.parent.mkdir()
    key = "http://localhost:7070"
    file.write_text(
        f'{{\n  "server": "{key}",\n  "tokens": {{\n    "{key}": "of-file",\n    "http://b": "no"\n  }}\n}}\n'
    )
    churn._installation.target = Target(key, "of-file", str(file), key)
    monkeypatch.setattr("shutil.which", lambda name: None)
    line = churn.curl()
    assert "of-file" not in line
    assert "Authorization: Bearer of-file" in words(line)
