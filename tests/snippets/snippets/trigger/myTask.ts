export { myTask } from "./my-task.ts";
