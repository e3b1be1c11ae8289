/** What belongs to the environment: its variables, and the versions that are served in it. */
import { deployments, envvars } from "@trigger.dev/sdk";
import { expect, test } from "vitest";
import { ONCE, VERSION } from "./support.ts";

const PROJECT = ["proj_1", "dev"] as const;

export function environment(): void {
  test("envvars are made, read, changed, listed and deleted", async () => {
    const [project, slug] = PROJECT;
    const made = await envvars.create(project, slug, { name: "COLOR", value: "red" });
    expect(made).toEqual({ success: true });
    expect(await envvars.retrieve(project, slug, "COLOR")).toMatchObject({ value: "red" });
    // The client's own update() fails outside a run before it sends anything.
    await envvars.upload(project, slug, {
      variables: { COLOR: "blue", SIZE: "5" },
      override: true,
    });
    expect(await envvars.list(project, slug)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ name: "COLOR", value: "blue" }),
        expect.objectContaining({ name: "SIZE", value: "5" }),
      ]),
    );
    await envvars.del(project, slug, "COLOR");
    const gone = envvars.retrieve(project, slug, "COLOR", ONCE);
    await expect(gone).rejects.toMatchObject({ status: 404 });
    const other = envvars.list(project, "prod", ONCE);
    await expect(other).rejects.toMatchObject({ status: 403 });
  });

  test("deployments are the versions that agents serve", async () => {
    expect(await deployments.retrieveCurrent()).toMatchObject({ version: VERSION });
    const listed = await deployments.list({ limit: 5 });
    expect(listed.data).toMatchObject([{ version: VERSION, status: "DEPLOYED" }]);
  });
}
