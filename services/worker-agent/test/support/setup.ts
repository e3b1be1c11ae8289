/** A broker, a folder of tasks and agents for the tests of a file; everything ends with it. */
import { afterAll, beforeAll } from "vitest";
import { AgentProcess, tasksFolder } from "./agent-process.ts";
import { testBroker, type TestBroker } from "./broker.ts";
import { TestCoordinator } from "./coordinator.ts";

/** The first broker on a machine may have to be fetched. */
const FETCH_MS = 300_000;

export type Setup = {
  readonly broker: TestBroker;
  readonly coordinator: TestCoordinator;
  readonly tasksDir: string;
  /** Starts one more agent; resolves when it takes runs. */
  agent(env?: Readonly<Record<string, string>>): Promise<AgentProcess>;
};

export function setUp(files: Readonly<Record<string, string>>): () => Setup {
  let setup: Setup | undefined;
  const agents: AgentProcess[] = [];
  const ends: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    const broker = await testBroker();
    ends.push(() => broker.stop());
    const tasks = await tasksFolder(files);
    ends.push(() => tasks.remove());
    setup = {
      broker,
      coordinator: new TestCoordinator(broker.nc),
      tasksDir: tasks.dir,
      agent: async (env = {}) => {
        const agent = new AgentProcess(broker.url, tasks.dir, env);
        agents.push(agent);
        return await agent.ready();
      },
    };
  }, FETCH_MS);
  afterAll(async () => {
    for (const agent of agents) agent.kill("SIGKILL");
    await Promise.all(agents.map((agent) => agent.exited));
    for (const end of ends) await end();
  });
  return () => {
    if (!setup) throw new Error("Only inside tests");
    return setup;
  };
}
