/** A process that stands still between deciding and sending. */
import { Publisher } from "@millrace/service-kit";
import { TELEMETRY } from "@millrace/proto";
import { expect, test } from "vitest";
import { virtually } from "../src/world/virtually.ts";

test("what it had no time to send is not sent after its deadline: its lease is somebody else's by then", async () => {
  expect.hasAssertions();
  await virtually(async ({ broker, connect }) => {
    const connection = connect();
    const publisher = new Publisher(connection.client);
    const published = publisher.publish("otel.dev.late", new Uint8Array(), { deadlineMs: 1000 });
    connection.owner.pausedUntil = performance.now() + 5000;
    await expect(published).rejects.toThrow("did not acknowledge");
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(broker.stream(TELEMETRY.name).size).toBe(0);
  });
});
