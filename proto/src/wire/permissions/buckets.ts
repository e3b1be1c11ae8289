/** The subjects by which records are written, read and watched. */
import { bucketStream, type BUCKETS } from "../streams.ts";
import { API, reading } from "./requests.ts";

export type BucketName = (typeof BUCKETS)[keyof typeof BUCKETS]["name"];

export function kv(bucket: BucketName, keys: string): string {
  return `$KV.${bucket}.${keys}`;
}

/** Reading and watching the whole bucket. */
export function reads(bucket: BucketName): string[] {
  const stream = bucketStream(bucket);
  return [`${API}.STREAM.MSG.GET.${stream}`, ...reading(stream)];
}

/** Reading and watching some keys, and no others. */
export function confinedReads(bucket: BucketName, keys: string): string[] {
  return [confinedGet(bucket, keys), ...reading(bucketStream(bucket), kv(bucket, keys))];
}

export function confinedGet(bucket: BucketName, keys: string): string {
  return `${API}.DIRECT.GET.${bucketStream(bucket)}.${kv(bucket, keys)}`;
}
