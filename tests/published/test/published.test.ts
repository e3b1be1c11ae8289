/** The published client, unmodified, against one Millrace: every call it has for a backend. */
import { afterAll, beforeAll, describe } from "vitest";
import { startMillrace, stopMillrace } from "./client/support.ts";
import { triggering } from "./client/triggering.ts";

beforeAll(startMillrace);
afterAll(stopMillrace);

describe("tasks.trigger", triggering);
