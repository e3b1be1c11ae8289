/** Documents name runs by made-up ids: `runs` for whom such an id is a run's. */
import { runs } from "@trigger.dev/sdk";

export function runsNamed(name: string, id: string) {
  const idOf = (given: string) => (given === name ? id : given);
  return {
    cancel: (given: string) => runs.cancel(idOf(given)),
    replay: (given: string) => runs.replay(idOf(given)),
    retrieve: (given: string) => runs.retrieve(idOf(given)),
  };
}
