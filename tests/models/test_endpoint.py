"""The endpoint against a real server: answers, retries, limits, failures, what is counted and what is never shown."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from pydantic import SecretStr

from rasslib.errors import ModelError, Stopped
from rasslib.models.decode import Reply, Sampling
from rasslib.models.endpoint import MOST_IN_A_ROW, Endpoint
from rasslib.models.endpoint_config import EndpointConfig
from rasslib.models.endpoint_errors import EndpointError
from rasslib.models.usage import Usage
from rasslib.models.writer import Problem
from tests.chat_server import KEY, Answer, chat_server, closed_url, failed, said


def ask(endpoint: Endpoint, *requests: str, **options: Any) -> dict[int, Reply | Problem]:
    """The answers by number of the request."""
    found: dict[int, Reply | Problem] = {}
    given = {"max_tokens": 50, "sampling": Sampling(0.7, seed=3), "on_answer": found.__setitem__, **options}
    endpoint.write(requests, **given)
    return found


def test_requests_are_answered_and_usage_is_counted() -> None:
    with chat_server(lambda body, n: said(f"You said {body['messages'][0]['content']}")) as server:
        endpoint = server.endpoint()
        found = ask(endpoint, "a", "b", "ü")
        assert found == {i: Reply(f"You said {text}", 7, True) for i, text in enumerate("abü")}
        assert endpoint.usage == Usage(3, 0, 33, 21, 0)
        first = server.requests[0]
        assert (first["model"], first["max_tokens"], first["temperature"], first["seed"]) == ("tiny", 50, 0.7, 3)
        assert set(server.keys) == {f"Bearer {KEY}"}


def test_tokens_are_estimated_where_the_server_counts_none() -> None:
    with chat_server(lambda body, n: said("eight by", usage=False)) as server:
        endpoint = server.endpoint()
        assert ask(endpoint, "hello")[0] == Reply("eight by", 2, True)
        assert endpoint.usage == Usage(1, 0, endpoint.tokens("hello"), 2, 1)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_request_is_sent_again_after_the_time_the_server_names(status: int) -> None:
    def script(body: dict[str, Any], n: int) -> Answer:
        return failed(status, headers={"Retry-After": "0.3"}) if n == 0 else said("at last")

    with chat_server(script) as server:
        endpoint = server.endpoint(retries=2)
        start = time.monotonic()
        assert ask(endpoint, "a")[0] == Reply("at last", 7, True)
        assert time.monotonic() - start >= 0.3
        assert len(server.requests) == 2 and endpoint.usage.retries == 1


def test_one_request_that_fails_spares_the_others() -> None:
    with chat_server(lambda body, n: failed(500) if n == 1 else said("fine")) as server:
        found = ask(server.endpoint(), "a", "b", "c")
    assert found[1] == Problem("the server answered with status 500")
    assert isinstance(found[0], Reply) and isinstance(found[2], Reply)


def test_a_server_that_only_fails_counts_as_gone() -> None:
    with chat_server(lambda body, n: said("fine") if n == 0 else failed(500, "out of memory")) as server:
        endpoint, found = server.endpoint(), {}
        with pytest.raises(EndpointError, match=r"failed 5 times in a row \(last: the server answered with status 500"):
            ask(endpoint, *"abcdefghij", on_answer=found.__setitem__)
        assert len(server.requests) == 1 + MOST_IN_A_ROW
        assert isinstance(found[0], Reply)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("{'not': json", "the server's answer is not JSON"),
        ("", "the server's answer is not JSON"),
        ("<html>Welcome</html>", "the server's answer is not JSON"),
        ("[1, 2]", "the server's answer is no chat completion"),
        ("{}", "the server's answer is no chat completion"),
        ('{"choices": []}', "the server's answer is no chat completion"),
        ('{"choices": ["x"]}', "the server's answer is no chat completion"),
        ('{"choices": [{"message": "x"}]}', "the server's answer is no chat completion"),
        ('{"error": {"message": "overloaded"}}', "the server answered with an error"),
    ],
)
def test_a_malformed_body_is_a_problem_of_one_request(body: str, reason: str) -> None:
    with chat_server(lambda _, n: Answer(body) if n == 0 else said("fine")) as server:
        endpoint = server.endpoint()
        assert ask(endpoint, "a", "b") == {0: Problem(reason), 1: Reply("fine", 7, True)}
        assert endpoint.usage.requests == 1


def test_content_comes_in_many_forms() -> None:
    answers = [
        said("cut", "length"),
        said(None, refusal="I won't."),
        said(None),
        Answer('{"choices": [{"message": {"content": [{"type": "text", "text": "in "}, {"text": "parts"}, 3]}}]}'),
        said(None, "content_filter"),
    ]
    with chat_server(lambda _, n: answers[n]) as server:
        found = ask(server.endpoint(), *"abcde")
    assert found[0] == Reply("cut", 7, False)
    assert found[1] == Reply("I won't.", 7, True)
    assert found[2] == Reply("", 7, True)
    assert isinstance(found[3], Reply) and found[3].text == "in parts"
    assert found[4] == Problem("filtered by the server", of_request=True)


def test_a_server_that_is_not_there_is_one_sentence() -> None:
    endpoint = Endpoint(EndpointConfig(closed_url(), "tiny", retries=1))
    with pytest.raises(EndpointError, match=r"^The endpoint http://127.* cannot be reached \(.*refused.*\): start it"):
        ask(endpoint, "a", "b")


def test_a_server_that_hangs_up_half_way_keeps_what_was_answered() -> None:
    found: dict[int, Reply | Problem] = {}
    with chat_server(lambda _, n: said("fine") if n < 2 else Answer("", 0)) as server:
        with pytest.raises(EndpointError, match="cannot be reached"):
            ask(server.endpoint(), *"abcde", on_answer=found.__setitem__)
        assert set(found) == {0, 1} and len(server.requests) == 3


def test_a_server_that_dies_keeps_what_was_answered() -> None:
    found: dict[int, Reply | Problem] = {}
    with chat_server(lambda _, n: said(f"answer {n}")) as server:
        endpoint = server.endpoint()
        ask(endpoint, "a", "b", on_answer=found.__setitem__)
    with pytest.raises(EndpointError, match="cannot be reached"):
        ask(endpoint, "c", "d", on_answer=found.__setitem__)
    assert set(found) == {0, 1}


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (failed(401, f"Incorrect API key provided: {KEY}"), "does not accept the key"),
        (failed(403), "does not accept the key"),
        (failed(404, "The model `tiny` does not exist"), "has no model 'tiny'"),
        (failed(429, "You exceeded your current quota"), "limits the rate or the quota, and 0 retries did not help"),
        (failed(429, headers={"Retry-After": "900"}), "wait 900 s, or send fewer requests at once"),
    ],
)
def test_what_more_requests_cannot_mend_ends_the_work_and_shows_no_key(answer: Answer, sentence: str) -> None:
    with chat_server(lambda _, n: answer) as server:
        endpoint = server.endpoint()
        with pytest.raises(EndpointError, match=sentence) as caught:
            ask(endpoint, *"abc")
        assert len(server.requests) == 1
    assert KEY not in str(caught.value) and KEY not in repr(endpoint.config) and KEY not in endpoint.key
    assert str(caught.value).count("\n") == 0 and str(caught.value).endswith("goes on from there.")
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("The response was filtered due to Azure's content management policy", "filtered by the server"),
        ("This model's maximum context length is 8 tokens", "the request is too long for the model"),
    ],
)
def test_what_lies_in_the_request_never_ends_the_work(message: str, reason: str) -> None:
    with chat_server(lambda _, n: failed(400, message)) as server:
        found = ask(server.endpoint(), *"abcdefgh")
    assert list(found.values()) == [Problem(reason, of_request=True)] * 8


def test_an_answer_that_takes_too_long_is_a_problem() -> None:
    slow = threading.Event()

    def script(body: dict[str, Any], n: int) -> Answer:
        if n == 0:
            slow.wait(5)
        return said("fine")

    with chat_server(script) as server:
        found = ask(server.endpoint(timeout=0.5), "a", "b")
        slow.set()
    assert found == {0: Problem("no answer within 0.5 s"), 1: Reply("fine", 7, True)}


@pytest.mark.parametrize(
    ("message", "left_out", "sent"),
    [
        (
            "Unsupported parameter: 'max_tokens' is not supported here. Use 'max_completion_tokens' instead.",
            "max_tokens",
            {"max_completion_tokens": 50, "temperature": 0.7, "seed": 3},
        ),
        (
            "Unsupported value: 'temperature' does not support 0.7 with this model. Only the default (1) is supported.",
            "temperature",
            {"max_tokens": 50, "seed": 3},
        ),
        ("seed: Extra inputs are not permitted", "seed", {"max_tokens": 50, "temperature": 0.7}),
    ],
)
def test_a_parameter_that_the_server_does_not_take_is_left_out(
    message: str, left_out: str, sent: dict[str, float]
) -> None:
    with chat_server(lambda body, n: failed(400, message) if left_out in body else said("fine")) as server:
        endpoint = server.endpoint()
        assert all(isinstance(answer, Reply) for answer in ask(endpoint, "a", "b").values())
        assert endpoint.left_out == {left_out}
        assert len(server.requests) == 3
        assert {k: v for k, v in server.requests[-1].items() if k not in ("model", "messages")} == sent


def test_requests_under_way_are_bounded_and_answers_come_in_the_callers_thread() -> None:
    threads: set[str] = set()

    def script(body: dict[str, Any], n: int) -> Answer:
        time.sleep(0.05)
        return said("fine")

    with chat_server(script) as server:
        found = ask(
            server.endpoint(max_concurrency=3),
            *"abcdefghi",
            on_answer=lambda i, answer: threads.add(threading.current_thread().name),
        )
        assert not found and 2 <= server.busiest <= 3
    assert threads == {threading.current_thread().name}


def test_a_stop_hands_over_what_is_under_way_and_sends_nothing_more() -> None:
    found: dict[int, Reply | Problem] = {}

    def tick() -> None:
        raise Stopped

    def script(body: dict[str, Any], n: int) -> Answer:
        time.sleep(0.3 * n)
        return said("fine")

    with chat_server(script) as server:
        with pytest.raises(Stopped):
            ask(server.endpoint(max_concurrency=3), *"abcdefghi", on_answer=found.__setitem__, tick=tick)
        assert set(found) == {0, 1, 2} and len(server.requests) == 3


@pytest.mark.parametrize("url", ["", "localhost:8000", "ftp://host/v1", "http://", "http://host:port/v1"])
def test_an_address_that_is_none_is_said_so(url: str) -> None:
    with pytest.raises(ModelError, match="is no address of an endpoint"):
        EndpointConfig(url, "tiny")


def test_the_address_is_shown_without_secrets() -> None:
    config = EndpointConfig("https://me:secret@host:8443/v1/?key=secret", "tiny", SecretStr("k"))
    assert config.shown == "https://host:8443/v1"
    assert "secret" not in Endpoint(config).key
