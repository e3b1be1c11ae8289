/** Payloads and outputs kept in the object store. */
import { refuse } from "@millrace/proto";
import { newPayloadPath, sizeProblem } from "../packets.ts";
import { answer, type Answering, type Platform } from "./answers.ts";

/** Longer than any path there is; an object's name has to fit the broker's line. */
const PATH_MAX = 512;

export function packetCalls({ stores }: Platform): {
  readonly "packets.store": Answering<"packets.store">;
  readonly "packets.load": Answering<"packets.load">;
} {
  return {
    "packets.store": async (env, { data, type }) => {
      const tooLarge = sizeProblem(data);
      if (tooLarge) return tooLarge;
      const path = newPayloadPath();
      await (await stores.objects()).put(env, path, data, type);
      return answer({ path });
    },
    "packets.load": async (env, { path }) => {
      const isPossible = path.length <= PATH_MAX;
      const object = isPossible ? await (await stores.objects()).get(env, path) : undefined;
      if (object) return answer(object);
      return refuse("OBJECT_NOT_FOUND", `There is nothing at ${JSON.stringify(path)}`);
    },
  };
}
