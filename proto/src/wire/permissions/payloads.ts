/** The subjects by which large payloads and outputs are stored and read. */
import { OBJECT_BUCKETS, objectStream } from "../streams.ts";
import { API, direct, reading } from "./requests.ts";

const PAYLOADS = OBJECT_BUCKETS.payloads.name;

export function payloads(env: string): string[] {
  const stream = objectStream(PAYLOADS);
  const descriptions = `$O.${PAYLOADS}.M.${env}.*`;
  return [
    `$O.${PAYLOADS}.C.${env}.*.*`,
    descriptions,
    `${API}.DIRECT.GET.${stream}.${descriptions}`,
    ...reading(stream, `$O.${PAYLOADS}.C.${env}.*.*`),
  ];
}

/** Also those that were stored without their environment. */
export function oldPayloads(): string[] {
  const stream = objectStream(PAYLOADS);
  return [
    `${API}.INFO`,
    `${API}.STREAM.INFO.${stream}`,
    `${API}.STREAM.MSG.GET.${stream}`,
    ...direct(stream),
    ...reading(stream),
    `$JS.FC.${stream}.>`,
  ];
}
