"""A collector of traces: OTLP over HTTP, read by the package `opentelemetry-proto`.

Run by tests/python/traces.rs. It writes where it listens, and then each span as one line of JSON, to
standard error, since that is what the test reads while a program runs. It ends with its input.
"""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

PATH, CONTENT_TYPE = "/v1/traces", "application/x-protobuf"

output = threading.Lock()


def say(line):
    # Each request has a thread of its own.
    with output:
        print(line, file=sys.stderr, flush=True)


def values(attributes):
    """The attributes as a dict, each with the type that it was sent with."""
    found = {pair.key: getattr(pair.value, pair.value.WhichOneof("value") or "string_value") for pair in attributes}
    assert len(found) == len(attributes), f"a name is there twice: {attributes}"
    return found


def described(resource, scope, span):
    return {
        "resource": values(resource.resource.attributes),
        "scope": scope.scope.name,
        "schema_url": scope.schema_url,
        "trace_id": span.trace_id.hex(),
        "span_id": span.span_id.hex(),
        "parent_span_id": span.parent_span_id.hex(),
        "trace_state": span.trace_state,
        "name": span.name,
        "kind": Span.SpanKind.Name(span.kind),
        "status": Status.StatusCode.Name(span.status.code),
        "attributes": values(span.attributes),
        "events": [event.name for event in span.events],
        "links": len(span.links),
        "dropped": span.dropped_attributes_count + span.dropped_events_count + span.dropped_links_count,
        "times_are_in_order": 0 < span.start_time_unix_nano <= span.end_time_unix_nano,
    }


class Receiver(BaseHTTPRequestHandler):
    # Connections stay open, as those to a real collector do.
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if (self.path, self.headers["Content-Type"]) != (PATH, CONTENT_TYPE):
            return self.answer(404, f"{self.path} with {self.headers['Content-Type']}".encode())
        try:
            request = ExportTraceServiceRequest.FromString(body)
        except DecodeError as error:
            return self.answer(400, str(error).encode())
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    say(json.dumps(described(resource, scope, span)))
        self.answer(200, ExportTraceServiceResponse().SerializeToString())

    def answer(self, status, body):
        if status != 200:
            say(f"refused with {status}: {body}")
        self.send_response(status)
        self.send_header("Content-Type", CONTENT_TYPE)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, *_):
        """Says nothing of a request besides its spans."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    say(f"listening on http://127.0.0.1:{server.server_port}/")
    sys.stdin.read()
