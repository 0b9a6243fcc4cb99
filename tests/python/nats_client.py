"""`nats-py` calls a callbox service over NATS, and is called.

Run by tests/nats/peers.rs, which says where the server of NATS is. Without an argument it is a set
of unit tests; with `service` it is a service, which says `ready` and ends when its input ends.
"""

import asyncio
import json
import os
import sys
import unittest

import nats
import nats.micro
from nats.errors import NoRespondersError
from nats.micro.request import ServiceError

URL = os.environ["CALLBOX_NATS_URL"]
SERVICE = "callbox.shop=2Emarket"


class Client(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.nats = await nats.connect(URL)

    async def asyncTearDown(self):
        await self.nats.close()

    async def reply(self, method, params=None, **headers):
        payload = b"" if params is None else json.dumps(params).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.nats.request(f"{SERVICE}.{method}", payload, timeout=10, headers=named or None)

    async def result(self, method, params=None, **headers):
        reply = await self.reply(method, params, **headers)
        self.assertIsNone(reply.headers)
        return json.loads(reply.data)

    async def error(self, method, params=None, **headers):
        reply = await self.reply(method, params, **headers)
        self.assertTrue(reply.headers["Nats-Service-Error"])
        return int(reply.headers["Nats-Service-Error-Code"]), json.loads(reply.data)["code"]

    async def test_parameters_go_by_name_and_by_position(self):
        self.assertEqual(await self.result("add", {"a": 1, "b": 2}), 3)
        self.assertEqual(await self.result("add", [1, 2]), 3)
        self.assertEqual(await self.result("sell", [0]), await self.result("sell", {"count": 0}))

    async def test_many_requests_at_once_have_each_their_own_reply(self):
        sums = await asyncio.gather(*(self.result("add", [number, 1]) for number in range(200)))
        self.assertEqual(sums, [number + 1 for number in range(200)])

    async def test_an_error_has_headers_and_the_object_of_json_rpc(self):
        self.assertEqual(await self.error("add", [1]), (400, -32602))
        self.assertEqual(await self.error("add", "text"), (400, -32600))
        self.assertEqual(await self.error("refuse"), (500, 7))
        self.assertEqual(await self.error("nap", [5_000], Request_Timeout="0.05"), (504, -32002))

    async def test_a_private_method_wants_a_token(self):
        self.assertEqual(await self.error("secret"), (401, -32001))
        self.assertEqual(await self.result("secret", X_Api_Token="ann"), "ann")
        self.assertEqual(await self.result("secret", Authorization="Bearer ann"), "ann")

    async def test_what_is_not_there_has_no_responders(self):
        with self.assertRaises(NoRespondersError):
            await self.reply("no_such_method")

    async def test_it_is_found_by_its_name(self):
        info = json.loads((await self.nats.request("$SRV.INFO.shop-market", b"", timeout=10)).data)
        self.assertEqual(info["type"], "io.nats.micro.v1.info_response")
        self.assertIn(f"{SERVICE}.add", [endpoint["subject"] for endpoint in info["endpoints"]])


async def serve():
    async def add(request):
        await request.respond(json.dumps(sum(json.loads(request.data))).encode())

    async def fail(request):
        await request.respond_error("507", "out of numbers", b"")

    async def divide(request):
        raise ServiceError("422", "not by zero")

    connection = await nats.connect(URL)
    service = await nats.micro.add_service(connection, name="sums", version="0.0.1")
    for name, handler in [("add", add), ("fail", fail), ("divide", divide)]:
        await service.add_endpoint(name=name, subject=f"sums.{name}", handler=handler)
    await connection.flush()
    print("ready", file=sys.stderr, flush=True)
    # The bound is for whoever started it and is gone without a word.
    await asyncio.wait_for(asyncio.to_thread(sys.stdin.read), 60)
    await service.stop()
    await connection.close()


if __name__ == "__main__":
    if sys.argv[1:] == ["service"]:
        asyncio.run(serve())
    else:
        unittest.main()
