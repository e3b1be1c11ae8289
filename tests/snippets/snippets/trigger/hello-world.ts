export { helloWorld, helloWorld as helloWorldTask } from "../004-01.ts";
