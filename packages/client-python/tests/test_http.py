"""Requests, and what becomes of those that go wrong."""

import pickle
import socket

import pytest
from fake_server import Reply, serving

from muster import MusterError, __version__
from muster._http import Http, error_of


def test_a_connection_is_kept_and_the_token_sent_as_bearer():
    with serving(lambda request: Reply({"ok": True})) as (url, requests):
        http = Http(url, "secret")
        for _ in range(3):
            assert http.request("GET", "/x").json() == {"ok": True}
        http.close()
    assert len({request.connection for request in requests}) == 1
    assert requests[0].headers["authorization"] == "Bearer secret"
    assert requests[0].headers["user-agent"].startswith(f"muster-python/{__version__} ")
    assert "secret" not in repr(http)


def test_a_connection_that_the_server_dropped_meanwhile_is_replaced():
    replies = iter([Reply({}), Reply(cut=True), Reply({"fresh": True})])
    with serving(lambda request: next(replies)) as (url, requests):
        http = Http(url, None)
        http.request("GET", "/x")
        assert http.request("POST", "/x", body=b"again").json() == {"fresh": True}
        http.close()
    assert [request.body for request in requests] == [b"", b"again", b"again"]


@pytest.mark.parametrize("status", [429, 503])
def test_what_is_refused_for_the_moment_is_sent_again(status):
    replies = iter([Reply({}, status, {"Retry-After": "0"})] * 2 + [Reply({"done": 1})])
    with serving(lambda request: next(replies)) as (url, requests):
        http = Http(url, None)
        assert http.request("POST", "/x", body=b"1", retry_s=5).json() == {"done": 1}
        http.close()
    assert len(requests) == 3


def test_a_pause_beyond_the_limit_is_not_waited_for():
    with serving(lambda request: Reply({}, 503, {"Retry-After": "3000"})) as (url, requests):
        http = Http(url, None)
        assert http.request("GET", "/x", retry_s=5).status == 503
        http.close()
    assert len(requests) == 1


def test_a_server_that_is_not_there_says_how_it_is_started():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(MusterError) as caught:
            Http(url, "secret").request("GET", "/x")
    assert caught.value.code == "server_unreachable"
    assert "muster up" in caught.value.remedy
    assert "secret" not in str(caught.value)


def test_an_answer_that_does_not_come_ends_in_time():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(MusterError, match=r"no answer within 0\.2 s"):
            Http(url, None).request("GET", "/x", timeout_s=0.2, retry_s=30)


def error(reply):
    with serving(lambda request: reply) as (url, _):
        http = Http(url, None)
        try:
            return error_of(http.request("GET", "/x"))
        finally:
            http.close()


def test_problems_are_errors_with_all_their_parts():
    problem = {
        "type": "urn:muster:error:sample_differs",
        "code": "sample_differs",
        "title": "It differs",
        "status": 412,
        "detail": "row 2",
        "remedy": "Pin it.",
        "place": "body.sample",
        "details": {"row": 2},
        "requestId": "r1",
    }
    found = error(Reply(problem, 412))
    assert (found.code, found.title, found.detail, found.remedy) == ("sample_differs", "It differs", "row 2", "Pin it.")
    assert (found.place, found.details, found.request_id, found.status) == ("body.sample", {"row": 2}, "r1", 412)
    assert "Pin it." in str(found)
    assert str(pickle.loads(pickle.dumps(found))) == str(found)


def test_errors_of_the_inference_protocol_are_read_too():
    found = error(Reply({"error": "queue_full: 16 requests wait. Later."}, 429, {"X-Request-Id": "r2"}))
    assert (found.code, found.detail, found.request_id) == ("queue_full", "16 requests wait. Later.", "r2")


def test_what_is_no_error_of_muster_goes_by_its_status():
    found = error(Reply(b"<html>Bad gateway</html>", 502))
    assert (found.code, found.status) == ("endpoint_not_ready", 502)
    assert error(Reply(b"", 500)).detail == "the server answered 500"
