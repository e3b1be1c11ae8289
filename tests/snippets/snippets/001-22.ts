// #region snippet
import { batch } from "@trigger.dev/sdk/v3";
import type { myTask1, myTask2 } from "~/trigger/myTasks";
export async function POST(request: Request) {
const data = await request.json();
const result = await batch.trigger<typeof myTask1 | typeof myTask2>([
{ id: "my-task-1", payload: { some: data.some } },
{ id: "my-task-2", payload: { other: data.other } },
]);
return Response.json(result);
}
// #endregion
