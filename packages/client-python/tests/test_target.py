"""Which server and as whom."""

import json

import pytest

from muster import MusterError
from muster._target import find_target, server_url


@pytest.fixture
def env(tmp_path):
    def make(config=None, **more):
        folder = tmp_path / "muster"
        folder.mkdir(exist_ok=True)
        if config is not None:
            (folder / "config.json").write_text(json.dumps(config))
        return {"XDG_CONFIG_HOME": str(tmp_path), **more}

    return make


def test_argument_goes_before_environment_before_file_before_default(env):
    config = {"server": "http://localhost:1", "tokens": {"http://localhost:1": "of-the-file"}}
    assert find_target(env=env()).server == "http://localhost:7070"
    assert find_target(env=env(config)).server == "http://localhost:1"
    assert find_target(env=env(config, MUSTER_URL="localhost:2")).server == "http://localhost:2"
    assert find_target(env=env(config, MUSTER_URL="localhost:2", MUSTER_SERVER="localhost:3")).server.endswith(":3")
    assert find_target("https://m.example.com/", env=env(config, MUSTER_SERVER="x")).server == "https://m.example.com"


def test_token_of_the_file_belongs_to_its_server_however_this_machine_is_spelled(env):
    config = {"server": "http://localhost:1", "tokens": {"http://localhost:1": "of-the-file"}}
    assert find_target(env=env(config)).token == "of-the-file"
    assert find_target("http://127.0.0.1:1", env=env(config)).token == "of-the-file"
    assert find_target("http://localhost:2", env=env(config)).token is None
    assert find_target("https://m.example.com", env=env(config)).token is None
    assert find_target(env=env(config, MUSTER_TOKEN="of-env")).token == "of-env"
    assert find_target(token="given", env=env(config, MUSTER_TOKEN="of-env")).token == "given"


def test_no_token_is_shown(env):
    assert "given" not in repr(find_target(token="given", env=env()))


@pytest.mark.parametrize("text", ["m.example.com", "ftp://x", "http://", "http://u:p@x", "http://x:99999"])
def test_what_is_no_address_is_refused(text):
    with pytest.raises(MusterError) as caught:
        server_url(text, "url")
    assert caught.value.code == "invalid_configuration"
    assert caught.value.remedy


def test_addresses_have_one_spelling():
    assert server_url("HTTP://Example.com:80/", "url") == "http://example.com"
    assert server_url("https://example.com:443/base/", "url") == "https://example.com/base"
    assert server_url("[::1]:7070", "url") == "http://[::1]:7070"


@pytest.mark.parametrize("content", ["{", "[]", '{"tokens": 3}'])
def test_a_file_that_is_no_configuration_is_named(env, tmp_path, content):
    surroundings = env()
    (tmp_path / "muster/config.json").write_text(content)
    with pytest.raises(MusterError, match=r"config\.json is not a configuration"):
        find_target(env=surroundings)


@pytest.mark.parametrize("token", ["two words", "line\nbreak", "ünicode", "x" * 10_001])
def test_what_is_no_token_is_refused_without_showing_it(env, token):
    with pytest.raises(MusterError) as caught:
        find_target(token=token, env=env())
    assert token not in str(caught.value)
