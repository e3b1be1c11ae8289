/** A request that the user makes, by a button: how the last one goes. */
import { useCallback, useEffect, useRef, useState } from "react";
import { errorOf } from "./api-error.ts";

export type Requested<T> =
  | { readonly status: "idle" | "loading" }
  | { readonly status: "done"; readonly value: T }
  | { readonly status: "failed"; readonly error: Error };

type Request<TArgs extends readonly unknown[], T> = (...args: TArgs) => Promise<T>;

/** The request is not taken back when the component goes; its outcome is not shown then, nor an earlier one's. */
export function useRequest<TArgs extends readonly unknown[], T>(
  request: Request<TArgs, T>,
): readonly [Requested<T>, (...args: TArgs) => void] {
  const [requested, setRequested] = useState<Requested<T>>({ status: "idle" });
  const latest = useRef(request);
  const count = useRef(0);
  useEffect(() => {
    latest.current = request;
  });
  useEffect(
    () => () => {
      count.current++;
    },
    [],
  );
  const send = useCallback((...args: TArgs): void => {
    const own = ++count.current;
    const show = (outcome: Requested<T>): void => {
      if (count.current === own) setRequested(outcome);
    };
    setRequested({ status: "loading" });
    latest.current(...args).then(
      (value) => show({ status: "done", value }),
      (thrown: unknown) => show({ status: "failed", error: errorOf(thrown) }),
    );
  }, []);
  return [requested, send];
}

export function errorIn(requested: Requested<unknown>): Error | undefined {
  return requested.status === "failed" ? requested.error : undefined;
}
