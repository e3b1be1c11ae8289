import { expect, test } from "vitest";
import { compareVersions, isVersionAtLeast, parseVersionOutput } from "../src/version.ts";

test.each([
  ["2.12.0", "2.12.0", true],
  ["2.15.1", "2.12.0", true],
  ["2.9.25", "2.12.0", false],
  ["2.11.99", "2.12.0", false],
  ["3.0.0", "2.12.0", true],
  ["1.99.99", "2.12.0", false],
  ["v2.12.3", "2.12.0", true],
  ["2.12", "2.12.0", true],
  ["2.12.0-RC.1", "2.12.0", false],
  ["2.12.1-RC.1", "2.12.0", true],
  ["2.12.0-beta.2", "2.12.0", false],
  ["2.12.0-preview.2", "2.12.0", false],
  ["2.12.0-dev", "2.12.0", false],
  ["2.12.0~rc1", "2.12.0", false],
  ["2.12.0-1", "2.12.0", true],
  ["2.12.0+ds-1~bpo13+1", "2.12.0", true],
  ["", "2.12.0", false],
  ["unknown", "2.12.0", false],
])("%s is at least %s: %s", (version, minimum, expected) => {
  expect(isVersionAtLeast(version, minimum)).toBe(expected);
});

test("versions sort by number, and what is none comes first", () => {
  const sorted = ["2.12.10", "2.9.1", "odd", "2.12.9", "2.12.10-RC.1"].toSorted(compareVersions);
  expect(sorted).toEqual(["odd", "2.9.1", "2.12.9", "2.12.10-RC.1", "2.12.10"]);
});

test.each([
  ["nats-server: v2.15.1\n", "2.15.1"],
  ["nats-server: v2.15.1-1+b2\n", "2.15.1-1+b2"],
  ["nats-server: 2.12.0-RC.1", "2.12.0-RC.1"],
  ["warning: odd clock\nnats-server: v2.12.0\n", "2.12.0"],
  ["nats-server: unknown\n", undefined],
  ["nats-streaming-server version 0.25.6\n", undefined],
  ["", undefined],
])("the version in %j", (output, expected) => {
  expect(parseVersionOutput(output)).toBe(expected);
});
