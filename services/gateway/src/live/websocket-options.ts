/** How WebSockets are opened and, when the gateway stops, closed. */
import type { WebsocketPluginOptions } from "@fastify/websocket";
import { LIVE } from "@millrace/proto";
import type { Logger } from "@millrace/service-kit";

/** Requests are a few words. */
const MAX_REQUEST_BYTES = 16 * 1024;
const GOING_AWAY = 1001;
const CLOSE_PATIENCE_MS = 1000;

export function websocketOptions(log: Logger): WebsocketPluginOptions {
  return {
    options: {
      maxPayload: MAX_REQUEST_BYTES,
      // Never the one that carries the key.
      handleProtocols: (offered) => (offered.has(LIVE.protocol) ? LIVE.protocol : false),
    },
    errorHandler: (error, socket) => {
      log.debug({ err: error }, "websocket failed");
      socket.terminate();
    },
    // Clients connect elsewhere at once; one that does not answer must not hold up the end.
    preClose(done) {
      const { websocketServer } = this;
      for (const client of websocketServer.clients) client.close(GOING_AWAY);
      const timer = setTimeout(() => {
        for (const client of websocketServer.clients) client.terminate();
      }, CLOSE_PATIENCE_MS);
      websocketServer.close(() => clearTimeout(timer));
      done();
    },
  };
}
