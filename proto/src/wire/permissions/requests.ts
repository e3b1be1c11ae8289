/** The subjects of requests to JetStream, by what they do; and of facts about runs. */
import type { Role } from "../subjects.ts";

export const API = "$JS.API";
export const EVERY_ENVIRONMENT = "*";

export function events(env: string, ...roles: Role[]): string[] {
  return roles.map((role) => `run.${env}.*.*.${role}`);
}

/** Consumers that live as long as somebody reads, of some subjects alone, or of all. */
export function reading(stream: string, filter?: string): string[] {
  const made =
    filter === undefined
      ? [`${API}.CONSUMER.CREATE.${stream}`, `${API}.CONSUMER.CREATE.${stream}.>`]
      : [`${API}.CONSUMER.CREATE.${stream}.*.${filter}`];
  return [...made, `${API}.CONSUMER.MSG.NEXT.${stream}.*`, `${API}.CONSUMER.DELETE.${stream}.*`];
}

/** Durable consumers that are made, changed and asked about. */
export function consumersOf(stream: string): string[] {
  return [
    `${API}.CONSUMER.CREATE.${stream}.>`,
    `${API}.CONSUMER.INFO.${stream}.*`,
    `${API}.CONSUMER.MSG.NEXT.${stream}.*`,
  ];
}

export function direct(...streams: string[]): string[] {
  return streams.map((stream) => `${API}.DIRECT.GET.${stream}`);
}

/** The broker says where to acknowledge in one of two forms: the second names a domain and an account first. */
export function acks(stream: string, consumer: string): string[] {
  return [`$JS.ACK.${stream}.${consumer}.>`, `$JS.ACK.*.*.${stream}.${consumer}.>`];
}
