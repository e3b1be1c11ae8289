export { processData } from "../002-01.ts";
