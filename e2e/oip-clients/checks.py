"""Checks Muster with the clients that people have: python checks.py URL TOKEN

Each function that begins with `check_` is one check. Prints one line of JSON for each: its name and, if it failed, why.
"""

import asyncio
import inspect
import json
import sys
import traceback

import httpx
import kserve
import numpy as np
import tritonclient.http as triton
import tritonclient.http.aio as triton_aio
from tritonclient.http.auth import BasicAuth
from tritonclient.utils import InferenceServerException

URL, TOKEN = sys.argv[1:3]
HOST = URL.removeprefix("http://")
MATRIX = np.array([[1.5, -2.25, 3e30], [0, -0.0, 1e-30]], dtype=np.float32)


def bearer():
    """Fresh for each call: the clients write headers of their own into what they are given."""
    return {"authorization": f"Bearer {TOKEN}"}


def client():
    return triton.InferenceServerClient(HOST, network_timeout=120.0, connection_timeout=120.0)


def tensor(name, array, datatype, binary=True):
    wrapped = triton.InferInput(name, list(array.shape), datatype)
    wrapped.set_data_from_numpy(array, binary_data=binary)
    return wrapped


def infer(endpoint, *inputs, **options):
    with client() as one:
        return one.infer(endpoint, list(inputs), headers=bearer(), **options)


def same(found, expected):
    assert found is not None, "there is no such output"
    assert found.shape == expected.shape, f"{found.shape} is not {expected.shape}"
    np.testing.assert_array_equal(found, expected)


def refused(call, *words):
    """The text of the library's own exception, which has these words in it."""
    try:
        call()
    except InferenceServerException as error:
        for word in words:
            assert word in str(error), f"{word!r} is not in {str(error)!r}"
        return error
    raise AssertionError("it was not refused")


def check_triton_health():
    with client() as one:
        assert one.is_server_live()
        assert one.is_server_ready()
        assert one.is_model_ready("fp32", headers=bearer())
        assert one.is_model_ready("fp32", "1", headers=bearer())
        assert not one.is_model_ready("nobody", headers=bearer())
        assert not one.is_model_ready("fp32", "9", headers=bearer())


def check_triton_metadata():
    with client() as one:
        server = one.get_server_metadata()
        assert server["name"] == "muster" and "binary_tensor_data" in server["extensions"]
        model = one.get_model_metadata("fp32", headers=bearer())
        assert model["name"] == "fp32" and model["versions"] == ["1"]
        assert model["inputs"] == [{"name": "x", "datatype": "FP32", "shape": [-1, 3]}]
        assert one.get_model_metadata("fp32", "1", headers=bearer()) == model


def check_triton_fp32_in_binary():
    same(infer("fp32", tensor("x", MATRIX, "FP32")).as_numpy("y"), MATRIX)


def check_triton_fp32_in_json():
    result = infer(
        "fp32",
        tensor("x", MATRIX, "FP32", binary=False),
        outputs=[triton.InferRequestedOutput("y", binary_data=False)],
    )
    assert "parameters" not in result.get_output("y")
    same(result.as_numpy("y"), MATRIX)


def check_triton_json_in_binary_out_and_the_other_way():
    same(infer("fp32", tensor("x", MATRIX, "FP32", binary=False)).as_numpy("y"), MATRIX)
    wish = [triton.InferRequestedOutput("y", binary_data=False)]
    same(infer("fp32", tensor("x", MATRIX, "FP32"), outputs=wish).as_numpy("y"), MATRIX)


def check_triton_nan_and_infinity():
    odd = np.array([[np.nan, np.inf, -np.inf]], dtype=np.float32)
    wish = [triton.InferRequestedOutput("y", binary_data=False)]
    for binary in (True, False):
        same(infer("fp32", tensor("x", odd, "FP32", binary=binary)).as_numpy("y"), odd)
        same(infer("fp32", tensor("x", odd, "FP32", binary=binary), outputs=wish).as_numpy("y"), odd)


def check_triton_int64_extremes():
    extremes = np.array([[-(2**63), 2**63 - 1, 2**53 + 1]], dtype=np.int64)
    wish = [triton.InferRequestedOutput("y", binary_data=False)]
    for binary in (True, False):
        same(infer("int64", tensor("x", extremes, "INT64", binary=binary)).as_numpy("y"), extremes)
        same(infer("int64", tensor("x", extremes, "INT64", binary=binary), outputs=wish).as_numpy("y"), extremes)


def check_triton_uint64_extremes():
    extremes = np.array([[0, 2**64 - 1, 2**63]], dtype=np.uint64)
    for binary in (True, False):
        same(infer("uint64", tensor("x", extremes, "UINT64", binary=binary)).as_numpy("y"), extremes)


def check_triton_fp16():
    halves = np.array([[65504, -1.5, 6e-8]], dtype=np.float16)
    same(infer("fp16", tensor("x", halves, "FP16")).as_numpy("y"), halves)
    wish = [triton.InferRequestedOutput("y", binary_data=False)]
    same(infer("fp16", tensor("x", halves, "FP16"), outputs=wish).as_numpy("y"), halves)


def check_triton_bool():
    truth = np.array([[True, False, True]])
    wish = [triton.InferRequestedOutput("y", binary_data=False)]
    for binary in (True, False):
        same(infer("bool", tensor("x", truth, "BOOL", binary=binary)).as_numpy("y"), truth)
        same(infer("bool", tensor("x", truth, "BOOL", binary=binary), outputs=wish).as_numpy("y"), truth)


def check_triton_bytes():
    texts = np.array([["", "a\nb", "ünïcode 🚀"]], dtype=np.object_)
    raw = np.array([[text.encode() for text in texts[0]]], dtype=np.object_)
    for binary in (True, False):
        same(infer("bytes", tensor("x", texts, "BYTES", binary=binary)).as_numpy("y"), raw)
    wish = [triton.InferRequestedOutput("y", binary_data=False)]
    same(infer("bytes", tensor("x", texts, "BYTES"), outputs=wish).as_numpy("y"), texts)


def check_triton_bytes_that_the_runtime_cannot_hold_are_refused():
    for raw, why in ((b"\xff\xfe", "not UTF-8"), (b"a\0b", "U+0000")):
        odd = np.array([["", raw, ""]], dtype=np.object_)
        refused(lambda: infer("bytes", tensor("x", odd, "BYTES")), "invalid_data", "element 1", why)


def check_triton_outputs_several_and_chosen():
    ids = np.array([[7], [2**62]], dtype=np.int64)
    rows = np.array([[1, 2, 3, 4], [5, 6, 7, 8]], dtype=np.float32)
    inputs = [tensor("id", ids, "INT64"), tensor("x", rows, "FP32", binary=False)]
    both = infer("who", *inputs)
    same(both.as_numpy("row_id"), ids)
    same(both.as_numpy("sum"), rows.sum(axis=1))
    turned = infer(
        "who",
        *inputs,
        outputs=[triton.InferRequestedOutput("sum", binary_data=False), triton.InferRequestedOutput("row_id")],
    )
    assert [output["name"] for output in turned.get_response()["outputs"]] == ["sum", "row_id"]
    same(turned.as_numpy("row_id"), ids)
    same(turned.as_numpy("sum"), rows.sum(axis=1))
    alone = infer("who", *inputs, outputs=[triton.InferRequestedOutput("sum")])
    assert alone.as_numpy("row_id") is None
    same(alone.as_numpy("sum"), rows.sum(axis=1))


def check_triton_empty_batch():
    nothing = np.zeros((0, 3), dtype=np.float32)
    same(infer("fp32", tensor("x", nothing, "FP32")).as_numpy("y"), nothing)


def check_triton_request_id_and_version():
    result = infer("fp32", tensor("x", MATRIX, "FP32"), request_id="my-42", model_version="1")
    response = result.get_response()
    assert response["id"] == "my-42" and response["model_name"] == "fp32" and response["model_version"] == "1"
    assert "id" not in infer("fp32", tensor("x", MATRIX, "FP32")).get_response()


def check_triton_compression():
    many = np.tile(MATRIX, (5000, 1))
    for asked in ("gzip", "deflate", None):
        for answered in ("gzip", "deflate", None):
            for binary in (True, False):
                result = infer(
                    "fp32",
                    tensor("x", many, "FP32", binary=binary),
                    request_compression_algorithm=asked,
                    response_compression_algorithm=answered,
                )
                same(result.as_numpy("y"), many)


def check_triton_async_infer():
    with triton.InferenceServerClient(HOST, concurrency=4) as one:
        pending = [
            one.async_infer("fp32", [tensor("x", MATRIX + at, "FP32")], headers=bearer()) for at in range(32)
        ]
        for at, request in enumerate(pending):
            same(request.get_result().as_numpy("y"), MATRIX + at)


def check_triton_reuses_connections_behind_errors():
    with client() as one:
        for _ in range(5):
            refused(lambda: one.infer("nobody", [tensor("x", MATRIX, "FP32")], headers=bearer()), "endpoint_not_found")
            same(one.infer("fp32", [tensor("x", MATRIX, "FP32")], headers=bearer()).as_numpy("y"), MATRIX)


def check_triton_errors_are_its_exception_with_our_text():
    x = tensor("x", MATRIX, "FP32")
    error = refused(lambda: infer("nobody", x), "endpoint_not_found", '"nobody"')
    assert error.status() == "404", error.status()
    refused(lambda: infer("fp32", x, model_version="9"), "version_not_deployed")
    wide = tensor("x", np.zeros((1, 4), dtype=np.float32), "FP32")
    assert refused(lambda: infer("fp32", wide), "invalid_shape").status() == "400"
    refused(lambda: infer("fp32", tensor("x", MATRIX.astype(np.float64), "FP64")), "invalid_datatype", "FP32")
    refused(lambda: infer("fp32", tensor("z", MATRIX, "FP32")), "unknown_input", '"z"')
    refused(lambda: infer("fp32", x, x), "duplicate_input")
    refused(lambda: infer("who", x), "invalid_shape")
    refused(lambda: infer("fp32", x, outputs=[triton.InferRequestedOutput("logits")]), "unknown_output", "logits")
    refused(lambda: infer("fp32", x, timeout=1), "deadline_passed")
    refused(lambda: infer("fp32", x, sequence_id=7, sequence_start=True), "not_offered")


def check_triton_body_over_the_limit():
    large = tensor("x", np.zeros((400_000, 3), dtype=np.float32), "FP32")
    error = refused(lambda: infer("small-body", large), "body_too_large")
    assert error.status() == "413", error.status()


def check_triton_tokens():
    x = [tensor("x", MATRIX, "FP32")]
    with client() as one:
        assert refused(lambda: one.infer("fp32", x), "token_missing").status() == "401"
        wrong = {"authorization": "Bearer wrong"}
        assert refused(lambda: one.infer("fp32", x, headers=wrong), "token_invalid").status() == "401"
        one.register_plugin(BasicAuth("anybody", TOKEN))
        same(one.infer("fp32", x).as_numpy("y"), MATRIX)
        assert one.get_model_metadata("fp32")["name"] == "fp32"
        one.unregister_plugin()
        one.register_plugin(BasicAuth("anybody", "wrong"))
        refused(lambda: one.infer("fp32", x), "token_invalid")


def check_triton_what_is_not_offered():
    with client() as one:
        refused(lambda: one.get_model_config("fp32", headers=bearer()), "not_offered")
        refused(lambda: one.get_inference_statistics("fp32", headers=bearer()), "not_offered")
        refused(lambda: one.get_model_repository_index(headers=bearer()), "not_offered")
        refused(lambda: one.load_model("fp32", headers=bearer()), "not_offered")
        assert one.get_system_shared_memory_status(headers=bearer()) == []
        one.unregister_system_shared_memory(headers=bearer())


async def check_triton_aio():
    async with triton_aio.InferenceServerClient(HOST) as one:
        assert await one.is_server_ready() and await one.is_model_ready("fp32", headers=bearer())
        assert (await one.get_model_metadata("fp32", headers=bearer()))["name"] == "fp32"
        many = np.tile(MATRIX, (5000, 1))
        for algorithm in (None, "gzip", "deflate"):
            result = await one.infer(
                "fp32",
                [tensor("x", many, "FP32")],
                headers=bearer(),
                request_compression_algorithm=algorithm,
                response_compression_algorithm=algorithm,
            )
            same(result.as_numpy("y"), many)
        answers = await asyncio.gather(
            *(one.infer("fp32", [tensor("x", MATRIX + at, "FP32")], headers=bearer()) for at in range(32))
        )
        for at, answer in enumerate(answers):
            same(answer.as_numpy("y"), MATRIX + at)
        try:
            await one.infer("nobody", [tensor("x", MATRIX, "FP32")], headers=bearer())
        except InferenceServerException as error:
            assert "endpoint_not_found" in str(error), str(error)
        else:
            raise AssertionError("it was not refused")


def kserve_client():
    return kserve.InferenceRESTClient(kserve.RESTConfig(protocol="v2", timeout=120))


def kserve_request(endpoint, datatype, array, binary):
    one = kserve.InferInput("x", list(array.shape), datatype)
    one.set_data_from_numpy(array, binary_data=binary)
    return kserve.InferRequest(endpoint, [one], request_id="my-42")


async def kserve_infer(endpoint, datatype, array, binary=True):
    async with kserve_client() as one:
        return await one.infer(URL, kserve_request(endpoint, datatype, array, binary), model_name=endpoint, headers=bearer())


async def check_kserve_health():
    async with kserve_client() as one:
        assert await one.is_server_live(URL) is True
        assert await one.is_server_ready(URL) is True
        assert await one.is_model_ready(URL, "fp32", headers=bearer()) is True


async def check_kserve_infer_in_json_and_binary():
    for binary in (True, False):
        result = await kserve_infer("fp32", "FP32", MATRIX, binary)
        assert result.id == "my-42" and result.model_name == "fp32"
        same(result.get_output_by_name("y").as_numpy(), MATRIX)


async def check_kserve_int64_extremes_and_bool():
    extremes = np.array([[-(2**63), 2**63 - 1, 2**53 + 1]], dtype=np.int64)
    truth = np.array([[True, False, True]])
    for binary in (True, False):
        same((await kserve_infer("int64", "INT64", extremes, binary)).get_output_by_name("y").as_numpy(), extremes)
        same((await kserve_infer("bool", "BOOL", truth, binary)).get_output_by_name("y").as_numpy(), truth)


async def check_kserve_texts():
    texts = np.array([["", "a", "ünïcode 🚀"]], dtype=np.object_)
    for binary in (True, False):
        assert (await kserve_infer("bytes", "BYTES", texts, binary)).get_output_by_name("y").data == list(texts[0])


async def check_kserve_fp16_in_binary():
    halves = np.array([[65504, -1.5, 6e-8]], dtype=np.float16)
    same((await kserve_infer("fp16", "FP16", halves)).get_output_by_name("y").as_numpy(), halves)


async def check_kserve_nan_passes_its_strict_parser():
    odd = np.array([[np.nan, np.inf, -np.inf]], dtype=np.float32)
    same((await kserve_infer("fp32", "FP32", odd)).get_output_by_name("y").as_numpy(), odd)
    # In JSON this client writes null for all three: NaN is what is left of them.
    result = await kserve_infer("fp32", "FP32", odd, binary=False)
    same(result.get_output_by_name("y").as_numpy(), np.full((1, 3), np.nan, dtype=np.float32))


async def check_kserve_errors_are_its_exception_with_our_text():
    async with kserve_client() as one:
        wide = np.zeros((1, 4), dtype=np.float32)
        for endpoint, array, headers, words in (
            ("nobody", MATRIX, bearer(), "endpoint_not_found"),
            ("fp32", wide, bearer(), "invalid_shape"),
            ("fp32", MATRIX, {}, "token_missing"),
        ):
            try:
                request = kserve_request(endpoint, "FP32", array, True)
                await one.infer(URL, request, model_name=endpoint, headers=headers)
            except httpx.HTTPStatusError as error:
                assert words in str(error), f"{words!r} is not in {str(error)!r}"
            else:
                raise AssertionError("it was not refused")


def main():
    for name, check in list(globals().items()):
        if not name.startswith("check_"):
            continue
        try:
            asyncio.run(check()) if inspect.iscoroutinefunction(check) else check()
            failure = None
        except Exception:
            failure = traceback.format_exc()
        print(json.dumps({"name": name, "failure": failure}), flush=True)


main()
