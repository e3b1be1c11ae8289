/** A task that imports a package: it is in the image, beside the tasks. */
import { task } from "@millrace/sdk";
import { nanoid } from "nanoid";

export const invite = task({
  id: "invite",
  machine: "small-1x",
  run: (payload: { name: string }) => ({ name: payload.name, code: nanoid(10) }),
});
