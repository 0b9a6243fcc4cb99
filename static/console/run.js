// Runs the calls of one method, and shows the newest.

import { withMeta } from "./rpc.js";

/// Returns a function that makes a call, shows it in `answer`, and returns its answer: without one
/// if the connection was lost.
///
/// A call goes over the WebSocket, so that it can be cancelled and reports its progress. It goes by
/// `POST` if there is no WebSocket, as behind a proxy that passes on none, and at an endpoint of an
/// older dialect, whose answers are to be seen.
export function runner({ server, socket, method, answer }) {
  let newest = 0;
  return async (request, listener) => {
    newest += 1;
    const turn = newest;
    const ifNewest = (show) => turn === newest && show();
    answer.wait();
    try {
      const hasSocket = server.hasStreams && await socket.ready();
      const reply = hasSocket
        ? await send(request, listener, ifNewest)
        : await server.send(request);
      ifNewest(() => answer.show(reply, server));
      return reply;
    } catch (error) {
      ifNewest(() => answer.fail(error));
      return null;
    }
  };

  function send(request, listener, ifNewest) {
    ifNewest(() => answer.wait(() => socket.cancel(request.id)));
    const sent = method.reportsProgress ? withMeta(request, { progressToken: request.id }) : request;
    return socket.send(sent, { listener, progress: (report) => ifNewest(() => answer.progress(report)) });
  }
}
