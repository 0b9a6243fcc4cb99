"""The client of gemstone 0.12 against a callbox server in the gemstone dialect.

Run by tests/python/clients.rs, which says where the server is.
"""

import os
import unittest

from gemstone.client import MethodCall, Notification, RemoteService
from gemstone.util import as_completed, first_completed

URL = os.environ["CALLBOX_URL"]
TOKEN_HEADER = os.environ.get("CALLBOX_TOKEN_HEADER", "X-Api-Token")


class WithToken(RemoteService):
    """This client has lost its predecessor's way to send a token; the request is where its users put one."""

    def __init__(self, token):
        super().__init__(URL)
        self.token = token

    def build_http_request_obj(self, request_body):
        request = super().build_http_request_obj(request_body)
        request.add_header(TOKEN_HEADER, self.token)
        return request


class Client(unittest.TestCase):
    def setUp(self):
        self.remote = RemoteService(URL)

    def assert_error(self, result, code):
        self.assertIsNone(result.result)
        self.assertEqual(result.error["code"], code)

    def test_a_public_method_takes_named_and_positional_parameters(self):
        for params in [{"name": "wörld"}, ["wörld"], ("wörld",)]:
            result = self.remote.call_method("say_hello", params)
            self.assertEqual((result.result, result.error), ("hello wörld", None))
            self.assertEqual(result.id, result.method_call.id)

    def test_a_method_call_is_answered_under_its_own_id(self):
        for id in ["ten", 10, 1.5, -1]:
            result = self.remote.call_method(MethodCall("say_hello", ["you"], id=id))
            self.assertEqual((result.id, result.result), (id, "hello you"))

    def test_the_specs_list_public_and_private_methods(self):
        specs = self.remote.call_method("get_service_specs").result
        self.assertEqual(specs["name"], "name.your.service")
        self.assertTrue(URL.startswith(specs["accessible_at"]), specs)
        self.assertEqual(specs["methods"]["say_private_hello"], "Says hello to those who have a token.")

    def test_a_private_method_wants_the_right_token(self):
        call = ("say_private_hello", {"name": "you"})
        self.assertEqual(WithToken("hello_world").call_method(*call).result, "Private hello you")
        for remote in [self.remote, WithToken("wrong"), WithToken("")]:
            self.assert_error(remote.call_method(*call), -32001)

    def test_errors_are_results_with_codes_that_the_client_knows(self):
        for code, method, params in [
            (-32601, "unheard_of", {}),
            (-32602, "say_hello", {}),
            (-32602, "say_hello", {"nme": "you"}),
            (-32001, "retrieve", ["key"]),
        ]:
            self.assert_error(self.remote.call_method(method, params), code)
            self.assertIn(code, RemoteService.RESPONSE_CODES)
        result = self.remote.call_method("divide", [1, 0])
        self.assertEqual(result.error, {"code": 422, "message": "1 cannot be divided by 0", "data": {"a": 1}})

    def test_async_calls_are_answered_as_they_complete(self):
        slow = self.remote.call_method_async("wait", {"ms": 1500})
        quick = [self.remote.call_method_async("say_hello", [str(n)]) for n in range(20)]
        answers = {call.result().result for call in as_completed(*quick)}
        self.assertEqual(answers, {"hello {}".format(n) for n in range(20)})
        if os.cpu_count() > 1:  # The client has so many threads, and the slow call has one of them.
            self.assertFalse(slow.finished())
        self.assertEqual(slow.result(wait=True).result, 1500)
        self.assertTrue(slow.successful())

    def test_async_errors_are_results(self):
        call = self.remote.call_method_async(MethodCall("divide", [1, 0]))
        self.assert_error(first_completed(call), 422)

    def test_a_notification_is_run_and_says_nothing(self):
        self.assertIsNone(self.remote.notify("store", {"key": "gem", "value": "first"}))
        self.assertIsNone(self.remote.notify(Notification("store", ["gem", "second"])))
        self.assertEqual(self.remote.call_method("store", ["gem", "third"]).result, "second")

    def test_a_notification_that_fails_says_nothing(self):
        for method, params in [("unheard_of", {}), ("say_hello", {}), ("say_private_hello", ["you"])]:
            self.assertIsNone(self.remote.notify(method, params))

    def test_a_batch_is_answered_call_by_call_without_the_notifications(self):
        hello, private = MethodCall("say_hello", ["you"]), MethodCall("say_private_hello", ["you"])
        divide, unknown = MethodCall("divide", {"a": 9, "b": 3}, id=7), MethodCall("unheard_of")
        noted = Notification("store", {"key": "batch", "value": "noted"})
        lost = Notification("unheard_of")
        answers = self.remote.call_batch(hello, noted, private, divide, lost, unknown)
        self.assertEqual([answer.method_call for answer in answers], [hello, private, divide, unknown])
        self.assertEqual(answers.get_response_for_call(hello).result, "hello you")
        self.assertEqual(answers.get_response_for_call(divide).result, 3)
        self.assert_error(answers.get_response_for_call(private), -32001)
        self.assert_error(answers.get_response_for_call(unknown), -32601)
        self.assertEqual(self.remote.call_method("store", ["batch", "x"]).result, "noted")

    def test_a_token_opens_the_private_members_of_a_batch(self):
        calls = [MethodCall("say_private_hello", [str(n)]) for n in range(50)]
        answers = WithToken("hello_world").call_batch(*calls)
        self.assertEqual([answer.result for answer in answers], ["Private hello {}".format(n) for n in range(50)])

    def test_a_batch_of_notifications_is_answered_with_nothing(self):
        notes = [Notification("store", ["only", str(n)]) for n in range(5)]
        self.assertEqual(len(self.remote.call_batch(*notes)), 0)
        self.assertEqual(self.remote.call_method("store", ["only", "x"]).result, "4")


if __name__ == "__main__":
    # The client leaves its threads to the end of the process.
    unittest.main(warnings="ignore")
