/** What is not HTTP is refused as everything else is: `{ error, code }`. After it nobody knows where a next request begins. */
import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { refuse } from "@millrace/proto";

/** HTTP's own statuses; what is not here is 400. */
const STATUSES: Readonly<Record<string, number>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
};
const MESSAGES: Readonly<Record<number, string>> = {
  400: "This is not an HTTP request",
  408: "The request took too long to arrive",
  413: "The request's chunks carry too many extensions",
  431: "The request's URL and headers are over 16 KB",
};

/** Ends the connection, after a word of why where somebody may hear it. */
export function refuseUnreadable({ code = "" }: NodeJS.ErrnoException, socket: Socket): void {
  if (code === "ECONNRESET" || socket.destroyed) return;
  if (socket.writable) socket.write(answer(STATUSES[code] ?? 400));
  socket.destroySoon();
}

function answer(status: number): string {
  const { code, message: error } = refuse("BAD_REQUEST", MESSAGES[status] ?? "");
  const body = JSON.stringify({ error, code });
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    "content-type: application/json; charset=utf-8",
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
    "",
    body,
  ].join("\r\n");
}
