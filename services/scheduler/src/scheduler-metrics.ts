/** The scheduler's figures: how late things happened, and what is still to come. */
import type { HistogramFeed, Metrics } from "@millrace/service-kit";

export class SchedulerMetrics {
  readonly #metrics: Metrics;
  readonly #timers: HistogramFeed<never>;
  readonly #slots: HistogramFeed<never>;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
    this.#timers = metrics.histogram(
      "millrace_timer_lateness_seconds",
      "How long after its time a timer was fired",
      [],
    );
    this.#slots = metrics.histogram(
      "millrace_schedules_late_seconds",
      "How long after its time a slot of a schedule was triggered",
      [],
    );
  }

  timerFired(lateMs: number): void {
    this.#timers.observe({}, Math.max(0, lateMs) / 1000);
  }

  slotTriggered(lateMs: number): void {
    this.#slots.observe({}, Math.max(0, lateMs) / 1000);
  }

  /** @param timers those this scheduler will be there for: all schedulers' together are those of the next day */
  observe(timers: { readonly size: number }, schedules: { readonly size: number }): void {
    this.#metrics.gauge(
      "millrace_timers_pending",
      "Timers of the next day that this scheduler will fire",
      [],
      (set) => set({}, timers.size),
    );
    this.#metrics.gauge("millrace_schedules_active", "Active schedules", [], (set) =>
      set({}, schedules.size),
    );
  }
}
