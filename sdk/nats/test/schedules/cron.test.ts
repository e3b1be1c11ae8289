/** What is wrong with a cron expression, and where. */
import { describe, expect, test } from "vitest";
import { checkCron } from "../../src/schedules/cron.ts";

describe("a cron expression", () => {
  test.each([
    "* * * * *",
    "0 9 * * 1-5",
    "*/15 0-23/2 1,15,L JAN-MAR MON,fri",
    "0 0 L * *",
    "0 0 * * 5L",
    "0 0 * * 7",
    "0 0 29 2 *",
    "0 0 31 4 MON",
    "  5   4 * * *  ",
  ])("%j can be used", (expression) => {
    expect(checkCron(expression, "Europe/Berlin")).toBeUndefined();
  });

  test.each<[string, string, number | undefined, RegExp]>([
    ["61 * * * *", "minute", 1, /Field 1 \(minute\), "61": .*0-59/],
    ["* 24 * * *", "hour", 2, /Field 2 \(hour\), "24": .*0-23/],
    ["* * 0 * *", "day of month", 3, /Field 3/],
    ["* * * 13 *", "month", 4, /Field 4/],
    ["* * * * 8", "day of week", 5, /Field 5/],
    ["* * * FOO *", "month", 4, /"foo"/],
    ["*/0 * * * *", "minute", 1, /0/],
    ["50-10 * * * *", "minute", 1, /50-10/],
    ["1,,2 * * * *", "minute", 1, /list/],
    ["H * * * *", "minute", 1, /H .* is not supported/],
    ["* * * * H", "day of week", 5, /H .* is not supported/],
    ["0 0 W * *", "day of month", 3, /Field 3/],
    ["0 0 30 2 *", "day of month", 3, /no month of "2" has such a day/],
    ["0 0 31 APR,JUN *", "day of month", 3, /no month of "APR,JUN" has such a day/],
    ["$ * * * *", "minute", 1, /characters/],
    ["* * * *", "expression", undefined, /5 fields .* not 4/],
    ["0 * * * * *", "expression", undefined, /5 fields .* not 6; seconds are not supported/],
    ["* * * * * * *", "expression", undefined, /not 7/],
    ["", "expression", undefined, /not 0/],
    ["@daily", "expression", undefined, /nickname/],
    [`${"1,".repeat(200)}1 * * * *`, "expression", undefined, /at most 256/],
  ])("%j is refused: %s", (expression, field, position, message) => {
    expect(checkCron(expression, "UTC")).toEqual({
      field,
      ...(position === undefined ? {} : { position }),
      message: expect.stringMatching(message) as string,
    });
  });

  test("needs a time zone that exists", () => {
    expect(checkCron("* * * * *", "Mars/Olympus")).toEqual({
      field: "timezone",
      message: `"Mars/Olympus" is not an IANA time zone such as "Europe/Berlin"`,
    });
  });
});
