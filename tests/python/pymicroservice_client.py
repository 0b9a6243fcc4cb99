"""The client of pymicroservice 0.1.0 against a callbox server in the gemstone dialect.

Run by tests/python/clients.rs, which says where the server is.
"""

import os
import unittest
from concurrent.futures import ThreadPoolExecutor

from pymicroservice import RemoteService
from pymicroservice.errors import CalledServiceError

URL = os.environ["CALLBOX_URL"]
TOKEN_HEADER = os.environ.get("CALLBOX_TOKEN_HEADER")


def connect(token=None):
    return RemoteService(URL, api_key=token, api_header=TOKEN_HEADER)


class Client(unittest.TestCase):
    def assert_fails(self, code, call, *args, **kwargs):
        with self.assertRaises(CalledServiceError) as raised:
            call(*args, **kwargs)
        (error,) = raised.exception.args
        self.assertEqual(error["code"], code)
        return error

    def test_the_specs_give_the_name_and_the_methods(self):
        remote = connect()
        self.assertEqual(remote.name, "name.your.service")
        self.assertEqual(
            sorted(remote.get_available_methods()),
            ["divide", "forget", "get_service_specs", "retrieve", "say_hello", "say_private_hello", "store", "wait"],
        )

    def test_a_public_method_takes_named_and_positional_parameters(self):
        methods = connect().methods
        self.assertEqual(methods.say_hello(name="world"), "hello world")
        self.assertEqual(methods.say_hello("wörld ☃"), "hello wörld ☃")

    def test_a_method_without_parameters_is_called_with_an_empty_object(self):
        self.assertEqual(connect().methods.get_service_specs()["name"], "name.your.service")

    def test_falsy_results_come_through(self):
        methods = connect().methods
        self.assertEqual(methods.divide(0, 5), 0)
        self.assertIsNone(methods.store(key="falsy", value=""))
        self.assertEqual(methods.store(key="falsy", value="x"), "")

    def test_a_private_method_wants_the_right_token(self):
        self.assertEqual(connect("hello_world").methods.say_private_hello(name="you"), "Private hello you")
        for wrong in [None, "", "wrong", "hello_worl", "hello_world2"]:
            error = self.assert_fails(-32001, connect(wrong).methods.say_private_hello, name="you")
            self.assertEqual(error["message"], "Access denied")

    def test_a_public_method_runs_with_any_token(self):
        for token in ["hello_world", "wrong"]:
            self.assertEqual(connect(token).methods.say_hello("you"), "hello you")

    def test_errors_are_raised_with_their_code(self):
        methods = connect().methods
        self.assert_fails(-32602, methods.say_hello)
        self.assert_fails(-32602, methods.say_hello, "a", "b")
        self.assert_fails(-32602, methods.say_hello, nme="a")
        error = self.assert_fails(422, methods.divide, 1, 0)
        self.assertEqual((error["message"], error["data"]), ("1 cannot be divided by 0", {"a": 1}))

    def test_a_method_that_the_server_does_not_have_is_not_found(self):
        remote = connect()
        remote.get_available_methods().append("unheard_of")
        self.assert_fails(-32601, remote.methods.unheard_of)

    def test_a_notification_is_run_and_says_nothing(self):
        remote = connect("hello_world")
        self.assertIsNone(remote.notifications.store(key="noted", value="first"))
        # The calls of one method keep their order, so the notification has run before this.
        self.assertEqual(remote.methods.store(key="noted", value="second"), "first")
        self.assertEqual(remote.methods.retrieve("noted"), "second")

    def test_a_notification_that_fails_says_nothing(self):
        notifications = connect().notifications
        self.assertIsNone(notifications.say_hello())
        self.assertIsNone(notifications.divide(1, 0))
        self.assertIsNone(notifications.say_private_hello(name="you"))

    def test_a_private_notification_runs_with_the_right_token_only(self):
        remote = connect("hello_world")
        connect("wrong").notifications.forget(key="private")
        self.assertIsNone(remote.methods.store(key="private", value="1"))
        connect("wrong").notifications.forget(key="private")
        self.assertEqual(remote.methods.forget(key="private"), "1")
        remote.methods.store(key="private", value="2")
        remote.notifications.forget(key="private")
        self.assertIsNone(remote.methods.forget(key="private"))

    def test_one_client_may_be_used_by_many_threads(self):
        methods = connect().methods
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda n: methods.say_hello(str(n)), range(200)))
        self.assertEqual(answers, ["hello {}".format(n) for n in range(200)])


if __name__ == "__main__":
    unittest.main()
